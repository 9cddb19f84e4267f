/**
 * Reads a store from its files alone, as docs/format.md specifies. It uses none of the server's code except the tree
 * hash, so checks see what is on disk and not what the server believes.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TreeHasher } from '../../src/treehash/index.ts';
import { bytesOf, packedBlobs } from './pack-reader.ts';

const FOOTER_BYTES = 64;
const LEAF_DIGEST_BYTES = 32;
const SUM_CHARS = 32;

/** The label's members that checks use. */
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
  /** Computed from the data, not read from the trailer. */
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
  // Blobs from before form 3 have no extension, and 0 as its length.
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
    throw new Error(`the data of blob ${ref} has changed`);
  }
  return treeHash;
}

/** Reads and verifies a note's text. @throws Error when it has changed. */
export async function readNote(path: string): Promise<string> {
  const lines = (await readFile(path, 'utf8')).split('\n');
  const [sum, generation, commit] = lines.at(-2)?.split(' ') ?? [];
  const text = lines.slice(0, -2).join('\n');
  const stamped = `${text}\n${generation} ${commit}`;
  const digest = createHash('sha256').update(stamped).digest('hex').slice(0, SUM_CHARS);
  if (digest !== sum) throw new Error(`the note ${path} has changed`);
  return text;
}

/** References of all blobs. */
export async function blobNames(store: string): Promise<string[]> {
  const folders = await readdir(join(store, 'blobs'));
  const files = await Promise.all(folders.map((folder) => readdir(join(store, 'blobs', folder))));
  return [...files.flat(), ...(await packedBlobs(store)).map(({ ref }) => ref)];
}

/** Every entry of the journal once, in order. @throws Error for a changed line. */
export async function readEntries(store: string): Promise<ReadEntry[]> {
  const bySeq = new Map<number, ReadEntry>();
  for (const name of await readdir(join(store, 'journal'))) {
    const lines = (await readFile(join(store, 'journal', name), 'utf8')).split('\n');
    // The last line feed is followed by nothing or by a torn line.
    const parsed = lines.slice(0, -1).map(parseEntryLine);
    for (const [i, line] of parsed.entries()) {
      // A kill may tear the line before the one that closes the file.
      if (line === undefined && parsed[i + 1]?.closed === undefined)
        throw new Error(`line ${i + 1} of journal ${name} has changed`);
      if (line?.entry) bySeq.set(line.seq, { seq: line.seq, entry: line.entry });
    }
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The members of a line; undefined if it does not match its checksum. The line that closes a file has no entry. */
function parseEntryLine(line: string): (Partial<ReadEntry> & { seq: number; closed?: object }) | undefined {
  const text = line.slice(SUM_CHARS + 1);
  const sum = createHash('sha256').update(text).digest('hex').slice(0, SUM_CHARS);
  return line.slice(0, SUM_CHARS) === sum ? JSON.parse(text) : undefined;
}
