import type { IncomingMessage } from 'node:http';
import { isShredded, MAX_CHUNKS } from './body-message.ts';
import { GatheredChunks } from './gathered-chunks.ts';
import type { BodyAccount } from './unproven-bodies.ts';
import { ApiError } from './wire-error.ts';

/** The longest body of a request that is no upload (docs/operating.md). */
export const MAX_JSON_BYTES = 1_048_576;

/** The client closed the connection before its request was complete, so no reply is sent. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection before its request was complete');
    this.name = 'ClientGone';
  }
}

/** Whether the request's head announces a body. */
export function announcesBody(incoming: IncomingMessage): boolean {
  const length = incoming.headers['content-length'];
  return incoming.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Reads a small body whole.
 * @param idleMs how long to wait for the next byte.
 * @param place counts its bytes, and may refuse it when memory is short.
 * @throws 400 beyond the limits, 408 when it stalls, the error of `place`, ClientGone.
 */
export function readSmallBody(
  incoming: IncomingMessage,
  idleMs: number,
  place?: BodyAccount,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks = new GatheredChunks();
    const timer = setTimeout(() => end(() => reject(requestTimeoutError())), idleMs);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      place?.leave();
      settle();
    };
    place?.enter((error) => end(() => reject(error)));
    const onData = (chunk: Buffer) => {
      timer.refresh();
      chunks.add(chunk);
      if (chunks.bytes > MAX_JSON_BYTES) end(() => reject(bodyTooLongError()));
      else if (isShredded(incoming)) end(() => reject(tooManyChunksError()));
      else place?.add(chunk.length);
    };
    const onEnd = () => end(() => resolve(Buffer.concat(chunks.take())));
    const onGone = () => end(() => reject(new ClientGone()));
    // The request may have been destroyed before these listeners were added.
    if (incoming.destroyed) onGone();
    incoming.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

/** @throws 400 for a declared length beyond the limit. */
export function requireSmallBody(incoming: IncomingMessage): void {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_JSON_BYTES) throw bodyTooLongError();
}

/** 408, worded as on the service. */
export function requestTimeoutError(): ApiError {
  return new ApiError('RequestTimeoutException', 'Request timed out.');
}

function tooManyChunksError(): ApiError {
  return new ApiError('BadRequest', `The request body comes in more than ${MAX_CHUNKS} chunks`);
}

function bodyTooLongError(): ApiError {
  return new ApiError('BadRequest', `The request body is longer than ${MAX_JSON_BYTES} bytes`);
}
