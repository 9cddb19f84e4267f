import { statement } from './statement.ts';
import type { Tx } from './transaction.ts';

/** Adds to the vault's counts in the transaction's shard, and updates the time of its last write. */
export async function addToCounts(
  tx: Tx,
  vaultNo: number,
  { archives, bytes, nowMs, lastNumber = 0 }: CountChange,
): Promise<void> {
  await ADD_TO_COUNTS.all(tx, { vaultNo, shard: tx.shard, archives, bytes, nowMs, lastNumber });
}

interface CountChange {
  readonly archives: number;
  readonly bytes: number;
  readonly nowMs: number;
  /** The number of a new archive. */
  readonly lastNumber?: number;
}

interface Addition extends Required<CountChange> {
  readonly vaultNo: number;
  readonly shard: number;
}

const ADD_TO_COUNTS = statement((db, { vaultNo, shard, archives, bytes, nowMs, lastNumber }: Addition) =>
  db
    .insertInto('vault_counts')
    .values({
      vault_no: vaultNo,
      shard,
      archives,
      bytes,
      begun_ms: nowMs,
      written_ms: nowMs,
      last_number: lastNumber,
    })
    .onConflict((c) =>
      c.columns(['vault_no', 'shard']).doUpdateSet((e) => ({
        archives: e('vault_counts.archives', '+', archives),
        bytes: e('vault_counts.bytes', '+', bytes),
        // Transactions may end in another order than their clocks were read.
        written_ms: e
          .case()
          .when('vault_counts.written_ms', '>', nowMs)
          .then(e.ref('vault_counts.written_ms'))
          .else(nowMs)
          .end(),
        last_number: e
          .case()
          .when('vault_counts.last_number', '>', lastNumber)
          .then(e.ref('vault_counts.last_number'))
          .else(lastNumber)
          .end(),
      })),
    ),
);
