import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sendForgeries } from '../support/forgery.ts';
import { castOf } from '../support/forgery-cast.ts';
import { seeded } from '../support/lock-simulation/sequence.ts';
import { startServer } from '../support/server.ts';

/** `npm run forge-requests` sends many more, from a seed of its choice. */
const REQUESTS = 2000;

it('forged requests are refused, and none makes the server fail', async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const { sent, accepted, failed, controls } = await sendForgeries(await castOf(server), REQUESTS, seeded(1));
  assert.deepEqual(accepted, []);
  assert.deepEqual(failed, []);
  assert.equal(sent, REQUESTS);
  assert.ok(controls > 0);
});
