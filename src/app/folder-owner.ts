/** Whose a data folder is: root must leave nothing in another user's folder that this user may not read. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { SettingError } from '../config/errors.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** Missing in the types of Node.js. */
type WithInitgroups = NodeJS.Process & { initgroups?(user: number, group: number): void };

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Set once this process has become another user. */
let adopted: number | undefined;

/**
 * If this process is root's and the data folder is another user's, the process becomes that user's: user, group and
 * supplementary groups, for good. Commands do this before they open anything in the folder. Nothing is done for any
 * other process, nor where there is no such folder.
 * @param path of the data folder.
 */
export function becomeOwner(path: string): void {
  const owner = otherOwner(path);
  if (owner === undefined) return;
  try {
    (process as WithInitgroups).initgroups?.(owner.uid, owner.gid);
  } catch {
    // The system has no name for this user, so it has no groups for it either.
    process.setgroups?.([owner.gid]);
  }
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
  adopted = owner.uid;
}

/** Whom `becomeOwner` has made this process; undefined if nobody else than it was. */
export function adoptedUid(): number | undefined {
  return adopted;
}

/**
 * A server that runs as root is refused over another user's folder. It does not take on the owner as commands do: its
 * port and its private key may be root's to open.
 * @throws SettingError that names the folder, its owner and what to do.
 */
export function requireOwnFolder(path: string): void {
  const owner = otherOwner(path);
  if (owner === undefined) return;
  throw new SettingError(
    `the data folder ${path} belongs to uid ${owner.uid}, and this process is root's: run the server as that user, ` +
      'or give the folder and all that is in it to root (chown -R 0:0)',
  );
}

/**
 * The owner, if this process is root's and the folder is not. Where the folder is root's the master key decides: a
 * server may run in a folder that it was only allowed to write to.
 */
function otherOwner(path: string): Owner | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const found = [ownerOf(path, O_DIRECTORY), ownerOf(join(path, 'master.key'), O_NOFOLLOW)];
  return found.find((owner) => owner !== undefined && owner.uid !== 0);
}

/** Of what was opened, so that the name cannot come to mean something else meanwhile. */
function ownerOf(path: string, flag: number): Owner | undefined {
  let file: number;
  try {
    file = openSync(path, O_RDONLY | O_NONBLOCK | flag);
  } catch {
    // What cannot be opened is told by who needs it.
    return undefined;
  }
  try {
    const { uid, gid } = fstatSync(file);
    return { uid, gid };
  } finally {
    closeSync(file);
  }
}
