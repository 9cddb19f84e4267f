/** Some seeds of the simulator (docs/design/simulator.md); `npm run simulate` runs more. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { StateOperation } from '../support/simulator/crash-states.ts';
import { eventsOf } from '../support/simulator/events.ts';
import { runOne, seedsUntilFound } from '../support/simulator/many-seeds.ts';
import { PLANTED_BUGS } from '../support/simulator/planted-bugs.ts';
import { Runner } from '../support/simulator/run-seed.ts';
import { shrink } from '../support/simulator/shrink.ts';
import { newTally } from '../support/simulator/tally.ts';

const SEEDS = 6;
/** Bugs that few seeds find. */
const QUICK = ['swap two parts', 'drop the directory flush'];
const LONGEST_SHORT = 20;

describe('the simulator', () => {
  let runner: Runner;
  before(async () => {
    runner = await Runner.open();
  });
  after(() => runner.close());

  it(`finds no violation in ${SEEDS} seeds`, async () => {
    const tally = newTally();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const failure = await runner.runSeed(seed, { tally });
      assert.equal(failure, undefined, `seed ${seed}: replay it with npm run simulate -- --seed ${seed}`);
    }
    assert.ok(tally.requests >= 90 * SEEDS && tally.crashes >= 2 * SEEDS, JSON.stringify(tally));
  });

  it('plans at least 100 requests and 2 crashes for every seed', () => {
    for (let seed = 0; seed < 500; seed++) {
      const kinds = Map.groupBy(eventsOf(seed), ({ kind }) => kind);
      assert.ok((kinds.get('request')?.length ?? 0) >= 100 && (kinds.get('crash')?.length ?? 0) >= 2);
    }
  });

  it('does the same each time for one seed', async () => {
    const runs = [];
    for (let i = 0; i < 2; i++) {
      const tally = newTally();
      const lines: string[] = [];
      await runner.runSeed(3, { tally, log: (line) => lines.push(line) });
      runs.push({ tally, lines });
    }
    assert.deepEqual(runs[0], runs[1]);
  });

  it('finds planted bugs', async () => {
    for (const name of QUICK) {
      const bug = PLANTED_BUGS.find((one) => one.name === name);
      assert.ok(bug);
      assert.ok(await seedsUntilFound(runner, bug, 20), name);
    }
  });

  it('shortens a seed that fails', async () => {
    const bug = PLANTED_BUGS.find(({ name }) => name === 'ignore a replaced part');
    const failure = await runOne(runner, 1, { tally: newTally(), bug, mostRuns: 40 });
    assert.ok(failure && failure.events.length <= LONGEST_SHORT, JSON.stringify(failure));
    assert.match(failure.message, /part .* is lost or another one|nothing will ever remove the blob/);
  });
});

describe('a crash at every step of an operation', () => {
  /** `npm run crash-states` runs all of them, and lets the recovery crash, too. */
  const sequences: readonly (readonly StateOperation[])[] = [
    ['large upload'],
    ['small upload', 'delete archive'],
  ];
  for (const sequence of sequences) {
    it(`is recovered from: ${sequence.join(', then ')}`, async () => {
      const runner = await Runner.open();
      const tally = { sequences: 0, states: 0 };
      await runner.crashStates(tally, false).run(sequence);
      assert.ok(tally.states > 20, JSON.stringify(tally));
      runner.close();
    });
  }
});

describe('shortening a sequence', () => {
  it('leaves what it takes to fail, in order', async () => {
    const all = Array.from({ length: 50 }, (_, i) => i);
    const fails = async (left: readonly number[]) => [7, 8, 31].every((needed) => left.includes(needed));
    assert.deepEqual(await shrink(all, fails), [7, 8, 31]);
  });
});
