import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { Shortage } from '../domain/errors.ts';
import { readSmallBody } from './small-body.ts';
import { UnprovenBodies } from './unproven-bodies.ts';

const LONG_MS = 60_000;
const KIB = 1024;

describe('bodies of unverified senders', () => {
  it('have a common limit: beyond it the longest is refused and the others are read', async () => {
    const bodies = new UnprovenBodies(100 * KIB);
    const incoming = [70, 20, 10, 1].map((kib) => ({ message: incomingOf('POST', '/'), kib }));
    const read = incoming.map(({ message }) => readSmallBody(message, LONG_MS, bodies.open()));
    const judged = Promise.allSettled(read);
    for (const { message, kib } of incoming) message.push(Buffer.alloc(kib * KIB));
    // A Shortage, because the log shows only one per minute, however many such bodies arrive.
    await assert.rejects(
      read[0] as Promise<Buffer>,
      (error) => error instanceof Shortage && /too many request bodies/.test(error.message),
    );
    assert.equal(bodies.bytes, 31 * KIB);
    for (const { message } of incoming) message.push(null);
    const lengths = (await judged).map((result) => (result.status === 'fulfilled' ? result.value.length : 0));
    assert.deepEqual(lengths, [0, 20 * KIB, 10 * KIB, KIB]);
    assert.equal(bodies.bytes, 0);
  });

  it('do not count after their client has gone', async () => {
    const bodies = new UnprovenBodies(100 * KIB);
    const incoming = incomingOf('POST', '/');
    const read = readSmallBody(incoming, LONG_MS, bodies.open());
    incoming.push(Buffer.alloc(KIB));
    incoming.destroy();
    await assert.rejects(read);
    assert.equal(bodies.bytes, 0);
  });
});
