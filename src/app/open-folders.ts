/** Opens data folder and store for a start: claims them, decides, and only then creates what is missing. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { writeIdentity } from '../blobs/disk/identity.ts';
import { prepareDiskStore } from '../blobs/disk/prepare.ts';
import type { Config } from '../config/read.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { Logger } from '../log.ts';
import { prepareBucket } from './bucket.ts';
import { claimServerFolder } from './claim-folder.ts';
import { type DataFolder, dataFolder, makeDataFolder, readOrMakeMasterKey } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { FolderClaims } from './folder-claims.ts';
import { planStart, type StartPlan } from './start-plan.ts';

/** Folders that this process has claimed. */
export interface OpenedFolders {
  readonly folder: DataFolder;
  readonly claims: FolderClaims;
  readonly masterKey: Buffer;
  readonly plan: StartPlan;
}

/** Written here before the catalog, so a store behind its catalog must be a copy or restored. */
async function prepareStore(
  { store }: Config,
  folder: DataFolder,
  { identity, storeNumber }: StartPlan,
): Promise<void> {
  if (store) return prepareBucket(store, identity, storeNumber);
  await prepareDiskStore(folder.store);
  await writeIdentity(folder.store, identity, storeNumber);
}

/**
 * Claims data folder and store, decides whether to start, and prepares the store with the next generation.
 * @throws FolderInUse, StoreInUse, StartRefused, NoteDamaged, the I/O error; nothing is then held.
 */
export async function openFolders(config: Config, random: RandomBytes, log: Logger): Promise<OpenedFolders> {
  const folder = dataFolder(config.data);
  // Creates nothing here: it explains what is wrong with a path that is not a folder.
  if (existsSync(folder.path)) {
    makeDataFolder(folder);
    requireUsable(folder);
  }
  const claims = new FolderClaims(folder, () => claimServerFolder(folder, config.listen, log));
  try {
    await claims.claimExisting();
    let plan = await planStart(config, folder, random);
    const isNewlyTaken = await claims.claimData();
    const masterKey = await readOrMakeMasterKey(folder, random);
    if (!config.store) await mkdir(folder.store, { recursive: true });
    const isStoreNewlyTaken = config.store ? false : await claims.claimStore();
    // If a claim is new, another server may have changed the findings since the first decision.
    if (isStoreNewlyTaken || isNewlyTaken) plan = await planStart(config, folder, random);
    await prepareStore(config, folder, plan);
    return { folder, claims, masterKey, plan };
  } catch (error) {
    claims.release();
    throw error;
  }
}
