/** The object that says which store this is. */
import { NoteDamaged } from '../../domain/blob-store.ts';
import type { StoreIdentity } from '../../domain/store-identity.ts';
import { decodeStamped, encodeStamped } from '../disk/stamped-text.ts';
import { IDENTITY_KEY } from './keys.ts';
import { ConditionFailed, type Objects } from './objects.ts';

/** @returns undefined when there is no such object. @throws NoteDamaged, the engine's error. */
export async function readS3Identity(objects: Objects): Promise<StoreIdentity | undefined> {
  return (await read(objects)).identity;
}

async function read(objects: Objects): Promise<{ identity: StoreIdentity | undefined; etag: string }> {
  const found = await objects.get(IDENTITY_KEY);
  if (found === undefined) return { identity: undefined, etag: '' };
  const { text, writer } = decodeStamped(IDENTITY_KEY, found.bytes.toString());
  if (writer === undefined) throw new NoteDamaged(IDENTITY_KEY, 'its end is missing');
  return { identity: JSON.parse(text) as StoreIdentity, etag: found.etag };
}

/**
 * Replaces the identity by one of a later generation. Of two starts at once, one succeeds.
 * @throws Error when another start was first, the engine's error.
 */
export async function writeS3Identity(
  objects: Objects,
  identity: StoreIdentity,
  commitNumber: number,
): Promise<void> {
  const { identity: old, etag } = await read(objects);
  const stamp = { generation: identity.generation, commitNumber };
  const bytes = Buffer.from(encodeStamped(JSON.stringify(identity), stamp));
  try {
    if (old && old.generation >= identity.generation) throw new ConditionFailed(IDENTITY_KEY);
    await objects.put(IDENTITY_KEY, bytes, old ? { etag } : { absent: true });
  } catch (error) {
    if (!(error instanceof ConditionFailed)) throw error;
    throw new Error('another server started over this store at the same time; start again once it has ended');
  }
}
