import type { IncomingMessage } from 'node:http';
import type { BlobDigests, BlobStore, BlobWriter } from '../domain/blob-store.ts';
import { invalidParameter, missingParameter } from '../domain/errors.ts';
import { invalidTreeHash, parseTreeHash, requireBodyLength } from '../operations/archives/archive-headers.ts';
import { explainBodyHash } from '../operations/checksum-hint.ts';
import type { UploadBody } from '../operations/operation.ts';
import { releaseChunk } from './body-message.ts';
import { GatheredChunks } from './gathered-chunks.ts';
import type { Message } from './message.ts';
import { ClientGone, requestTimeoutError } from './small-body.ts';
import { ApiError, HttpError } from './wire-error.ts';

/** What the head of an upload declares of its body. */
export interface DeclaredBody {
  readonly length: number;
  /** `x-amz-content-sha256`, 64 lower-case hex digits; the signature covers it. */
  readonly linearHash: string;
  /** `x-amz-sha256-tree-hash` as sent. */
  readonly treeHashSent: string;
}

/** First check of an upload's head: what is required is present. @throws 411 without a length, 400 without a hash. */
export function requireUploadHeaders(message: Message): void {
  const length = message.header('content-length');
  if (length === undefined) {
    const text = 'Required parameter missing: Content-Length';
    throw new HttpError(411, 'MissingParameterValueException', text);
  }
  // Some SDKs send an empty hash for an empty stream: the length is at fault, not the hash.
  if (message.header('x-amz-sha256-tree-hash') === '') requireBodyLength(length);
  if (!message.header('x-amz-sha256-tree-hash')) throw missingParameter('x-amz-sha256-tree-hash');
}

/** Second check: the values. @throws 400 for an invalid length or hash. */
export function parseDeclaredBody(message: Message, linearHash: string): DeclaredBody {
  const treeHashSent = message.header('x-amz-sha256-tree-hash') ?? '';
  const length = requireBodyLength(message.header('content-length') ?? '');
  if (!isPlausible(treeHashSent)) throw invalidTreeHash(treeHashSent);
  return { length, linearHash, treeHashSent };
}

function isPlausible(hash: string): boolean {
  try {
    return parseTreeHash(hash) !== '';
  } catch {
    return false;
  }
}

/** Bytes of one write to the store: enough to make its overhead small. */
const BATCH_BYTES = 256 * 1024;

/** The body of an upload, verified as it streams to the store. Holds at most two batches in memory. */
export class CheckedBody implements UploadBody {
  readonly #message: Message;
  readonly #declared: DeclaredBody;
  readonly #idleMs: number;

  /** @param idleMs how long to wait for the next byte. */
  constructor(message: Message, declared: DeclaredBody, idleMs: number) {
    this.#message = message;
    this.#declared = declared;
    this.#idleMs = idleMs;
  }

  get length(): number {
    return this.#declared.length;
  }

  async store(
    blobs: Pick<BlobStore, 'create'>,
    describe: Parameters<UploadBody['store']>[1],
  ): ReturnType<UploadBody['store']> {
    const writer = await blobs.create(this.length);
    try {
      await this.#receive(writer);
      const digests = await writer.digest();
      this.#requireHashes(digests);
      return { ...digests, ref: await writer.finish(await describe(digests)) };
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  /** Receives one batch while the one before is hashed and written. */
  async #receive(writer: BlobWriter): Promise<void> {
    const source = new BodySource(this.#message, this.#idleMs);
    let written: Promise<void> = Promise.resolve();
    try {
      for (let left = this.length; left > 0; ) {
        const { chunks, bytes } = await source.take(Math.min(BATCH_BYTES, left));
        await written;
        written = writer.write(chunks).then(() => chunks.forEach(releaseChunk));
        // Awaited a batch later. Until then a failure must not count as unhandled.
        written.catch(() => {});
        left -= bytes;
      }
      await written;
    } finally {
      await written.catch(() => {});
      source.close();
    }
  }

  /** The linear hash comes first: the signature covers it, so its mismatch wins over the tree hash's. */
  #requireHashes({ linearHash, treeHash, leaves }: BlobDigests): void {
    if (linearHash !== this.#declared.linearHash)
      throw payloadMismatch(linearHash, this.#declared.linearHash);
    const sent = this.#declared.treeHashSent;
    const expected = parseTreeHash(sent);
    if (treeHash === expected) return;
    const hint = explainBodyHash(sent, linearHash, leaves);
    const text = `Checksum mismatch: expected ${expected}, computed ${treeHash}`;
    throw invalidParameter(hint === undefined ? text : `${text} ${hint}`);
  }
}

/** 403: the signature covers another payload than the one received. */
export function payloadMismatch(computed: string, declared: string): ApiError {
  return new ApiError(
    'InvalidSignatureException',
    `The value passed in as x-amz-content-sha256 does not match the computed payload hash. Computed digest: ${computed} expected hash: ${declared}`,
  );
}

/** Reads a request's body, with a limit on the time without a byte but none on the whole. */
class BodySource {
  readonly #incoming: IncomingMessage;
  readonly #idleMs: number;
  /** Runs only while waiting for bytes. Most small bodies arrive with their heads and need no timer. */
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(message: Message, idleMs: number) {
    this.#incoming = message.incoming;
    this.#idleMs = idleMs;
    this.#incoming.on('readable', this.#onReadable).on('error', this.#onGone).on('close', this.#onGone);
    // The request may have been destroyed before these listeners were added.
    if (this.#incoming.destroyed) this.#onGone();
    message.sendContinue();
  }

  /** The next bytes, at least `wanted`. @throws 408, ClientGone. */
  async take(wanted: number): Promise<{ chunks: Buffer[]; bytes: number }> {
    const chunks = new GatheredChunks();
    while (chunks.bytes < wanted) chunks.add(await this.#next());
    const { bytes } = chunks;
    return { chunks: chunks.take(), bytes };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#incoming.off('readable', this.#onReadable).off('error', this.#onGone).off('close', this.#onGone);
  }

  async #next(): Promise<Buffer> {
    for (;;) {
      const chunk = this.#incoming.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.#failure) throw this.#failure;
      this.#timer = this.#timer?.refresh() ?? setTimeout(this.#onIdle, this.#idleMs);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  readonly #onIdle = (): void => {
    if (this.#wake) this.#fail(requestTimeoutError());
  };

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  readonly #onReadable = (): void => this.#wake?.();
  readonly #onGone = (): void => this.#fail(new ClientGone());
}
