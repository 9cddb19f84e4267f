import { type BothHashes, bothHashes } from './transfer/both-hashes.ts';
import { openSource, type UploadSource } from './transfer/source.ts';

/** The size and the hashes of some bytes. */
export interface Hashed extends BothHashes {
  /** Bytes. */
  readonly size: number;
}

/**
 * Computes both hashes of a file, of bytes in memory or of a stream, in one pass and with little memory.
 * @throws SourceChangedError if a file changes meanwhile; errors of the source; the signal's reason.
 */
export async function hashSource(source: UploadSource, signal?: AbortSignal): Promise<Hashed> {
  const known = await openSource(source);
  if (known === null) return hashStream(source as AsyncIterable<Uint8Array>, signal);
  try {
    const hashes = await bothHashes(known.readForHash(0, known.size), signal);
    await known.requireUnchanged();
    return { size: known.size, ...hashes };
  } finally {
    await known.close();
  }
}

async function hashStream(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Hashed> {
  let size = 0;
  async function* counted(): AsyncIterable<Uint8Array> {
    for await (const chunk of stream) {
      size += chunk.length;
      yield chunk;
    }
  }
  const hashes = await bothHashes(counted(), signal);
  return { size, ...hashes };
}
