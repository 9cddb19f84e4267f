import type { GlacierClient } from '../client.ts';
import { ConnectionError } from '../errors.ts';
import type { CallOptions } from '../shapes.ts';
import { callOf } from './call-options.ts';

/** A finished job. */
export interface JobBytesOptions extends CallOptions {
  readonly vaultName: string;
  readonly jobId: string;
}

/** How often the connection may be lost without a byte in between. */
const ATTEMPTS = 5;

/**
 * The output of a finished job, from its first to its last byte. When the connection is lost, another request goes on
 * where it was. The bytes are not verified: use `download` for archives.
 * @throws GlacierError, ConnectionError, the signal's reason.
 */
export async function* jobBytes(
  client: GlacierClient,
  { vaultName, jobId, ...call }: JobBytesOptions,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  let total: number | undefined;
  let fruitless = 0;
  for (;;) {
    const range = at === 0 ? undefined : `bytes=${at}-`;
    const { body, contentLength } = await client.getJobOutput({ vaultName, jobId, range }, callOf(call));
    total ??= contentLength ?? undefined;
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        at += chunk.length;
        fruitless = 0;
        yield chunk;
      }
      return;
    } catch (error) {
      call.signal?.throwIfAborted();
      // Without a known length, a cut cannot be told from the end.
      if (++fruitless >= ATTEMPTS || total === undefined)
        throw new ConnectionError('GetJobOutput', client.endpoint, true, error);
      if (at === total) return;
    }
    await client.runtime.sleep(1000 * client.runtime.random() * fruitless, call.signal);
  }
}
