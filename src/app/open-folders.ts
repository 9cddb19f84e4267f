/** A start's way to its data folder and its store: locks, a decision, and only then what is made. */
import { mkdir } from 'node:fs/promises';
import { prepareDiskStore } from '../blobs/prepare-disk.ts';
import { writeIdentity } from '../blobs/store-identity.ts';
import type { Config } from '../config.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { Logger } from '../log.ts';
import { claimFolder } from './claim-folder.ts';
import { type DataFolder, dataFolder, readOrMakeMasterKey } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { planStart, type StartPlan } from './start-plan.ts';
import { ServerLocks } from './store-lock.ts';

/** Folders that this process has to itself. */
export interface OpenedFolders {
  readonly folder: DataFolder;
  readonly locks: ServerLocks;
  readonly masterKey: Buffer;
  readonly plan: StartPlan;
}

/**
 * Takes data folder and store, decides, and makes the store ready with the next generation.
 * @throws FolderInUse, StoreInUse, StartRefused, NoteDamaged, the I/O error; then nothing is held.
 */
export async function openFolders(config: Config, random: RandomBytes, log: Logger): Promise<OpenedFolders> {
  const folder = dataFolder(config.data);
  requireUsable(folder);
  const locks = new ServerLocks(folder, () => claimFolder(folder, config.listen, log));
  try {
    await locks.takeExisting();
    let plan = await planStart(config, folder, random);
    const isNewlyTaken = await locks.takeData();
    const masterKey = await readOrMakeMasterKey(folder, random);
    await mkdir(folder.store, { recursive: true });
    // Where a lock was not held while the decision was made, another server may have changed what it rests on.
    if ((await locks.takeStore()) || isNewlyTaken) plan = await planStart(config, folder, random);
    await prepareDiskStore(folder.store);
    // First here, then in the catalog: a store that is behind its catalog is a copy, or was restored.
    await writeIdentity(folder.store, plan.identity, plan.storeNumber);
    return { folder, locks, masterKey, plan };
  } catch (error) {
    locks.release();
    throw error;
  }
}
