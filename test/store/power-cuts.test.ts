/** What a power cut, or a disk that misreads, leaves of a store: found by the simulator, each in its shortest form. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DiskStore, PACKED_BYTES } from '../../src/blobs/disk/disk-store.ts';
import { prepareDiskStore } from '../../src/blobs/disk/prepare.ts';
import { StoreFailure } from '../../src/domain/blob-store.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { archiveLabel, collect, readBlob, someBytes, storeBlob } from '../support/blob-store-contract.ts';
import { SimulatedDisk } from '../support/simulator/disk.ts';
import type { Survival } from '../support/simulator/file-node.ts';
import { SimulatedFileSystem } from '../support/simulator/file-system.ts';
import { Random } from '../support/simulator/random.ts';
import type { Fault, Step } from '../support/simulator/steps.ts';
import { ALL, NOTHING } from '../support/simulator/survival.ts';

const STORE = '/data/store';
const LARGE = PACKED_BYTES + 1;

/** A store on a simulated disk, whose steps a test may make fail or never end. */
class World {
  readonly disk = new SimulatedDisk();
  /** Says what goes wrong; `never` for a step that does not happen, as in a crash. */
  faultOf: (step: Step) => Fault | 'never' | undefined = () => undefined;
  readonly fs = new SimulatedFileSystem(this.disk, {
    run: async (step, effect) => {
      const fault = this.faultOf(step);
      return fault === 'never' ? new Promise(() => {}) : effect(fault);
    },
  });
  readonly #random = new Random(7);

  async open(): Promise<DiskStore> {
    await this.fs.makeFolder(STORE);
    await prepareDiskStore(STORE, this.fs);
    await (await this.fs.open('/', 'read')).flush();
    return new DiskStore(STORE, this.#random.bytes, nodeHash, { fs: this.fs });
  }

  /** Opens the store as a start does after a power cut. */
  reopen(survival: Survival): Promise<DiskStore> {
    this.faultOf = () => undefined;
    this.disk.cutPower(survival);
    return this.open();
  }
}

/** Keeps the first change of each name that comes up, and loses the next: a name that was given and taken away. */
function everyOther(): Survival {
  let changes = 0;
  return { ...NOTHING, keeps: () => changes++ % 2 === 0 };
}

const isFolderOfBlobs = ({ path }: Step): boolean => /\/blobs\/[0-9a-f]{2}$/.test(path);

describe('after a power cut, a start asks about a large blob', () => {
  it('that was stored, although nothing flushed its incoming name for itself', async () => {
    const world = new World();
    const ref = await storeBlob(await world.open(), someBytes(LARGE));
    const store = await world.reopen(NOTHING);
    assert.deepEqual(await collect(store.unconfirmed()), [ref]);
    assert.deepEqual(await readBlob(store, ref), someBytes(LARGE));
  });

  it('whose folder could not be flushed, so that its name may come back', async () => {
    const world = new World();
    const before = await world.open();
    const writer = await before.create(LARGE);
    await writer.write([someBytes(LARGE)]);
    world.faultOf = (step) =>
      step.call === 'open' && isFolderOfBlobs(step) ? { code: 'EMFILE' } : undefined;
    await assert.rejects(writer.finish(archiveLabel()), StoreFailure);
    const store = await world.reopen(everyOther());
    const all = await collect(store.list());
    assert.equal(all.length, 1);
    assert.deepEqual(await collect(store.unconfirmed()), all);
  });

  it('whose removal was not flushed yet', async () => {
    const world = new World();
    const before = await world.open();
    const ref = await storeBlob(before, someBytes(LARGE));
    world.faultOf = (step) => (step.call === 'fsync' && isFolderOfBlobs(step) ? 'never' : undefined);
    void before.remove(ref);
    await new Promise(setImmediate);
    const store = await world.reopen(NOTHING);
    assert.deepEqual(await collect(store.list()), [ref]);
    assert.deepEqual(await collect(store.unconfirmed()), [ref]);
  });
});

describe('a small blob that could not be stored', () => {
  for (const [what, call] of [
    ['written', 'write'],
    ['flushed', 'fdatasync'],
  ] as const) {
    it(`is asked about if it reached the disk although it could not be ${what}`, async () => {
      const world = new World();
      const before = await world.open();
      const kept = await storeBlob(before, someBytes(2000));
      before.confirm(kept);
      let failures = 0;
      world.faultOf = (step) =>
        step.call === call && step.path.endsWith('.pack') && failures++ === 0
          ? { code: 'EIO', share: 1, survival: ALL }
          : undefined;
      await assert.rejects(storeBlob(before, someBytes(3000)), StoreFailure);
      await before.close();
      // The system writes names when it likes, so also that the marker is gone.
      await (await world.fs.open(`${STORE}/incoming`, 'read')).flush();
      const store = await world.reopen({ ...NOTHING, keepsSector: () => true });
      const [asked, all] = [await collect(store.unconfirmed()), await collect(store.list())];
      assert.deepEqual(
        all.filter((ref) => ref !== kept && !asked.includes(ref)),
        [],
      );
      assert.ok(failures > 0);
    });
  }
});

describe('the removal of a small blob', () => {
  it('that is repeated lasts, although the flush of the first one failed and dropped it', async () => {
    const world = new World();
    const before = await world.open();
    const refs = [await storeBlob(before, someBytes(3000)), await storeBlob(before, someBytes(3001))];
    await before.remove(refs[1] ?? '');
    world.faultOf = ({ call, path }) =>
      call === 'fdatasync' && path.endsWith('.removed') ? { code: 'EIO', survival: NOTHING } : undefined;
    await assert.rejects(before.remove(refs[0] ?? ''), StoreFailure);
    world.faultOf = () => undefined;
    // The process starts again, and reads what never reached the disk.
    await (await world.open()).remove(refs[0] ?? '');
    assert.deepEqual(await collect((await world.reopen(NOTHING)).list()), []);
  });
});

describe('a start whose disk misreads a pack', () => {
  /** A store with two small blobs that were stored but not confirmed, as a crash leaves it. */
  async function crashed(): Promise<{ world: World; refs: string[] }> {
    const world = new World();
    const writing = await world.open();
    const refs = [await storeBlob(writing, someBytes(3000)), await storeBlob(writing, someBytes(3001))];
    return { world, refs };
  }

  /** Reads of packs go wrong once, from the n-th on. */
  function misreading(world: World, nth: number): void {
    let reads = 0;
    const garble = (bytes: Uint8Array): void => {
      if (reads++ === nth) bytes.subarray(0, 512).fill(0);
    };
    world.faultOf = ({ call, path }) => (call === 'read' && path.endsWith('.pack') ? { garble } : undefined);
  }

  it('loses no blob, and asks again at the next start about those that it could not see', async () => {
    let left = 0;
    for (let nth = 0; nth < 30; nth++) {
      const { world, refs } = await crashed();
      const store = await world.reopen(NOTHING);
      misreading(world, nth);
      const asked = await collect(store.unconfirmed());
      const unreadable = await store.confirmAll();
      left += unreadable.length;
      world.faultOf = () => undefined;
      assert.deepEqual(await collect(store.list()), refs, `read ${nth}`);
      // Each blob was asked about, or will be.
      const next = unreadable.length > 0 ? await collect((await world.reopen(NOTHING)).unconfirmed()) : asked;
      assert.deepEqual(next, refs, `read ${nth}`);
    }
    assert.ok(left > 0);
  });

  it('asks again about a blob that could not be described', async () => {
    const { world, refs } = await crashed();
    const store = await world.reopen(NOTHING);
    await collect(store.unconfirmed());
    assert.equal((await store.confirmAll(new Set([refs[1] ?? '']))).length, 1);
    assert.deepEqual(await collect((await world.reopen(NOTHING)).unconfirmed()), refs);
  });
});

describe('a compaction', () => {
  it('leaves the pack as it is when the disk misreads a record', async () => {
    const world = new World();
    const writing = await world.open();
    const refs: string[] = [];
    for (let i = 0; i < 8; i++) refs.push(await storeBlob(writing, someBytes(3000, i)));
    for (const ref of refs) writing.confirm(ref);
    await writing.close();
    const store = await world.open();
    for (const ref of refs.slice(0, 5)) await store.remove(ref);
    let misreads = 0;
    const garble = (bytes: Uint8Array): void => {
      // The three records that are left, and not the search for all headers.
      if (bytes.length > 9000 && bytes.length < 12_000 && misreads++ === 0)
        bytes.copyWithin(5120, 4096, 4608);
    };
    world.faultOf = ({ call, path }) => (call === 'read' && path.endsWith('.pack') ? { garble } : undefined);
    await assert.rejects(store.compact(), AggregateError);
    world.faultOf = () => undefined;
    assert.ok(misreads > 0);
    for (const [i, ref] of refs.entries())
      if (i >= 5) assert.deepEqual(await readBlob(store, ref), someBytes(3000, i));
  });
});
