import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JournalQueue } from './journal-queue.ts';
import type { Source } from './transaction.ts';

describe('the journaled entries of an outbox', () => {
  it('are dropped in batches that fit a statement, all but the newest', async () => {
    const entries = Array.from({ length: 25_000 }, (_, i) => ({
      seq: i + 1,
      body: { type: 'vault-created' },
    }));
    const queue = new JournalQueue({} as Source, { journal: async () => {} });
    await queue.settle(
      entries.map(({ seq }) => seq),
      entries,
    );
    const batches: number[] = [];
    for (let seqs = queue.droppableSeqs(); seqs.length > 0; seqs = queue.droppableSeqs()) {
      assert.ok(!seqs.includes(25_000));
      batches.push(seqs.length);
      queue.markDropped(seqs);
    }
    assert.deepEqual(batches, [10_000, 10_000, 4999]);
  });
});
