/** Keeps root from leaving files in another user's data folder that this user cannot read. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { SettingError } from '../config/errors.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** The types of Node.js lack `initgroups`. */
type WithInitgroups = NodeJS.Process & { initgroups?(user: number, group: number): void };

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Set once this process has become another user. */
let adopted: number | undefined;

/**
 * Makes a root process become the owner of the data folder for the rest of its life: user, group and supplementary
 * groups. Commands call this before they open anything in the folder. Does nothing in other processes, or if there is no
 * such folder.
 * @param path of the data folder.
 */
export function becomeOwner(path: string): void {
  const owner = otherOwner(path);
  if (owner === undefined) return;
  try {
    (process as WithInitgroups).initgroups?.(owner.uid, owner.gid);
  } catch {
    // The system does not know this user, so it has no groups for it.
    process.setgroups?.([owner.gid]);
  }
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  adopted = owner.uid;
}

/** The user that this process became in `becomeOwner`; undefined if it did not change. */
export function adoptedUid(): number | undefined {
  return adopted;
}

/**
 * Refuses a server that runs as root over another user's folder. Unlike a command, a server does not become the owner: it
 * may need root to open its port and its private key.
 * @throws SettingError that names the folder, its owner and what to do.
 */
export function requireOwnFolder(path: string): void {
  const owner = otherOwner(path);
  if (owner === undefined) return;
  throw new SettingError(
    `the data folder ${path} belongs to uid ${owner.uid}, but this process runs as root: run the server as that user, ` +
      'or make root the owner of the folder and its contents (chown -R 0:0)',
  );
}

/**
 * The owner, if this process is root's and the folder is another user's. If the folder is root's, the owner of the master
 * key counts: a server may run in a folder that it may write to but does not own.
 */
function otherOwner(path: string): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const found = [ownerOf(path, O_DIRECTORY), ownerOf(join(path, 'master.key'), O_NOFOLLOW)];
  return found.find((owner) => owner !== undefined && owner.uid !== 0);
}

/** Reads the owner through a descriptor, so that the path cannot be replaced meanwhile. */
function ownerOf(path: string, flag: number): Owner | undefined {
  let file: number;
  try {
    file = openSync(path, O_RDONLY | O_NONBLOCK | flag);
  } catch {
    // The code that needs the file reports this error.
    return undefined;
  }
  try {
    const { uid, gid } = fstatSync(file);
    return { uid, gid };
  } finally {
    closeSync(file);
  }
}
