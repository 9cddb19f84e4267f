/**
 * Reads a store from its files alone, by docs/format.md and none of the product's code but the tree hash: so a check
 * finds what is on disk, not what the server believes.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TreeHasher } from '../../src/treehash/index.ts';
import { bytesOf, packedBlobs } from './pack-reader.ts';

const FOOTER_BYTES = 64;
const LEAF_DIGEST_BYTES = 32;
const SUM_CHARS = 32;

/** The members of a label that checks use. */
interface ReadLabel {
  readonly kind: 'archive' | 'part' | 'inventory';
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  readonly archiveId: string;
  readonly description: string | null;
  readonly createdMs: number;
  readonly sequence: number;
  readonly offset: number;
  readonly uploadId?: string;
  readonly treeHash: string;
  readonly linearHash: string;
}

export interface ReadBlob {
  readonly label: ReadLabel;
  readonly size: number;
  /** Computed from the data, not read. */
  readonly treeHash: string;
}

export interface ReadEntry {
  readonly seq: number;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Reads a whole blob and verifies its data. @throws Error that names the fault. */
export async function readBlobFile(store: string, ref: string): Promise<ReadBlob> {
  const file = await bytesOf(store, ref);
  const footer = file.subarray(-FOOTER_BYTES);
  if (footer.toString('latin1', 0, 8) !== 'MORAINE\0') throw new Error(`blob ${ref} has no footer`);
  const [labelBytes, size] = [footer.readUInt32LE(12), Number(footer.readBigUInt64LE(16))];
  const trailer = file.subarray(size);
  // Before form 3 there was no extension; its length is 0.
  const end = FOOTER_BYTES + footer.readUInt16LE(30);
  if (trailer.length !== footer.readUInt32LE(24) * LEAF_DIGEST_BYTES + labelBytes + end) {
    throw new Error(`blob ${ref} is not as long as its footer says`);
  }
  const sum = createHash('sha256').update(trailer.subarray(0, -32)).digest();
  if (!sum.equals(footer.subarray(32))) throw new Error(`blob ${ref} does not match its own checksum`);
  const text = trailer.subarray(-end - labelBytes, -end).toString();
  const label = JSON.parse(text) as ReadLabel;
  return { label, size, treeHash: provedHash(ref, file.subarray(0, size), label) };
}

function provedHash(ref: string, data: Uint8Array, label: ReadLabel): string {
  const hasher = new TreeHasher();
  hasher.update(data);
  const treeHash = Buffer.from(hasher.digest().treeHash).toString('hex');
  const linearHash = createHash('sha256').update(data).digest('hex');
  if (treeHash !== label.treeHash || linearHash !== label.linearHash) {
    throw new Error(`the data of blob ${ref} is not what it was`);
  }
  return treeHash;
}

/** A note's text, verified. @throws Error when it was changed. */
export async function readNote(path: string): Promise<string> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const [sum, generation, commit] = lines.at(-2)?.split(' ') ?? [];
  const text = lines.slice(0, -2).join('\n');
  const stamped = `${text}\n${generation} ${commit}`;
  const digest = createHash('sha256').update(stamped).digest('hex').slice(0, SUM_CHARS);
  if (digest !== sum) throw new Error(`the note ${path} is not what was written`);
  return text;
}

/** References of all blobs. */
export async function blobNames(store: string): Promise<string[]> {
  const folders = await readdir(join(store, 'blobs'));
  const files = await Promise.all(folders.map((folder) => readdir(join(store, 'blobs', folder))));
  return [...files.flat(), ...(await packedBlobs(store)).map(({ ref }) => ref)];
}

/** Every entry of the journal once, in order. @throws Error for a line that was changed. */
export async function readEntries(store: string): Promise<ReadEntry[]> {
  const bySeq = new Map<number, ReadEntry>();
  for (const name of await readdir(join(store, 'journal'))) {
    const lines = (await readFile(join(store, 'journal', name), 'utf8')).split('\n');
    // After the last line feed there is nothing, or a torn line.
    for (const [i, line] of lines.slice(0, -1).entries()) {
      const text = line.slice(SUM_CHARS + 1);
      const sum = createHash('sha256').update(text).digest('hex').slice(0, SUM_CHARS);
      if (line.slice(0, SUM_CHARS) !== sum) throw new Error(`line ${i + 1} of journal ${name} is changed`);
      const { seq, entry } = JSON.parse(text) as ReadEntry;
      bySeq.set(seq, { seq, entry });
    }
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}
