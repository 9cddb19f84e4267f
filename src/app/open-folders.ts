/** A start's way to its data folder and its store: locks, a decision, and only then what is made. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { writeIdentity } from '../blobs/disk/identity.ts';
import { prepareDiskStore } from '../blobs/disk/prepare.ts';
import type { Config } from '../config/read.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { Logger } from '../log.ts';
import { claimServerFolder } from './claim-folder.ts';
import { type DataFolder, dataFolder, makeDataFolder, readOrMakeMasterKey } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { FolderClaims } from './folder-claims.ts';
import { planStart, type StartPlan } from './start-plan.ts';

/** Folders that this process has to itself. */
export interface OpenedFolders {
  readonly folder: DataFolder;
  readonly claims: FolderClaims;
  readonly masterKey: Buffer;
  readonly plan: StartPlan;
}

/**
 * Takes data folder and store, decides, and makes the store ready with the next generation.
 * @throws FolderInUse, StoreInUse, StartRefused, NoteDamaged, the I/O error; then nothing is held.
 */
export async function openFolders(config: Config, random: RandomBytes, log: Logger): Promise<OpenedFolders> {
  const folder = dataFolder(config.data);
  // Makes nothing where there is something: it says what is wrong with a path that is no folder.
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
    await mkdir(folder.store, { recursive: true });
    // Where a lock was not held while the decision was made, another server may have changed what it rests on.
    if ((await claims.claimStore()) || isNewlyTaken) plan = await planStart(config, folder, random);
    await prepareDiskStore(folder.store);
    // First here, then in the catalog: a store that is behind its catalog is a copy, or was restored.
    await writeIdentity(folder.store, plan.identity, plan.storeNumber);
    return { folder, claims, masterKey, plan };
  } catch (error) {
    claims.release();
    throw error;
  }
}
