/** The schedule of the scrub: pace, position, restart, and what an operator wants. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Catalog } from '../domain/catalog.ts';
import {
  type EndedPass,
  parseProgress,
  SCRUB_NOW_SETTING,
  SCRUB_PAUSED_SETTING,
  type ScrubProgress,
} from '../domain/scrub-progress.ts';
import type { BlobVerdict, ScrubOptions, ScrubStep, ScrubStore } from '../domain/scrub-store.ts';
import { Scrubber } from './scrub.ts';
import { ScrubPace } from './scrub-pace.ts';

const DAY_MS = 86_400_000;
const PERIOD_MS = 7 * DAY_MS;
const MIB = 2 ** 20;
const START_MS = 1_700_000_000_000;

/** A machine with a store, a catalog, a note and a clock that only pauses move. */
class Machine {
  nowMs = START_MS;
  note: string | undefined;
  readonly settings = new Map<string, string>();
  /** Keys of blobs that were read. */
  readonly reads: string[] = [];
  readonly ended: EndedPass[] = [];
  readonly errors: unknown[] = [];
  noteCount = 0;
  readonly healed: number[] = [];
  /** Called in each pause. */
  onPause: (ms: number) => void | Promise<void> = () => {};
  readonly #keys: readonly string[];
  readonly #blobBytes: number;
  #failing: string | undefined;
  /** A blob that is damaged. */
  damaged: string | undefined;
  /** When damage was recorded. */
  readonly recorded: number[] = [];

  constructor(blobs: number, blobBytes: number) {
    this.#keys = Array.from({ length: blobs }, (_, i) => String(i).padStart(6, '0'));
    this.#blobBytes = blobBytes;
  }

  get bytes(): number {
    return this.#keys.length * this.#blobBytes;
  }

  get progress(): ScrubProgress {
    return parseProgress(this.note);
  }

  /** The next read of this blob fails. */
  fail(key: string): void {
    this.#failing = key;
  }

  start(): Scrubber {
    return new Scrubber({
      catalog: this.#catalog(),
      store: this.#store(),
      blobs: {
        note: async () => this.note,
        putNote: async (_, text) => {
          this.note = text;
          this.noteCount++;
        },
        listAside: async function* () {},
        failure: () => undefined,
      },
      clock: { now: () => this.nowMs },
      topic: null,
      pace: new ScrubPace({ periodMs: PERIOD_MS, random: () => 0, isBusy: () => true }),
      wait: async (ms, over) => {
        await Promise.resolve();
        if (over.aborted) return;
        this.nowMs += ms;
        await this.onPause(ms);
      },
      onDamage: async () => {},
      onPassing: () => {},
      onPassEnded: (pass) => this.ended.push(pass),
      onError: (error) => this.errors.push(error),
    });
  }

  #catalog(): Catalog {
    const catalog: Partial<Catalog> = {
      findSetting: async (name) => this.settings.get(name),
      findNamedBlobs: async (refs) => refs.map((ref) => ({ ref, size: this.#blobBytes, treeHash: null })),
      listNamedRefs: async () => ({ rows: [], more: false }),
      storedTotals: async () => ({ archives: 0, bytes: this.bytes }),
      recordDamage: async ({ nowMs }) => {
        this.recorded.push(nowMs);
        return [];
      },
      healDamage: async ({ beforeMs }) => {
        this.healed.push(beforeMs);
        return 0;
      },
    };
    return catalog as Catalog;
  }

  #store(): ScrubStore {
    const store: Partial<ScrubStore> = {
      scrub: (options) => this.#scrub(options),
      findAbsent: async () => [],
      verify: async (ref) => this.#verdict(ref),
    };
    return store as ScrubStore;
  }

  async *#scrub({ after, rest }: ScrubOptions): AsyncGenerator<ScrubStep> {
    for (const key of this.#keys) {
      if (after !== null && key <= after) continue;
      if (key === this.#failing) {
        this.#failing = undefined;
        throw new Error('the folder cannot be listed');
      }
      for (let at = 0; at < this.#blobBytes; at += 4 * MIB)
        await rest(Math.min(4 * MIB, this.#blobBytes - at));
      this.reads.push(key);
      yield { upTo: key, blobs: [this.#verdict(key)], files: [], pack: null };
    }
  }

  #verdict(ref: string): BlobVerdict {
    const description = { size: this.#blobBytes, treeHash: '', createdMs: START_MS };
    return { ref, description, damage: ref === this.damaged ? [{ leaf: 0, kind: 'data' }] : [] };
  }
}

/** Runs the scrub until so many passes have ended. */
async function untilEnded(machine: Machine, passes: number): Promise<void> {
  const scrubber = machine.start();
  const running = scrubber.run();
  machine.onPause = () => {
    if (machine.ended.length >= passes) scrubber.stop();
  };
  await running;
}

/** Runs the scrub until so many blobs were read since the start. */
async function untilRead(machine: Machine, blobs: number): Promise<void> {
  const scrubber = machine.start();
  const before = machine.reads.length;
  machine.onPause = () => {
    if (machine.reads.length - before >= blobs) scrubber.stop();
  };
  await scrubber.run();
}

describe('a scrub', () => {
  it('reads everything once in each period, and forgets damage that it has not seen', async () => {
    const machine = new Machine(500, 64 * MIB);
    await untilEnded(machine, 3);
    assert.equal(machine.reads.length, 1500);
    for (const { startedMs, endedMs, bytes, blobs } of machine.ended) {
      assert.ok(endedMs - startedMs < PERIOD_MS && endedMs - startedMs > PERIOD_MS / 2);
      assert.deepEqual([bytes, blobs], [machine.bytes, 500]);
    }
    const starts = machine.ended.map(({ startedMs }) => startedMs);
    assert.deepEqual(machine.healed, starts);
    for (const [i, ms] of starts.slice(1).entries()) {
      const gap = ms - (starts[i] ?? 0);
      assert.ok(gap > 0.9 * PERIOD_MS && gap < 1.01 * PERIOD_MS, `${gap} ms`);
    }
    assert.deepEqual(machine.errors, []);
  });

  it('goes on where it was when it is started again', async () => {
    const machine = new Machine(100, 8 * MIB);
    await untilRead(machine, 40);
    assert.equal(machine.progress.pass?.key, machine.reads.at(-1));
    await untilRead(machine, 30);
    await untilEnded(machine, 1);
    assert.equal(machine.reads.length, 100);
    assert.equal(new Set(machine.reads).size, 100);
    const [pass] = machine.ended;
    assert.ok((pass?.endedMs ?? 0) - (pass?.startedMs ?? 0) < PERIOD_MS);
    assert.equal(machine.progress.pass, null);
  });

  it('keeps its position with one flush a minute at most', async () => {
    const machine = new Machine(2000, 64 * MIB);
    await untilEnded(machine, 1);
    const minutes = (machine.nowMs - START_MS) / 60_000;
    // A note takes two flushes. The first and the last are beside the rhythm.
    assert.ok((machine.noteCount - 3) * 2 <= minutes, `${machine.noteCount} notes in ${minutes} minutes`);
    assert.ok(machine.noteCount > 100);
    const marks = machine.progress.last?.marks ?? [];
    assert.ok(marks.length > 50 && marks.length <= 128);
  });

  it('pauses for long in a small store, and keeps no file open for more than a second each time', async () => {
    const pauses: number[] = [];
    const machine = new Machine(16, 64 * MIB);
    const scrubber = machine.start();
    machine.onPause = (ms) => {
      pauses.push(ms);
      if (machine.ended.length > 0) scrubber.stop();
    };
    await scrubber.run();
    const long = pauses.filter((ms) => ms > 1000);
    // One before the pass, one after each blob, one after the pass.
    assert.ok(long.length >= 16 && long.length <= 18, `${long.length} long pauses`);
  });

  it('stops while an operator has paused it, over a restart too, and then goes on', async () => {
    const machine = new Machine(100, 8 * MIB);
    const scrubber = machine.start();
    let pausedMs = 0;
    machine.onPause = async () => {
      if (machine.reads.length === 30 && !machine.settings.has(SCRUB_PAUSED_SETTING)) {
        machine.settings.set(SCRUB_PAUSED_SETTING, 'true');
        pausedMs = machine.nowMs;
        await scrubber.look();
      } else if (pausedMs > 0 && machine.nowMs > pausedMs + 3 * DAY_MS) scrubber.stop();
    };
    await scrubber.run();
    const read = machine.reads.length;
    assert.ok(read <= 31, `${read} blobs`);
    const again = machine.start();
    machine.onPause = async () => {
      if (machine.nowMs < pausedMs + 10 * DAY_MS) return;
      machine.settings.set(SCRUB_PAUSED_SETTING, 'false');
      await again.look();
      if (machine.ended.length > 0) again.stop();
    };
    await again.run();
    assert.equal(machine.reads.length, 100);
    assert.equal(new Set(machine.reads).size, 100);
  });

  it('begins at once, without pauses, when an operator asks for it, and once for each request', async () => {
    const machine = new Machine(100, 8 * MIB);
    const scrubber = machine.start();
    let askedMs = 0;
    machine.onPause = async () => {
      if (machine.reads.length === 30 && askedMs === 0) {
        askedMs = machine.nowMs;
        machine.settings.set(SCRUB_NOW_SETTING, String(askedMs));
        await scrubber.look();
      }
      if (machine.ended.length > 0) scrubber.stop();
    };
    await scrubber.run();
    const [pass] = machine.ended;
    assert.deepEqual([pass?.isFast, pass?.blobs], [true, 100]);
    assert.equal(pass?.endedMs, pass?.startedMs);
    assert.ok((pass?.startedMs ?? 0) >= askedMs);
    assert.equal(machine.progress.answeredMs, askedMs);
    const read = machine.reads.length;
    await untilRead(machine, 0);
    assert.equal(machine.reads.length, read, 'the request was answered');
  });

  it('goes on after a failure, where it was', async () => {
    const machine = new Machine(10, 8 * MIB);
    machine.fail('000007');
    await untilEnded(machine, 1);
    assert.equal(machine.errors.length, 1);
    assert.deepEqual(machine.reads.length, 10);
  });

  it('does not take what it has just seen for old, even if the clock is set back', async () => {
    const machine = new Machine(10, 8 * MIB);
    machine.damaged = '000005';
    const scrubber = machine.start();
    machine.onPause = () => {
      if (machine.reads.length === 3) machine.nowMs = START_MS - DAY_MS;
      if (machine.ended.length > 0) scrubber.stop();
    };
    await scrubber.run();
    assert.equal(machine.recorded.length, 1);
    assert.ok((machine.recorded[0] ?? 0) >= (machine.healed[0] ?? Number.POSITIVE_INFINITY));
  });

  it('begins anew when its note cannot be read', async () => {
    const machine = new Machine(10, 8 * MIB);
    machine.note = '{';
    await untilEnded(machine, 1);
    assert.equal(machine.errors.length, 1);
    assert.equal(machine.reads.length, 10);
  });
});
