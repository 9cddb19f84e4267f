import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { invalidParameter, Shortage } from '../domain/errors.ts';
import { type Channel, remoteWriter, serveWrites } from './writer-link.ts';

/** Two ends of a channel that copies messages, like one between processes. */
function channelPair(): [Channel, Channel] {
  const takers: [((message: unknown) => void)[], ((message: unknown) => void)[]] = [[], []];
  const end = (own: 0 | 1, other: 0 | 1): Channel => ({
    send: (message) => {
      const copy = structuredClone(message);
      for (const take of takers[other]) setImmediate(take, copy);
    },
    onMessage: (take) => takers[own].push(take),
  });
  return [end(0, 1), end(1, 0)];
}

/** The error that a serving process gets when its write fails with `error` in the primary. */
async function acrossLink(error: unknown): Promise<unknown> {
  const [serving, primary] = channelPair();
  serveWrites(primary, { run: () => Promise.reject(error), commitNumber: () => 0, close: async () => {} });
  return remoteWriter(serving)
    .run('createVault', {})
    .catch((caught) => caught);
}

describe('an error of a write in another process', () => {
  it('stays a shortage, with its reason and cause', async () => {
    const cause = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const error = await acrossLink(new Shortage('The disk is full.', { cause }));
    assert.ok(error instanceof Shortage);
    assert.equal(error.message, 'The disk is full.');
    assert.match(String(error.cause), /ENOSPC/);
    assert.equal(error.changedNothing, false);
    const refused = (await acrossLink(new Shortage('x', { changedNothing: true }))) as Shortage;
    assert.deepEqual([refused.cause, refused.changedNothing], [undefined, true]);
  });

  it('stays a refusal of its kind, or is named as one of the writing process', async () => {
    const refusal = invalidParameter('Invalid limit: x');
    assert.deepEqual(await acrossLink(refusal), refusal);
    assert.match(String(await acrossLink(new Error('broken'))), /in the writing process: Error: broken/);
  });
});
