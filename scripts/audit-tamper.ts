/** `npm run audit-tamper [-- TRIALS [SEED]]`: tampers with audit logs at random. Exit code 1 if any change stays undetected. */
import { tamperTrials } from '../test/support/audit-tamper.ts';
import { numberArgument } from './number-argument.ts';

const count = numberArgument(0, 1000);
const seed = numberArgument(1, Date.now() % 1_000_000_000);
console.log(`${count} trials from seed ${seed}`);
const { found, missed } = await tamperTrials(count, seed);
const total = Object.values(found).reduce((sum, n) => sum + n, 0);
console.log({ found: total, missed: missed.length, byKind: found });
for (const one of missed.slice(0, 10)) console.error(`not found: ${one}`);
process.exitCode = missed.length > 0 ? 1 : 0;
