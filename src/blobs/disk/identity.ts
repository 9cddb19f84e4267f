/** The file that says which store this is. */
import { NoteDamaged } from '../../domain/blob-store.ts';
import type { StoreIdentity } from '../../domain/store-identity.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { readTextIfPresent } from '../../durable/names.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { replaceFile } from '../../durable/replace-file.ts';
import { DiskPaths } from './paths.ts';
import { decodeStamped, encodeStamped } from './stamped-text.ts';

/** @param folder of the store. @returns undefined when there is no such file. @throws NoteDamaged, the I/O error. */
export async function readIdentity(
  folder: string,
  fs: FileSystem = realFileSystem,
): Promise<StoreIdentity | undefined> {
  const path = new DiskPaths(folder).identity;
  const content = await readTextIfPresent(fs, path);
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
  fs: FileSystem = realFileSystem,
): Promise<void> {
  const paths = new DiskPaths(folder);
  const text = encodeStamped(JSON.stringify(identity), { generation: identity.generation, commitNumber });
  await replaceFile(fs, paths.identity, {
    temporary: paths.other('identity.json.next'),
    permissions: 0o600,
    write: (file) => file.writeWhole(text),
  });
}
