/** Disk stores for tests, and what a crash makes of them. */
import { randomBytes } from 'node:crypto';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DiskStore, type DiskStoreOptions } from '../../src/blobs/disk/disk-store.ts';
import { prepareDiskStore } from '../../src/blobs/disk/prepare.ts';
import type { HashEngine } from '../../src/hashing/hash-engine.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { temporaryFolder } from './server.ts';

/** A folder made ready; it goes with the test. */
export async function readyFolder(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  await prepareDiskStore(folder);
  return folder;
}

/** A store over the folder that is closed with the test. */
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

/** The folder as a crash leaves it at this moment, with its packs: a copy, so that the store over it may live on. */
export async function copyOf(t: TestContext, folder: string): Promise<string> {
  const copy = await temporaryFolder();
  t.after(() => rm(copy, { recursive: true }));
  // Its 256 folders would take longer than all else, and a start makes them.
  await cp(folder, copy, { recursive: true, filter: (path) => path !== join(folder, 'blobs') });
  return copy;
}

/** What a start does: prepares the folder and judges what is unconfirmed by what the catalog names. */
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
