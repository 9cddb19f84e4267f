import { constants, type FileHandle, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { GlacierClient } from '../client.ts';
import { ConnectionError, HashMismatchError } from '../errors.ts';
import { eachJob } from '../lists.ts';
import { withRetries } from '../retry.ts';
import type { JobDescription } from '../shapes.ts';
import { isGone, waitForJob } from './await-job.ts';
import { bothHashes, foldHashes, readSize } from './both-hashes.ts';
import { callOf } from './call-options.ts';
import type { Downloaded, DownloadOptions, DownloadProgress } from './download-options.ts';
import { inParallel } from './in-parallel.ts';
import { cut, type Run, requirePartSize } from './parts.ts';
import { fill } from './source.ts';
import { appendDone, readState, removeState, writeState } from './state-file.ts';

const USUAL_RANGE = 16 * 1024 * 1024;

/** The first line of the state file. */
interface DownloadHead {
  readonly moraine: 'download';
  readonly archiveId: string;
  /** Of the whole archive. */
  readonly archiveTreeHash: string | null;
  /** First and last byte of the archive. */
  readonly range: string;
  readonly rangeSize: number;
}

/**
 * Downloads an archive, or a range of it, into a file. Takes a job for the same archive and range if there is one, waits
 * for it, and fetches ranges in parallel; each is verified by its tree hash. The same call after an interruption fetches
 * only what is missing: what is there is hashed again.
 * @throws HashMismatchError if the bytes are not those of the archive, even when they are fetched again.
 * @throws JobFailedError, GlacierError, ConnectionError, errors of the file system, the signal's reason.
 */
export async function download(client: GlacierClient, options: DownloadOptions): Promise<Downloaded> {
  if (options.archiveId === undefined && options.jobId === undefined)
    throw new TypeError('download needs an archiveId or a jobId');
  const counts = { doneBytes: 0, receivedBytes: 0 };
  const tell = (phase: DownloadProgress['phase'], jobId: string, totalBytes: number | null): void =>
    options.onProgress?.({ phase, jobId, totalBytes, ...counts });
  const receive = async (jobId: string): Promise<Downloaded> => {
    const { vaultName, poll } = options;
    const onWait = (job: JobDescription): void => tell('waiting', jobId, sizeOf(job));
    const job = await waitForJob(client, jobId, { vaultName, poll, onWait, ...callOf(options) });
    return new Receiving(client, options, job, counts, () => tell('receiving', jobId, sizeOf(job))).run();
  };
  const known = options.jobId ?? (await findJob(client, options));
  try {
    if (known !== undefined) return await receive(known);
  } catch (error) {
    // The output of a job that was found is kept for a day only.
    if (options.jobId !== undefined || !isGone(error)) throw error;
    counts.doneBytes = 0;
  }
  return receive(await startJob(client, options));
}

/** Bytes of the job's output; null while that is unknown. */
function sizeOf({ retrievalByteRange }: JobDescription): number | null {
  const [first, last] = (retrievalByteRange ?? '').split('-').map(Number);
  return first === undefined || last === undefined ? null : last - first + 1;
}

const textOfRange = ({ range }: DownloadOptions): string | undefined =>
  range && `${range.first}-${range.last}`;

/** The best job for the same bytes: a finished one, or else a running one. Prefers the newest. */
async function findJob(client: GlacierClient, options: DownloadOptions): Promise<string | undefined> {
  const { vaultName } = options;
  const wanted = textOfRange(options);
  let best: JobDescription | undefined;
  for await (const job of eachJob(client, { vaultName }, callOf(options))) {
    if (job.archiveId !== options.archiveId || job.statusCode === 'Failed') continue;
    const whole = `0-${(job.archiveSizeInBytes ?? 0) - 1}`;
    if (job.retrievalByteRange !== (wanted ?? whole)) continue;
    if (!best || rank(job) > rank(best)) best = job;
  }
  return best?.jobId;
}

const rank = ({ statusCode, creationDate }: JobDescription): string =>
  `${statusCode === 'Succeeded' ? 1 : 0} ${creationDate}`;

async function startJob(client: GlacierClient, options: DownloadOptions): Promise<string> {
  const { vaultName, archiveId, tier } = options;
  const started = await client.initiateJob(
    { vaultName, type: 'archive-retrieval', archiveId, tier, retrievalByteRange: textOfRange(options) },
    callOf(options),
  );
  return started.jobId;
}

/** Fetches a finished job's output. */
class Receiving {
  readonly #client: GlacierClient;
  readonly #options: DownloadOptions;
  readonly #job: JobDescription;
  readonly #counts: { doneBytes: number; receivedBytes: number };
  readonly #tell: () => void;
  readonly #part: string;
  readonly #state: string;
  #description: string | null = null;

  constructor(
    client: GlacierClient,
    options: DownloadOptions,
    job: JobDescription,
    counts: { doneBytes: number; receivedBytes: number },
    tell: () => void,
  ) {
    this.#client = client;
    this.#options = options;
    this.#job = job;
    this.#counts = counts;
    this.#tell = tell;
    // Beside the target, because a rename does not leave a file system.
    const hidden = join(dirname(options.path), `.${basename(options.path)}.moraine`);
    this.#part = `${hidden}-part`;
    this.#state = `${hidden}-state`;
  }

  async run(): Promise<Downloaded> {
    const { archiveId, retrievalByteRange, archiveTreeHash, jobId } = this.#job;
    const size = sizeOf(this.#job);
    if (archiveId === null || retrievalByteRange === null || size === null)
      throw new TypeError(`the job ${jobId} is not for an archive`);
    const rangeSize = requirePartSize(this.#options.rangeSize ?? USUAL_RANGE);
    const range = retrievalByteRange;
    const head: DownloadHead = { moraine: 'download', archiveId, archiveTreeHash, range, rangeSize };
    const runs = cut(size, rangeSize);
    const file = await open(this.#part, constants.O_RDWR | constants.O_CREAT);
    try {
      const hashes = await this.#resume(file, head, runs);
      const missing = runs.filter(({ index }) => !hashes.has(index));
      await inParallel(
        missing,
        this.#options.parallel ?? 4,
        async (run, signal) => {
          hashes.set(run.index, await this.#fetch(file, run, signal));
        },
        this.#options.signal,
      );
      await file.truncate(size);
      await file.sync();
      const treeHash = foldHashes(runs.map(({ index }) => hashes.get(index) ?? ''));
      await this.#requireHash(treeHash);
      return await this.#finish(archiveId, size, treeHash);
    } finally {
      await file.close();
    }
  }

  /** Hashes what an earlier call has left; returns the tree hashes of the runs that are right. */
  async #resume(file: FileHandle, head: DownloadHead, runs: readonly Run[]): Promise<Map<number, string>> {
    const state = await readState<DownloadHead>(this.#state, 'download');
    const hashes = new Map<number, string>();
    const isSame = state !== undefined && JSON.stringify(state.head) === JSON.stringify(head);
    const present = isSame ? runs.filter(({ index }) => state.done.has(index)) : [];
    const { signal } = this.#options;
    await inParallel(
      present,
      2,
      async (run, both) => {
        const own = await hashOf(file, run, both);
        if (own !== state?.done.get(run.index)) return;
        hashes.set(run.index, own);
        this.#counts.doneBytes += run.end - run.first;
      },
      signal,
    );
    await writeState(this.#state, { head, done: hashes });
    this.#tell();
    return hashes;
  }

  /** Fetches a run, writes it and verifies it; again if it is cut or has wrong bytes. */
  async #fetch(file: FileHandle, run: Run, signal: AbortSignal): Promise<string> {
    const mayPass = (error: unknown): boolean =>
      error instanceof HashMismatchError || error instanceof ConnectionError;
    const treeHash = await withRetries(
      () => this.#fetchOnce(file, run, signal),
      mayPass,
      {},
      this.#client.runtime,
      signal,
    );
    await appendDone(this.#state, run.index, treeHash);
    this.#counts.doneBytes += run.end - run.first;
    this.#tell();
    return treeHash;
  }

  async #fetchOnce(file: FileHandle, { first, end }: Run, signal: AbortSignal): Promise<string> {
    const { jobId } = this.#job;
    const range = `bytes=${first}-${end - 1}`;
    const { vaultName } = this.#options;
    const output = await this.#client.getJobOutput(
      { vaultName, jobId, range },
      callOf({ ...this.#options, signal }),
    );
    this.#description = output.archiveDescription ?? this.#description;
    let at = first;
    const hashed = await bothHashes(
      this.#received(output.body, async (chunk) => {
        if (at + chunk.length > end)
          throw new RangeError(`the server sent more than the ${range} of the job ${jobId}`);
        await writeAll(file, chunk, at);
        at += chunk.length;
      }),
      signal,
    );
    const what = `${range} of the job ${jobId}`;
    if (output.treeHash !== null && output.treeHash !== hashed.treeHash)
      throw new HashMismatchError(what, output.treeHash, hashed.treeHash);
    if (at < end)
      throw new ConnectionError(
        'GetJobOutput',
        this.#client.endpoint,
        true,
        `${what} ended before byte ${at}`,
      );
    return hashed.treeHash;
  }

  /** Writes and counts each chunk before it is hashed. @throws ConnectionError if the connection is cut. */
  async *#received(
    body: AsyncIterable<Uint8Array>,
    write: (chunk: Uint8Array) => Promise<void>,
  ): AsyncIterable<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.#next(chunks);
        if (done) return;
        await write(value);
        this.#counts.receivedBytes += value.length;
        this.#tell();
        yield value;
      }
    } finally {
      await chunks.return?.();
    }
  }

  async #next(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    try {
      return await chunks.next();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      throw new ConnectionError('GetJobOutput', this.#client.endpoint, true, error);
    }
  }

  /** Compares the hash of all bytes with the archive's, where the range is one of its tree's nodes. */
  async #requireHash(treeHash: string): Promise<void> {
    const { treeHash: expected, jobId } = this.#job;
    if (expected === null || expected === treeHash) return;
    // Some run is wrong although its own hash was right, or had none. Nothing here can be trusted.
    await removeState(this.#state);
    throw new HashMismatchError(`the output of the job ${jobId}`, expected, treeHash);
  }

  async #finish(archiveId: string, size: number, treeHash: string): Promise<Downloaded> {
    const { path } = this.#options;
    await rename(this.#part, path);
    await removeState(this.#state);
    const { receivedBytes } = this.#counts;
    const { jobId } = this.#job;
    return { path, archiveId, jobId, description: this.#description, size, treeHash, receivedBytes };
  }
}

/** The tree hash of a run in the file. A file that is too short gives the hash of what is there. */
async function hashOf(file: FileHandle, { first, end }: Run, signal: AbortSignal): Promise<string> {
  async function* chunks(): AsyncIterable<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(readSize(), end - first));
    for (let at = first; at < end; at += buffer.length) {
      const filled = await fill(file, buffer.subarray(0, end - at), at);
      if (filled > 0) yield buffer.subarray(0, filled);
    }
  }
  return (await bothHashes(chunks(), signal)).treeHash;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}
