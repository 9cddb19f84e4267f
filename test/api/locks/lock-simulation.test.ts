import assert from 'node:assert/strict';
import { it } from 'node:test';
import { newTally, runSequence } from '../../support/lock-simulation/sequence.ts';
import { Shop } from '../../support/lock-simulation/world.ts';

/** `npm run lock-simulation` runs many more, from a seed of its choice. */
const SEQUENCES = 300;

it('a completed lock protects its archives, whatever happens to clocks and catalogs', async (t) => {
  const shop = await Shop.open();
  t.after(() => shop.close());
  const tally = newTally();
  for (let seed = 1; seed <= SEQUENCES; seed++) await runSequence(shop, seed, tally);
  assert.deepEqual(tally.violations, []);
  // A run without attempts would prove nothing.
  for (const what of [
    'imports',
    'deletions',
    'emptied',
    'protectedAttempts',
    'locks',
    'refusedStarts',
    'restoredCatalogs',
  ] as const)
    assert.ok(tally[what] > 0, what);
});
