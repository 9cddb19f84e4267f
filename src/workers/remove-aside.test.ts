import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { archiveLabel, collect, someBytes, storeBlob } from '../../test/support/blob-store-contract.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { ACCEPTED_NOTE } from '../domain/store-identity.ts';
import { recoverStore } from './recover-store.ts';
import { removeAside } from './remove-aside.ts';

const DAY_MS = 86_400_000;

/** A catalog that names these blobs and has an empty outbox. */
function catalogOf(named: ReadonlySet<string>): Catalog {
  const parts: Partial<Catalog> = {
    namesBlob: async (_, ref) => named.has(ref),
    listOutbox: async () => [],
  };
  return parts as Catalog;
}

async function keep(store: MemoryStore, seed: number): Promise<string> {
  return storeBlob(store, someBytes(10, seed), archiveLabel({ archiveId: `archive-${seed}` }));
}

describe('an unconfirmed blob', () => {
  it('is confirmed at a start if the catalog names it, and otherwise set aside', async () => {
    const store = new MemoryStore();
    const [known, unknown] = [await keep(store, 1), await keep(store, 2)];
    const found = await recoverStore(catalogOf(new Set([known])), store, 5000);
    assert.deepEqual(found, { aside: 1, unreadable: [], commitNumber: 0 });
    const [batch] = await collect(store.listAside());
    assert.deepEqual([batch?.asideMs, batch?.blobs.map(({ ref }) => ref)], [5000, [unknown]]);
    assert.deepEqual((await collect(store.list())).sort(), [known, unknown].sort());
    assert.deepEqual(await collect(store.unconfirmed()), []);
  });

  it('set aside is removed when its time is over, oldest first, unless the catalog names it again', async () => {
    const store = new MemoryStore();
    const named = new Set<string>();
    const refs: string[] = [];
    for (let i = 0; i < 3; i++) {
      refs.push(await keep(store, i));
      await recoverStore(catalogOf(named), store, i * DAY_MS);
    }
    const removed: string[] = [];
    const removeAt = (nowMs: number) =>
      removeAside(catalogOf(named), store, {
        nowMs,
        keepMs: 7 * DAY_MS,
        onRemoved: ({ ref }) => removed.push(ref),
      });
    await removeAt(7 * DAY_MS - 1);
    assert.deepEqual(removed, []);
    named.add(refs[1] as string);
    await removeAt(8 * DAY_MS);
    assert.deepEqual(removed, [refs[0]]);
    assert.deepEqual((await collect(store.list())).sort(), refs.slice(1).sort());
    assert.equal((await collect(store.listAside())).length, 1);
  });

  it('set aside gets the full time again after an older catalog was accepted', async () => {
    const store = new MemoryStore();
    const ref = await keep(store, 1);
    await recoverStore(catalogOf(new Set()), store, 0);
    await store.putNote(ACCEPTED_NOTE, JSON.stringify({ atMs: 20 * DAY_MS }));
    const removed: string[] = [];
    const onRemoved = (blob: { ref: string }) => removed.push(blob.ref);
    for (const day of [21, 26, 27])
      await removeAside(catalogOf(new Set()), store, { nowMs: day * DAY_MS, keepMs: 7 * DAY_MS, onRemoved });
    assert.deepEqual(removed, [ref]);
  });
});
