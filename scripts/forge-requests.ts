/**
 * `npm run forge-requests [-- REQUESTS [SEED]]`: sends a server forged, replayed, tampered, truncated and malformed
 * signatures. Exit code 1 if the server accepted one, or failed.
 */
import { sendForgeries } from '../test/support/forgery.ts';
import { castOf } from '../test/support/forgery-cast.ts';
import { seeded } from '../test/support/lock-simulation/sequence.ts';
import { startServer } from '../test/support/server.ts';
import { numberArgument } from './number-argument.ts';

const count = numberArgument(0, 100_000);
const seed = numberArgument(1, Date.now() % 1_000_000_000);
const server = await startServer({ flags: ['--log-level', 'silent'] });
console.log(`${count} requests from seed ${seed}`);
try {
  const { sent, accepted, failed, controls, byCode } = await sendForgeries(
    await castOf(server),
    count,
    seeded(seed),
  );
  console.log({ sent, accepted: accepted.length, failed: failed.length, controls, byCode });
  for (const one of [...accepted, ...failed].slice(0, 20)) console.error(one);
  process.exitCode = accepted.length + failed.length > 0 ? 1 : 0;
} finally {
  await server.stop();
}
