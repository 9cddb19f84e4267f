/** Checks, before anything in a data folder is opened, that this process may use it and that others may not. */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readdirSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { SettingError } from '../config/errors.ts';
import type { DataFolder } from './data-folder.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, R_OK, W_OK, X_OK } = constants;
const OTHERS = 0o077;
const WORLD_WRITES = 0o002;
const GROUP_WRITES = 0o020;

/**
 * Requires that this process may use what exists in the folder.
 * @throws SettingError that names the path that it may not use, with owner and mode.
 */
export function requireUsable(folder: DataFolder): void {
  requireAccess(folder.path, R_OK | W_OK | X_OK);
  // An operator may have made the key read-only.
  requireAccess(folder.masterKey, R_OK);
  for (const path of databases(folder)) requireAccess(path, R_OK | W_OK);
  for (const path of [folder.audit, ...foldersOf(folder.store)]) requireAccess(path, R_OK | W_OK | X_OK);
}

/**
 * Sets files in the data folder to mode 0600 and folders to 0700, so that only the owner can use them. An earlier version
 * or a person may have set other modes. Must run before this process opens a database: closing any descriptor of a file
 * releases the locks that SQLite holds on it.
 * @returns what others could use until now, such as `master.key (0644)`, and whether the group may write to the folder.
 * @throws SettingError when every user may write to the folder, because nothing in it can then be trusted.
 */
export function closeToOthers(folder: DataFolder): { closed: readonly string[]; groupWrites: boolean } {
  const { mode } = statSync(folder.path);
  if (mode & WORLD_WRITES) {
    throw new SettingError(
      `every user of this machine may write to the data folder ${folder.path} (mode ${octal(mode)}), so nothing in ` +
        'it can be trusted: forbid that (chmod o-w), or give --data another folder',
    );
  }
  const names = readdirSync(folder.path).filter((name) => name.startsWith('root-credentials'));
  const files = [folder.masterKey, ...databases(folder), ...names.map((name) => join(folder.path, name))];
  const closed = [...files, folder.store, folder.audit].flatMap((path) => closePath(path));
  return { closed, groupWrites: (mode & GROUP_WRITES) !== 0 };
}

function databases({ claimFile, catalog }: DataFolder): readonly string[] {
  return [claimFile, catalog, `${catalog}-wal`, `${catalog}-shm`];
}

/** The store's folder and those in it. */
function foldersOf(store: string): readonly string[] {
  requireAccess(store, R_OK | X_OK);
  try {
    const entries = readdirSync(store, { withFileTypes: true });
    return [store, ...entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(store, name))];
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function requireAccess(path: string, mode: number): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return;
    if (code === 'EROFS') throw new SettingError(`${path} is on a read-only file system`);
    throw new SettingError(
      `this process, which runs as uid ${process.geteuid?.()}, may not ${mode & W_OK ? 'read and write' : 'read'} ` +
        `${path}: ${ownerAndMode(path)}`,
    );
  }
}

function ownerAndMode(path: string): string {
  try {
    const { uid, gid, mode } = statSync(path);
    return `it belongs to uid ${uid} and gid ${gid}, with mode ${octal(mode)}`;
  } catch {
    return 'a folder above it may not be entered';
  }
}

/** Changes the mode through a descriptor, so that a symbolic link is not followed. Skips files of other users. */
function closePath(path: string): string[] {
  let file: number;
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ELOOP') return [];
    throw error;
  }
  try {
    const found = fstatSync(file);
    if (!isOpenToOthers(found)) return [];
    fchmodSync(file, found.isDirectory() ? 0o700 : 0o600);
    return [`${path} (${octal(found.mode)})`];
  } finally {
    closeSync(file);
  }
}

function isOpenToOthers({ mode, uid }: Stats): boolean {
  const isOurs = uid === process.geteuid?.() || process.geteuid?.() === 0;
  return isOurs && (mode & OTHERS) !== 0;
}

/** The mode as four digits for chmod. */
function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
