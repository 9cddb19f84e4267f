import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryReturn } from './memory-return.ts';

const MIB = 1024 * 1024;
const LOOK_MS = 5000;

/** A process that starts with 100 MiB, whose memory shrinks only when it is returned to the system. */
function trial() {
  const now = { atMs: 0, processorMs: 0, bytes: 100 * MIB };
  let [times, freed, collections, garbage, asked] = [0, 0, 0, 0, 0];
  const resident = (): number => {
    asked++;
    return now.bytes;
  };
  const memory = new MemoryReturn(
    () => ({ atMs: now.atMs, processorMs: now.processorMs, bytes: () => resident() }),
    [
      () => {
        times++;
        now.bytes -= freed;
        freed = 0;
      },
      () => {
        collections++;
        now.bytes -= garbage;
        garbage = 0;
      },
    ],
  );
  /** Runs the checks of this many seconds, while the process uses this share of a processor. */
  const pass = (seconds: number, share: number): void => {
    for (let ms = 0; ms < seconds * 1000; ms += LOOK_MS) {
      now.atMs += LOOK_MS;
      now.processorMs += LOOK_MS * share;
      memory.look();
    }
  };
  const load = (mib: number, seconds = 60, garbageMib = 0): void => {
    now.bytes += (mib + garbageMib) * MIB;
    freed += mib * MIB;
    garbage += garbageMib * MIB;
    pass(seconds, 0.8);
  };
  return { now, pass, load, times: () => times, collections: () => collections, asked: () => asked };
}

describe('unused memory after a load', () => {
  it('is returned once, when the process has been idle for longer than idle buffers are kept', () => {
    const { now, load, pass, times, collections } = trial();
    load(150);
    pass(30, 0.02);
    assert.equal(times(), 0);
    pass(10, 0.02);
    assert.equal(times(), 1);
    assert.equal(now.bytes, 100 * MIB);
    pass(3600, 0.02);
    assert.equal(times(), 1);
    assert.equal(collections(), 0);
  });

  it('is returned again after the next load', () => {
    const { load, pass, times } = trial();
    for (let round = 1; round <= 3; round++) {
      load(150);
      pass(60, 0);
      assert.equal(times(), round);
    }
  });

  it('is kept while the process is busy, however long', () => {
    const { load, pass, times, asked } = trial();
    load(500, 3600);
    for (let i = 0; i < 100; i++) {
      pass(30, 0.02);
      pass(5, 0.3);
    }
    assert.equal(times(), 0);
    assert.equal(asked(), 1, 'the size is not read meanwhile, because that takes a descriptor');
  });

  it('is not returned after a small load, or when it was freed already', () => {
    const { now, load, pass, times } = trial();
    load(10);
    pass(120, 0);
    load(150);
    now.bytes = 100 * MIB;
    pass(120, 0);
    assert.equal(times(), 0);
  });

  it('is garbage collected when returning it leaves much in use', () => {
    const { now, load, pass, collections } = trial();
    load(150, 60, 40);
    pass(60, 0);
    assert.equal(collections(), 1);
    assert.equal(now.bytes, 100 * MIB);
  });

  it('is not searched for again while it is in use', () => {
    const { now, pass, times, collections } = trial();
    now.bytes += 200 * MIB;
    pass(3600, 0);
    assert.equal(times(), 1);
    assert.equal(collections(), 1);
  });
});
