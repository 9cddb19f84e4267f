import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BlobStore } from '../domain/blob-store.ts';
import { invalidParameter, Shortage } from '../domain/errors.ts';
import { commitBlob } from './commit-blob.ts';

/** Returns what happens to a blob when the catalog refuses its row with `error`. */
async function fateAfter(error: Error | undefined): Promise<string[]> {
  const fate: string[] = [];
  const blobs = {
    confirm: () => void fate.push('confirmed'),
    remove: async () => void fate.push('removed'),
  } as unknown as BlobStore;
  const adding = commitBlob(blobs, 'ref', async () => {
    if (error) throw error;
  });
  await (error ? assert.rejects(adding, error) : adding);
  return fate;
}

describe('a stored blob', () => {
  it('is confirmed after its row was made', async () => {
    assert.deepEqual(await fateAfter(undefined), ['confirmed']);
  });

  it('is removed when certainly no row was made', async () => {
    assert.deepEqual(await fateAfter(invalidParameter('x')), ['removed']);
    assert.deepEqual(await fateAfter(new Shortage('x', { changedNothing: true })), ['removed']);
  });

  it('is kept when the row may have been made, because a row must never lose its blob', async () => {
    assert.deepEqual(await fateAfter(new Shortage('the journal cannot be written')), []);
    assert.deepEqual(await fateAfter(new Error('the connection broke')), []);
  });
});
