import { existsSync } from 'node:fs';
import type { ListenAddress } from '../config/values.ts';
import type { Logger } from '../log.ts';
import { claimDataFolder, type DataFolder, makeDataFolder } from './data-folder.ts';
import { closeToOthers, requireUsable } from './folder-access.ts';
import { requireOwnFolder } from './folder-owner.ts';
import { requireFreeAddress } from './listen-address.ts';

/**
 * Claims the data folder for this process, and creates it if it is missing. Before it creates a folder, checks that the
 * server can listen, so that a failed start leaves nothing behind. Claims an existing folder before it checks the
 * address: a server that uses the folder often uses the address, too, and the error should name the folder.
 * @returns a function that releases the folder.
 * @throws SettingError, FolderInUse, Error for an address in use.
 */
export async function claimServerFolder(
  folder: DataFolder,
  address: ListenAddress,
  log: Logger,
): Promise<() => void> {
  requireOwnFolder(folder.path);
  const isNew = !existsSync(folder.claimFile);
  if (isNew) {
    await requireFreeAddress(address);
    makeDataFolder(folder);
  }
  requireUsable(folder);
  closeFolderToOthers(folder, log);
  const release = claimDataFolder(folder);
  try {
    if (!isNew) await requireFreeAddress(address);
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function closeFolderToOthers(folder: DataFolder, log: Logger): void {
  const { closed, groupWrites } = closeToOthers(folder);
  if (closed.length > 0) {
    log.warn(
      { closed },
      'other users of this machine could use these files and folders; now only the owner can',
    );
  }
  if (groupWrites) {
    log.warn(
      { folder: folder.path },
      'the group of the data folder may write to it, and so replace files in it; `chmod g-w` forbids that',
    );
  }
}
