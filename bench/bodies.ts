/** The bodies of requests: random bytes in a file, made once, which the load generator reads into memory. */
import { createHash, randomFillSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { treeHash } from '../src/treehash/index.ts';

export const SMALL_BYTES = 4096;

/** A run of bytes of the file, with its hashes in hexadecimal digits. */
export interface Body {
  readonly offset: number;
  readonly length: number;
  readonly linearHash: string;
  readonly treeHash: string;
}

export interface Bodies {
  readonly file: string;
  /** All bytes of the file. Every piece of a large archive has these bytes. */
  readonly piece: Body;
  /** The bodies of 4 KiB in the file. */
  readonly small: readonly Body[];
}

/** Makes the file. @param bytes its length, some MiB. */
export async function makeBodies(file: string, bytes: number): Promise<Bodies> {
  const content = randomFillSync(Buffer.alloc(bytes));
  await writeFile(file, content);
  const linearHash = createHash('sha256').update(content).digest('hex');
  const small = Array.from({ length: bytes / SMALL_BYTES }, (_, i) => smallBody(content, i * SMALL_BYTES));
  return { file, piece: { offset: 0, length: bytes, linearHash, treeHash: treeHash(content) }, small };
}

/** Hashes up to 1 MiB: the tree has one leaf, so both hashes are equal. */
function smallBody(content: Buffer, offset: number): Body {
  const bytes = content.subarray(offset, offset + SMALL_BYTES);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { offset, length: SMALL_BYTES, linearHash: hash, treeHash: hash };
}
