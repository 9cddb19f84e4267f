import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { readSize } from './both-hashes.ts';

/** What is uploaded: bytes in memory, a file, or a stream of unknown length. */
export type UploadSource = Uint8Array | { readonly path: string } | AsyncIterable<Uint8Array>;

/** The source of an upload has other bytes than before. */
export class SourceChangedError extends Error {
  override readonly name = 'SourceChangedError';
}

/** Bytes that can be read anywhere, and again. */
export interface Source {
  /** Bytes. */
  readonly size: number;
  /** What tells this state of a file from another; null for bytes in memory. */
  readonly identity: FileIdentity | null;
  /** Reads `first` to `end` (excluded). @throws SourceChangedError where the file has become shorter. */
  read(first: number, end: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** The same for hashing: a chunk is overwritten when the next one is asked for. */
  readForHash(first: number, end: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** @throws SourceChangedError if the file was changed since it was opened. */
  requireUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/** A file at one moment. */
export interface FileIdentity {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

const SEND_BYTES = 256 * 1024;

/** Opens what has a known length; null for a stream. */
export async function openSource(source: UploadSource): Promise<Source | null> {
  if (source instanceof Uint8Array) return memorySource(source);
  return 'path' in source ? openFile(source.path) : null;
}

function memorySource(bytes: Uint8Array): Source {
  function* read(first: number, end: number): Iterable<Uint8Array> {
    for (let at = first; at < end; at += readSize()) yield bytes.subarray(at, Math.min(end, at + readSize()));
  }
  return {
    size: bytes.length,
    identity: null,
    read,
    readForHash: read,
    requireUnchanged: async () => {},
    close: async () => {},
  };
}

async function openFile(path: string): Promise<Source> {
  const file = await open(path);
  const stats = await file.stat();
  if (!stats.isFile()) {
    await file.close();
    throw new TypeError(`${path} is not a file; give its bytes as a stream`);
  }
  const identity = identityOf(path, stats);
  return {
    size: stats.size,
    identity,
    read: (first, end) => chunksOf(file, path, { first, end, bytes: SEND_BYTES, reuse: false }),
    readForHash: (first, end) => chunksOf(file, path, { first, end, bytes: readSize(), reuse: true }),
    async requireUnchanged() {
      if (!isSame(identity, identityOf(path, await file.stat())))
        throw new SourceChangedError(`${path} was changed while it was uploaded`);
    },
    close: () => file.close(),
  };
}

function identityOf(path: string, { size, mtimeMs, ino }: Stats): FileIdentity {
  return { path, size, mtimeMs, ino };
}

/** Whether nothing tells that the file has changed. */
export function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ino === b.ino;
}

interface Reading {
  readonly first: number;
  readonly end: number;
  /** The most in one chunk. */
  readonly bytes: number;
  /** Whether all chunks share one buffer. */
  readonly reuse: boolean;
}

async function* chunksOf(
  file: FileHandle,
  path: string,
  { first, end, bytes, reuse }: Reading,
): AsyncIterable<Uint8Array> {
  const shared = reuse ? Buffer.allocUnsafeSlow(Math.min(bytes, end - first)) : undefined;
  for (let at = first; at < end; ) {
    const want = Math.min(bytes, end - at);
    const buffer = shared ?? Buffer.allocUnsafe(want);
    const filled = await fill(file, buffer.subarray(0, want), at);
    if (filled < want) throw new SourceChangedError(`${path} has become shorter while it was uploaded`);
    yield buffer.subarray(0, want);
    at += want;
  }
}

/** Reads until the target is full or the file ends; returns how many bytes. */
export async function fill(file: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await file.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
