import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { incomingOf } from '../../test/support/incoming.ts';
import { MemoryStore } from '../blobs/memory.ts';
import type { BlobLabel, BlobStore } from '../domain/blob-store.ts';
import { PairHasher } from '../treehash/index.ts';
import { CheckedBody } from './checked-body.ts';
import { toMessage } from './message.ts';
import { ClientGone } from './small-body.ts';

const IDLE_MS = 60;
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

/** A store whose writes take longer than a client may be silent. */
class SlowStore extends MemoryStore {
  override async create(size: number | null): ReturnType<MemoryStore['create']> {
    const writer = await super.create(size);
    const write = async (chunks: readonly Uint8Array[]): Promise<void> => {
      await pause(2 * IDLE_MS);
      await writer.write(chunks);
    };
    return { ...writer, write };
  }
}

describe('the body of an upload', () => {
  it('that is there already needs no timer', async (t) => {
    const { incoming, store } = uploadOf(Buffer.from('Welcome to Amazon Glacier.'));
    incoming.push('Welcome to Amazon Glacier.');
    incoming.push(null);
    const timers = t.mock.method(globalThis, 'setTimeout');
    await store();
    assert.equal(timers.mock.callCount(), 0);
  });

  it('is not given up for the slowness of the store', async () => {
    const body = Buffer.alloc(3 * BATCH_BYTES, 1);
    const { incoming, store } = uploadOf(body);
    for (let at = 0; at < body.length; at += 65_536)
      incoming.push(Buffer.from(body.subarray(at, at + 65_536)));
    incoming.push(null);
    await store(new SlowStore());
  });

  it('is not given up while the store is slow, whatever was waited for before', async () => {
    const body = Buffer.alloc(3 * BATCH_BYTES, 1);
    const { incoming, store } = uploadOf(body);
    const batch = () => incoming.push(Buffer.from(body.subarray(0, BATCH_BYTES)));
    batch();
    const stored = store(new SlowStore());
    // The timer runs when this comes, and the store is not done with the first for a while.
    await pause(IDLE_MS / 3);
    batch();
    await pause(2 * IDLE_MS);
    batch();
    incoming.push(null);
    await stored;
  });

  for (const bytes of [0, 1, BATCH_BYTES, BATCH_BYTES + 1]) {
    it(`that stalls after ${bytes} bytes that were there is given up, no sooner than it may be`, async () => {
      const body = Buffer.alloc(2 * BATCH_BYTES, 1);
      const { incoming, store } = uploadOf(body);
      if (bytes > 0) incoming.push(Buffer.from(body.subarray(0, bytes)));
      const beginning = performance.now();
      await assert.rejects(store(), TIMED_OUT);
      // Timers may be a millisecond early by this clock.
      assert.ok(performance.now() - beginning >= IDLE_MS - 2);
    });
  }

  it('that moves is not given up for its age, but when it stops', async () => {
    const body = Buffer.alloc(12, 1);
    const moving = uploadOf(body);
    const stored = moving.store();
    for (let i = 0; i < body.length; i++) {
      await pause(IDLE_MS / 4);
      moving.incoming.push(Buffer.alloc(1, 1));
    }
    await stored;

    const stopping = uploadOf(body);
    const refused = assert.rejects(stopping.store(), TIMED_OUT);
    for (let i = 1; i < body.length; i++) {
      await pause(IDLE_MS / 4);
      stopping.incoming.push(Buffer.alloc(1, 1));
    }
    await refused;
  });

  it('leaves no timer behind, whatever becomes of it', async (t) => {
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

  it('is not waited for when its client is gone already', async () => {
    const { incoming, store } = uploadOf(Buffer.from('ab'));
    incoming.destroy();
    await assert.rejects(store(), ClientGone);
  });
});
