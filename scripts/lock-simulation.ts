/**
 * `npm run lock-simulation [-- SEQUENCES [SEED]]`: compares random sequences of requests, commands, restarts, clock changes
 * and restored catalogs with a simple model. Exit code 1 if a protected archive was ever deleted.
 */
import { newTally, runSequence } from '../test/support/lock-simulation/sequence.ts';
import { Shop } from '../test/support/lock-simulation/world.ts';
import { numberArgument } from './number-argument.ts';

const count = numberArgument(0, 100_000);
const seed = numberArgument(1, Date.now() % 1_000_000_000);
const tally = newTally();
const began = Date.now();
const shop = await Shop.open();
console.log(`${count} sequences from seed ${seed}`);
try {
  for (let i = 0; i < count; i++) {
    await runSequence(shop, seed + i, tally);
    if ((i + 1) % 10_000 === 0) console.log(`${i + 1} done, ${tally.violations.length} violations`);
  }
} finally {
  shop.close();
}
const { violations, ...figures } = tally;
console.log({ ...figures, violations: violations.length, seconds: Math.round((Date.now() - began) / 1000) });
for (const violation of violations.slice(0, 10)) console.error(violation);
process.exitCode = violations.length > 0 ? 1 : 0;
