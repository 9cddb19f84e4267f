import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../test/support/memory-store.ts';
import type { Segment } from '../../domain/archive-catalog.ts';
import type { FoundDamage } from '../../domain/damage.ts';
import { notFound } from '../../domain/errors.ts';
import type { OperationDeps } from '../operation.ts';
import { verifiedBytes } from './verified-bytes.ts';

/** Two segments, of which the second blob is gone, and the damage that was recorded. */
async function withoutLast() {
  const blobs = new MemoryStore();
  const writer = await blobs.create(4);
  await writer.write([Buffer.from('good')]);
  const { treeHash } = await writer.digest();
  const where = { account: '1', region: 'r', vault: 'v', archiveId: 'a', description: null };
  const ref = await writer.finish({ kind: 'archive', ...where, createdMs: 1, sequence: 1, offset: 0 });
  const rows: Segment[] = [
    { first: 0, size: 4, treeHash, ref },
    { first: 4, size: 4, treeHash, ref: 'gone' },
  ];
  const recorded: FoundDamage[] = [];
  const catalog = {
    listSegments: async () => ({ rows, more: false }),
    async recordDamage({ found }: { readonly found: readonly FoundDamage[] }) {
      recorded.push(...found);
      return [];
    },
  };
  const settings = { damageTopic: null };
  const deps = { blobs, catalog, settings, clock: { now: () => 1 } } as unknown as OperationDeps;
  return { deps, recorded, stored: { ref: null, uploadNo: 1, size: 8, treeHash } };
}

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of bytes) text += Buffer.from(chunk).toString();
  return text;
}

const WHOLE = { first: 0, last: 7 };
const never = new AbortController().signal;

describe('bytes whose blob is gone', () => {
  it('are recorded as damaged', async () => {
    const { deps, recorded, stored } = await withoutLast();
    await assert.rejects(readAll(verifiedBytes(deps, stored, WHOLE, never)), /damaged and was not sent/);
    assert.deepEqual(recorded, [{ ref: 'gone', leaf: null, kind: 'missing' }]);
  });

  it('are not damaged if they were deleted meanwhile', async () => {
    const { deps, recorded, stored } = await withoutLast();
    const whyGone = async () => notFound('it was deleted');
    await assert.rejects(
      readAll(verifiedBytes(deps, { ...stored, whyGone }, WHOLE, never)),
      /it was deleted/,
    );
    assert.deepEqual(recorded, []);
  });

  it('are damaged if they should still be there', async () => {
    const { deps, recorded, stored } = await withoutLast();
    const whyGone = async () => undefined;
    await assert.rejects(readAll(verifiedBytes(deps, { ...stored, whyGone }, WHOLE, never)), /damaged/);
    assert.equal(recorded.length, 1);
  });
});
