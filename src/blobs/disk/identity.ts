/** The file that says which store this is. */
import { open, readFile, rename } from 'node:fs/promises';
import { NoteDamaged } from '../../domain/blob-store.ts';
import type { StoreIdentity } from '../../domain/store-identity.ts';
import { decodeStamped, encodeStamped } from '../durable/stamped-text.ts';
import { DiskPaths } from './paths.ts';

/** @param folder of the store. @returns undefined when there is no such file. @throws NoteDamaged, the I/O error. */
export async function readIdentity(folder: string): Promise<StoreIdentity | undefined> {
  const path = new DiskPaths(folder).identity;
  const content = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  if (content === undefined) return undefined;
  const { text, writer } = decodeStamped(path, content);
  if (writer === undefined) throw new NoteDamaged(path, 'its end is missing');
  return JSON.parse(text) as StoreIdentity;
}

/** Replaces the file: whole or not at all, and durable when it resolves. @throws the I/O error. */
export async function writeIdentity(
  folder: string,
  identity: StoreIdentity,
  commitNumber: number,
): Promise<void> {
  const paths = new DiskPaths(folder);
  const next = paths.other('identity.json.next');
  const file = await open(next, 'w', 0o600);
  try {
    await file.writeFile(
      encodeStamped(JSON.stringify(identity), { generation: identity.generation, commitNumber }),
    );
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, paths.identity);
  await flushFolder(folder);
}

/** Makes the names in a folder survive a power cut. @throws the I/O error. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
