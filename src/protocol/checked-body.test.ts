import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { ManualTimers } from '../../test/support/manual-timers.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import type { BlobLabel, BlobStore } from '../domain/blob-store.ts';
import { PairHasher } from '../treehash/index.ts';
import { CheckedBody } from './checked-body.ts';
import { toMessage } from './message.ts';
import { ClientGone } from './small-body.ts';

/** Longer than any test runs, so that only manual timers reach it. */
const IDLE_MS = 60_000;
const BATCH_BYTES = 256 * 1024;
const LABEL: BlobLabel = { kind: 'inventory' } as BlobLabel;
const TIMED_OUT = /^ApiError: Request timed out\.$/;

interface Upload {
  readonly incoming: IncomingMessage;
  store(blobs?: BlobStore): Promise<unknown>;
}

function uploadOf(body: Buffer): Upload {
  const hasher = new PairHasher();
  hasher.update(body);
  const { linearHash, treeHash } = hasher.digest();
  const incoming = incomingOf('POST', '/-/vaults/v/archives');
  const message = toMessage(incoming, 'REQUEST', () => {});
  const checked = new CheckedBody(
    message,
    { length: body.length, linearHash, treeHashSent: treeHash },
    IDLE_MS,
  );
  return { incoming, store: (blobs = new MemoryStore()) => checked.store(blobs, async () => LABEL) };
}

/** A store whose writes wait until the test releases them. */
class HeldStore extends MemoryStore {
  readonly #let = Promise.withResolvers<void>();

  override async create(size: number | null): ReturnType<MemoryStore['create']> {
    const writer = await super.create(size);
    const write = async (chunks: readonly Uint8Array[]): Promise<void> => {
      await this.#let.promise;
      await writer.write(chunks);
    };
    return { ...writer, write };
  }

  letThrough(): void {
    this.#let.resolve();
  }
}

/** Runs all that the event loop has queued. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
}

/** Whether a promise is still pending. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  await settle();
  const pending = Symbol();
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(pending)])) === pending;
}

describe('the body of an upload', () => {
  it('needs no timer if it has already arrived', async (t) => {
    const { incoming, store } = uploadOf(Buffer.from('Welcome to Amazon Glacier.'));
    incoming.push('Welcome to Amazon Glacier.');
    incoming.push(null);
    const timers = t.mock.method(globalThis, 'setTimeout');
    await store();
    assert.equal(timers.mock.callCount(), 0);
  });

  it('does not time out when the store is slow', async (t) => {
    const timers = ManualTimers.install(t);
    const body = Buffer.alloc(3 * BATCH_BYTES, 1);
    const { incoming, store } = uploadOf(body);
    for (let at = 0; at < body.length; at += 65_536)
      incoming.push(Buffer.from(body.subarray(at, at + 65_536)));
    incoming.push(null);
    const held = new HeldStore();
    const stored = store(held);
    assert.ok(await isPending(stored));
    timers.pass(2 * IDLE_MS);
    assert.ok(await isPending(stored));
    held.letThrough();
    await stored;
  });

  it('does not time out when the store is slow after an earlier wait for the client', async (t) => {
    const timers = ManualTimers.install(t);
    const body = Buffer.alloc(3 * BATCH_BYTES, 1);
    const { incoming, store } = uploadOf(body);
    const batch = () => incoming.push(Buffer.from(body.subarray(0, BATCH_BYTES)));
    batch();
    const held = new HeldStore();
    const stored = store(held);
    await settle();
    // The timer is running when this arrives, and the store is still writing the first batch.
    timers.pass(IDLE_MS - 1);
    batch();
    await settle();
    timers.pass(2 * IDLE_MS);
    assert.ok(await isPending(stored));
    batch();
    incoming.push(null);
    held.letThrough();
    await stored;
  });

  for (const bytes of [0, 1, BATCH_BYTES, BATCH_BYTES + 1]) {
    it(`times out exactly at the limit when it stalls after ${bytes} bytes`, async (t) => {
      const timers = ManualTimers.install(t);
      const body = Buffer.alloc(2 * BATCH_BYTES, 1);
      const { incoming, store } = uploadOf(body);
      if (bytes > 0) incoming.push(Buffer.from(body.subarray(0, bytes)));
      const stored = store();
      stored.catch(() => {});
      await settle();
      timers.pass(IDLE_MS - 1);
      assert.ok(await isPending(stored));
      timers.pass(1);
      await assert.rejects(stored, TIMED_OUT);
    });
  }

  it('does not time out while it keeps arriving, but when it stops', async (t) => {
    const timers = ManualTimers.install(t);
    const body = Buffer.alloc(12, 1);
    const move = async ({ incoming }: Upload, times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        await settle();
        timers.pass(IDLE_MS - 1);
        incoming.push(Buffer.alloc(1, 1));
      }
    };
    const moving = uploadOf(body);
    const stored = moving.store();
    await move(moving, body.length);
    await stored;

    const stopping = uploadOf(body);
    const refused = stopping.store();
    refused.catch(() => {});
    await move(stopping, body.length - 1);
    assert.ok(await isPending(refused));
    timers.pass(IDLE_MS);
    await assert.rejects(refused, TIMED_OUT);
  });

  it('leaves no timer behind, however it ends', async (t) => {
    const made = t.mock.method(globalThis, 'setTimeout');
    const cleared = t.mock.method(globalThis, 'clearTimeout');
    const late = uploadOf(Buffer.from('ab'));
    const stored = late.store();
    await new Promise(setImmediate);
    late.incoming.push('ab');
    await stored;
    const gone = uploadOf(Buffer.from('ab'));
    const refused = assert.rejects(gone.store(), ClientGone);
    await new Promise(setImmediate);
    gone.incoming.destroy();
    await refused;
    const timers = made.mock.calls.map(({ result }) => result);
    assert.equal(timers.length, 2);
    assert.deepEqual(
      cleared.mock.calls.map(({ arguments: [timer] }) => timer),
      timers,
    );
  });

  it('is not awaited when its client has already gone', async () => {
    const { incoming, store } = uploadOf(Buffer.from('ab'));
    incoming.destroy();
    await assert.rejects(store(), ClientGone);
  });
});
