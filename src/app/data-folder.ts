import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SettingError } from '../config/errors.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import type { FileSystem } from '../durable/file-system.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { replaceFile } from '../durable/replace-file.ts';
import { holdExclusively } from './exclusive-file.ts';

/** The paths of one installation. */
export interface DataFolder {
  readonly path: string;
  readonly claimFile: string;
  readonly catalog: string;
  readonly store: string;
  /** Claims the store. A store may be on another disk, and two data folders may lead to it. */
  readonly storeClaimFile: string;
  /** Names the catalog of the data folder. */
  readonly belongsTo: string;
  readonly audit: string;
  readonly masterKey: string;
  readonly rootCredentials: string;
}

/** The paths in a data folder. Creates nothing. */
export function dataFolder(path: string): DataFolder {
  const at = (name: string) => join(resolve(path), name);
  return {
    path: resolve(path),
    claimFile: at('lock.sqlite'),
    catalog: at('catalog.sqlite'),
    store: at('store'),
    storeClaimFile: at('store/lock.sqlite'),
    belongsTo: at('catalog.json'),
    audit: at('audit'),
    masterKey: at('master.key'),
    rootCredentials: at('root-credentials'),
  };
}

/** Another server uses the data folder. */
export class FolderInUse extends Error {
  constructor(path: string) {
    super(`another server is using the data folder ${path}; stop it, or give --data another folder`);
    this.name = 'FolderInUse';
  }
}

/**
 * Claims the folder, which exists, for this process.
 * @returns a function that releases it.
 * @throws FolderInUse.
 */
export function claimDataFolder(folder: DataFolder): () => void {
  const release = holdExclusively(folder.claimFile);
  if (!release) throw new FolderInUse(folder.path);
  return release;
}

/** Reads the master key; creates it at the first start. @throws as `readMasterKey`. */
export async function readOrMakeMasterKey(
  folder: DataFolder,
  random: RandomBytes,
  fs: FileSystem = realFileSystem,
): Promise<Buffer> {
  const key = await readMasterKey(folder, fs).catch(undefinedIfMissing);
  if (key) return key;
  const made = random(32);
  await writeDurably(folder.masterKey, `${made.toString('hex')}\n`, fs);
  return made;
}

/**
 * The key that seals secrets and signs archive ids, 32 bytes.
 * @throws Error for a file that holds no such key; the I/O error, also for a missing file.
 */
export async function readMasterKey(
  { masterKey }: DataFolder,
  fs: FileSystem = realFileSystem,
): Promise<Buffer> {
  const text = (await fs.readFile(masterKey)).toString('utf8');
  if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new Error(`${masterKey} is not a key of 64 hex digits`);
  return Buffer.from(text.trim(), 'hex');
}

/** Writes a file that only the owner can read (mode 0600). Atomic, and durable when it resolves. */
export async function writeDurably(
  path: string,
  text: string,
  fs: FileSystem = realFileSystem,
): Promise<void> {
  await replaceFile(fs, path, {
    temporary: `${path}.new`,
    permissions: 0o600,
    write: (file) => file.writeWhole(text),
  });
}

/** Errors that do not depend on the path, so that another folder would not help. */
const SHORTAGES = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * Creates the data folder and the folders above it, durably.
 * @throws SettingError when the path cannot be a folder; Error for a shortage.
 */
export function makeDataFolder({ path }: DataFolder): void {
  try {
    makeFolder(path);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const text = `the data folder ${path} cannot be created: ${message}`;
    throw SHORTAGES.includes(code) ? new Error(text) : new SettingError(text);
  }
}

/** Does not use `recursive` of `mkdir`: in folders that accept no new folder, such as /proc, Node.js never returns from it. */
function makeFolder(path: string): void {
  if (!makeOne(path)) return;
  // The folder above holds the new name.
  flushFolder(dirname(path));
}

/** @returns whether it created the folder; false if the folder existed. */
function makeOne(path: string): boolean {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return false;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, 0o700);
  }
  return true;
}

/** Makes the names in a folder durable. Synchronous, like all of making the data folder. @throws the I/O error. */
function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
