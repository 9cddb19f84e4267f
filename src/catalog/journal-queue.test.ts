import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JournalQueue } from './journal-queue.ts';
import type { Source } from './transaction.ts';

describe('the journaled entries of an outbox', () => {
  it('are dropped but for the newest, however many there are', async () => {
    const entries = Array.from({ length: 200_000 }, (_, i) => ({
      seq: i + 1,
      body: { type: 'vault-created' },
    }));
    const queue = new JournalQueue({} as Source, { journal: async () => {} });
    await queue.settle(
      entries.map(({ seq }) => seq),
      entries,
    );
    const seqs = queue.droppableSeqs();
    assert.equal(seqs.length, 199_999);
    assert.ok(!seqs.includes(200_000));
    queue.markDropped(seqs);
    assert.deepEqual(queue.droppableSeqs(), []);
  });
});
