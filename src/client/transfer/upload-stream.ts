import type { GlacierClient } from '../client.ts';
import { bothHashes, foldHashes } from './both-hashes.ts';
import { callOf } from './call-options.ts';
import { inParallel } from './in-parallel.ts';
import { MOST_PARTS, type Run } from './parts.ts';
import { UploadMeter } from './upload-meter.ts';
import type { Uploaded, UploadOptions } from './upload-options.ts';

const MIB = 1024 * 1024;
const USUAL_PART = 256 * MIB;
/** The most that the parts in memory take by default, bytes. */
const MEMORY_BYTES = 256 * MIB;

/** A part in memory. */
interface HeldPart extends Run {
  readonly chunks: readonly Uint8Array[];
}

/**
 * Uploads a stream of unknown length. Its parts are kept in memory until the server has them, because their hashes are
 * sent first.
 * @throws RangeError for a stream that is empty, or longer than 10,000 parts.
 */
export async function uploadStream(client: GlacierClient, options: UploadOptions): Promise<Uploaded> {
  const { partSize = USUAL_PART, source } = options;
  const parts = partsOf(source as AsyncIterable<Uint8Array>, partSize);
  try {
    const { value: first } = await parts.next();
    if (first === undefined) throw new RangeError('no archive is empty: the stream has no bytes');
    // A shorter part is the last one.
    const isWhole = first.end < partSize;
    return isWhole ? await sendWhole(client, options, first) : await sendParts(client, options, first, parts);
  } finally {
    await parts.return(undefined);
  }
}

async function sendWhole(client: GlacierClient, options: UploadOptions, part: HeldPart): Promise<Uploaded> {
  const { vaultName, description: archiveDescription, signal } = options;
  const hashes = await bothHashes(part.chunks, signal);
  const meter = new UploadMeter(null, options.onProgress);
  const body = { length: part.end, open: () => meter.counted(0, part.chunks) };
  const stored = await client.uploadArchive(
    { vaultName, archiveDescription, body, ...hashes },
    callOf(options),
  );
  meter.done(part.end);
  return { ...stored, size: part.end, sentBytes: meter.sentBytes };
}

async function sendParts(
  client: GlacierClient,
  options: UploadOptions,
  first: HeldPart,
  rest: AsyncGenerator<HeldPart>,
): Promise<Uploaded> {
  const { vaultName, description: archiveDescription, partSize = USUAL_PART } = options;
  const parallel = options.parallel ?? Math.min(4, Math.max(1, Math.floor(MEMORY_BYTES / partSize)));
  const { uploadId } = await client.initiateMultipartUpload(
    { vaultName, partSize, archiveDescription },
    callOf(options),
  );
  const meter = new UploadMeter(null, options.onProgress, uploadId);
  const hashes: string[] = [];
  let size = 0;
  try {
    await inParallel(
      after(first, rest),
      parallel,
      async ({ index, first, end, chunks }, signal) => {
        const part = await bothHashes(chunks, signal);
        const body = { length: end - first, open: () => meter.counted(index, chunks) };
        const range = `bytes ${first}-${end - 1}/*`;
        await client.uploadMultipartPart(
          { vaultName, uploadId, range, body, ...part },
          callOf({ ...options, signal }),
        );
        hashes[index] = part.treeHash;
        size = Math.max(size, end);
        meter.done(end - first);
      },
      options.signal,
    );
    const whole = { vaultName, uploadId, archiveSize: size, treeHash: foldHashes(hashes) };
    const stored = await client.completeMultipartUpload(whole, callOf(options));
    return { ...stored, size, sentBytes: meter.sentBytes };
  } catch (error) {
    await discard(client, options, uploadId);
    throw error;
  }
}

/** A stream cannot be read again, so its parts are of no use. The first failure matters more than one here. */
async function discard(client: GlacierClient, options: UploadOptions, uploadId: string): Promise<void> {
  const { vaultName, accountId } = options;
  await client.abortMultipartUpload({ vaultName, uploadId }, { accountId }).catch(() => {});
}

async function* after(first: HeldPart, rest: AsyncGenerator<HeldPart>): AsyncGenerator<HeldPart> {
  yield first;
  yield* rest;
}

/** Cuts a stream into parts. Never yields an empty one. */
async function* partsOf(source: AsyncIterable<Uint8Array>, partSize: number): AsyncGenerator<HeldPart> {
  let chunks: Uint8Array[] = [];
  let held = 0;
  let index = 0;
  const part = (): HeldPart => {
    if (index === MOST_PARTS)
      throw new RangeError(
        `the stream is longer than 10,000 parts of ${partSize} bytes: choose a larger partSize`,
      );
    const first = index * partSize;
    const made = { index, first, end: first + held, chunks };
    index++;
    chunks = [];
    held = 0;
    return made;
  };
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + partSize - held);
      chunks.push(piece);
      held += piece.length;
      at += piece.length;
      if (held === partSize) yield part();
    }
  }
  if (held > 0) yield part();
}
