import type { GlacierClient } from '../client.ts';
import { bothHashes, foldHashes } from './both-hashes.ts';
import { callOf } from './call-options.ts';
import { inParallel } from './in-parallel.ts';
import { choosePartSize, cut, requirePartSize } from './parts.ts';
import { findResumable, type OpenUpload, type UploadHead } from './resume-upload.ts';
import { openSource, type Source, SourceChangedError } from './source.ts';
import { appendDone, removeState, writeState } from './state-file.ts';
import { UploadMeter } from './upload-meter.ts';
import type { Uploaded, UploadOptions } from './upload-options.ts';
import { uploadStream } from './upload-stream.ts';

/** Up to this many bytes go in one request. */
const SMALL_BYTES = 16 * 1024 * 1024;

/**
 * Uploads a source as one archive, small ones in one request, others in parts. A failed upload of a file or of bytes in
 * memory stays open, so that it can be taken up; that of a stream is aborted.
 * @throws RangeError for an empty source: no archive is empty.
 * @throws SourceChangedError if a file changes meanwhile, or is not the one whose upload is taken up.
 * @throws GlacierError, ConnectionError, errors of the source, the signal's reason.
 */
export async function upload(client: GlacierClient, options: UploadOptions): Promise<Uploaded> {
  if (options.partSize !== undefined) requirePartSize(options.partSize);
  options.signal?.throwIfAborted();
  const source = await openSource(options.source);
  if (source === null) return uploadStream(client, options);
  try {
    if (source.size === 0) throw new RangeError('no archive is empty: the source has no bytes');
    return await uploadKnown(client, options, source);
  } finally {
    await source.close();
  }
}

async function uploadKnown(client: GlacierClient, options: UploadOptions, source: Source): Promise<Uploaded> {
  const head = headOf(client, options, source);
  const found = await findResumable(client, options, head, source);
  if (found?.archive) return { ...found.archive, size: source.size, sentBytes: 0 };
  const wantsParts = options.partSize !== undefined && options.partSize < source.size;
  if (!found && source.size <= SMALL_BYTES && !wantsParts) return uploadWhole(client, options, source);
  return uploadInParts(client, options, source, found?.open ?? (await begin(client, options, head)));
}

/** All that the state file tells of an upload. */
function headOf(client: GlacierClient, options: UploadOptions, source: Source): UploadHead {
  return {
    moraine: 'upload',
    endpoint: client.endpoint,
    accountId: options.accountId ?? null,
    vaultName: options.vaultName,
    description: options.description ?? null,
    uploadId: '',
    partSize: options.partSize ?? choosePartSize(source.size),
    file: source.identity,
  };
}

async function begin(client: GlacierClient, options: UploadOptions, head: UploadHead): Promise<OpenUpload> {
  const { vaultName, description: archiveDescription } = options;
  const { partSize } = head;
  const { uploadId } = await client.initiateMultipartUpload(
    { vaultName, partSize, archiveDescription },
    callOf(options),
  );
  return { head: { ...head, uploadId }, done: new Map() };
}

async function uploadWhole(client: GlacierClient, options: UploadOptions, source: Source): Promise<Uploaded> {
  const { vaultName, description: archiveDescription, signal } = options;
  const { size } = source;
  const hashes = await bothHashes(source.readForHash(0, size), signal);
  const meter = new UploadMeter(size, options.onProgress);
  const body = { length: size, open: () => meter.counted(0, source.read(0, size)) };
  const stored = await client.uploadArchive(
    { vaultName, archiveDescription, body, ...hashes },
    callOf(options),
  );
  meter.done(size);
  return { ...stored, size, sentBytes: meter.sentBytes };
}

async function uploadInParts(
  client: GlacierClient,
  options: UploadOptions,
  source: Source,
  { head, done }: OpenUpload,
): Promise<Uploaded> {
  const { vaultName, statePath } = options;
  const { uploadId } = head;
  const { size } = source;
  const hashes = new Map(done);
  // Written before the first part, so that no part is sent that nobody remembers.
  if (statePath !== undefined) await writeState(statePath, { head, done });
  const meter = new UploadMeter(size, options.onProgress, uploadId);
  const runs = cut(size, head.partSize);
  meter.done(
    runs.filter(({ index }) => done.has(index)).reduce((sum, { first, end }) => sum + end - first, 0),
  );
  const missing = runs.filter(({ index }) => !done.has(index));
  const send = async ({ index, first, end }: (typeof runs)[number], signal: AbortSignal): Promise<void> => {
    const part = await bothHashes(source.readForHash(first, end), signal);
    const body = { length: end - first, open: () => meter.counted(index, source.read(first, end)) };
    const range = `bytes ${first}-${end - 1}/*`;
    const call = callOf({ ...options, signal });
    await client.uploadMultipartPart({ vaultName, uploadId, range, body, ...part }, call);
    hashes.set(index, part.treeHash);
    if (statePath !== undefined) await appendDone(statePath, index, part.treeHash);
    meter.done(end - first);
  };
  try {
    await inParallel(missing, options.parallel ?? 4, send, options.signal);
    await source.requireUnchanged();
  } catch (error) {
    throw await reasonOf(error, client, options, source, uploadId);
  }
  const treeHash = foldHashes(runs.map(({ index }) => hashes.get(index) ?? ''));
  const whole = { vaultName, uploadId, archiveSize: size, treeHash };
  const stored = await client.completeMultipartUpload(whole, callOf(options));
  if (statePath !== undefined) await removeState(statePath);
  return { ...stored, size, sentBytes: meter.sentBytes };
}

/**
 * The reason of a failure: the server refuses a part whose bytes are no longer those that were hashed, but the reason is
 * the file. Parts of a changed file are of no use, so their upload is aborted.
 */
async function reasonOf(
  error: unknown,
  client: GlacierClient,
  { vaultName, accountId, statePath, signal }: UploadOptions,
  source: Source,
  uploadId: string,
): Promise<unknown> {
  if (signal?.aborted) return error;
  const reason = await source.requireUnchanged().then(
    () => error,
    (changed: unknown) => changed,
  );
  if (!(reason instanceof SourceChangedError)) return reason;
  await client.abortMultipartUpload({ vaultName, uploadId }, { accountId }).catch(() => {});
  if (statePath !== undefined) await removeState(statePath);
  return reason;
}
