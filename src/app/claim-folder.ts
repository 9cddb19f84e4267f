import { existsSync } from 'node:fs';
import type { ListenAddress } from '../config/values.ts';
import type { Logger } from '../log.ts';
import { claimDataFolder, type DataFolder, makeDataFolder } from './data-folder.ts';
import { closeToOthers, requireUsable } from './folder-access.ts';
import { requireOwnFolder } from './folder-owner.ts';
import { requireFreeAddress } from './listen-address.ts';

/**
 * Makes the data folder if need be and takes it for this process, once it is known that the server could listen: a
 * start that must fail leaves nothing behind. A folder in use is reported before an address in use, because the
 * address is in use then, too.
 * @returns what lets go of the folder.
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
      'the modes of these let other users of this machine at them; they are for the owner alone now',
    );
  }
  if (groupWrites) {
    log.warn(
      { folder: folder.path },
      'the group of the data folder may write to it, and so replace what is in it; `chmod g-w` takes that away',
    );
  }
}
