/** Disk stores for tests, and copies of them as a crash would leave them. */
import { randomBytes } from 'node:crypto';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DiskStore, type DiskStoreOptions } from '../../src/blobs/disk/disk-store.ts';
import { prepareDiskStore } from '../../src/blobs/disk/prepare.ts';
import type { HashEngine } from '../../src/hashing/hash-engine.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { temporaryFolder } from './server.ts';

/** A prepared folder, removed after the test. */
export async function readyFolder(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  await prepareDiskStore(folder);
  return folder;
}

/** A store over the folder, closed after the test. */
export function storeOver(
  t: TestContext,
  folder: string,
  random = (bytes: number) => randomBytes(bytes),
  engine: HashEngine = nodeHash,
  options: DiskStoreOptions = {},
): DiskStore {
  const store = new DiskStore(folder, random, engine, options);
  t.after(() => store.close().catch(() => {}));
  return store;
}

export const incoming = (folder: string) => readdir(join(folder, 'incoming'));
export const packFiles = (folder: string) => readdir(join(folder, 'packs'));

/** Copies the folder as a crash would leave it now. The store over the folder stays usable. */
export async function copyOf(t: TestContext, folder: string): Promise<string> {
  const copy = await temporaryFolder();
  t.after(() => rm(copy, { recursive: true }));
  // Skips the 256 folders, which take longest to copy and which a start makes again.
  await cp(folder, copy, { recursive: true, filter: (path) => path !== join(folder, 'blobs') });
  return copy;
}

/**
 * Does what a start does: prepares the folder, and confirms or sets aside each blob by whether the catalog names it.
 */
export async function startOver(
  t: TestContext,
  folder: string,
  isNamed: (ref: string) => boolean,
): Promise<DiskStore> {
  await prepareDiskStore(folder);
  const store = storeOver(t, folder);
  for await (const ref of store.unconfirmed()) {
    if (isNamed(ref)) store.confirm(ref);
    else await store.remove(ref);
  }
  await store.confirmAll();
  return store;
}
