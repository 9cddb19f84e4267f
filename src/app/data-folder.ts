import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SettingError } from '../config/errors.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { holdExclusively } from './exclusive-file.ts';

/** Where everything of one installation lies. */
export interface DataFolder {
  readonly path: string;
  readonly claimFile: string;
  readonly catalog: string;
  readonly store: string;
  /** The lock within the store: a store may lie on another disk, and be reached by two data folders. */
  readonly storeClaimFile: string;
  /** Which catalog the data folder belongs to. */
  readonly belongsTo: string;
  readonly audit: string;
  readonly masterKey: string;
  readonly rootCredentials: string;
}

/** The paths in a data folder; nothing is made. */
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

/** Another server has the data folder. */
export class FolderInUse extends Error {
  constructor(path: string) {
    super(`another server is using the data folder ${path}; stop it, or give --data another folder`);
    this.name = 'FolderInUse';
  }
}

/**
 * Claims the folder, which exists, for this process.
 * @returns what releases it.
 * @throws FolderInUse.
 */
export function claimDataFolder(folder: DataFolder): () => void {
  const release = holdExclusively(folder.claimFile);
  if (!release) throw new FolderInUse(folder.path);
  return release;
}

/** Reads the master key, or makes it at the first start. @throws as `readMasterKey`. */
export async function readOrMakeMasterKey(folder: DataFolder, random: RandomBytes): Promise<Buffer> {
  const key = await readMasterKey(folder).catch(undefinedIfMissing);
  if (key) return key;
  const made = random(32);
  await writeDurably(folder.masterKey, `${made.toString('hex')}\n`);
  return made;
}

/**
 * The key that seals secrets and signs archive ids, 32 bytes.
 * @throws Error for a file that holds no such key; the I/O error, also for a missing file.
 */
export async function readMasterKey({ masterKey }: DataFolder): Promise<Buffer> {
  const text = await readFile(masterKey, 'utf8');
  if (!/^[0-9a-f]{64}\s*$/.test(text)) throw new Error(`${masterKey} is not a key of 64 hex digits`);
  return Buffer.from(text.trim(), 'hex');
}

/** Writes a file for the owner's eyes only (mode 0600), whole or not at all, surviving a power cut. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  flushFolder(dirname(path));
}

/** What a file that is not there reads as: undefined. @throws every other error. */
export function undefinedIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** What no other folder would do better at: the path cannot be blamed for it. */
const SHORTAGES = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * Makes the data folder, and those above it, so that they survive a power cut.
 * @throws SettingError where there can be no such folder; Error for a shortage.
 */
export function makeDataFolder({ path }: DataFolder): void {
  try {
    makeFolder(path);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const text = `the data folder ${path} cannot be made: ${message}`;
    throw SHORTAGES.includes(code) ? new Error(text) : new SettingError(text);
  }
}

/** Not `mkdir` with `recursive`: Node.js never returns from it where a folder exists and takes no other, as in /proc. */
function makeFolder(path: string): void {
  if (!makeOne(path)) return;
  // Each name stands in the folder above it.
  flushFolder(dirname(path));
}

/** @returns whether it was made; false where it was there. */
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

/** Makes the names in a folder survive a power cut. @throws the I/O error. */
export function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
