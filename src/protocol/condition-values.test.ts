import assert from 'node:assert/strict';
import { it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { conditionValuesOf } from './condition-values.ts';
import { toMessage } from './message.ts';

it("a request's address stays known after its connection has ended", () => {
  const incoming = incomingOf('GET', '/-/vaults');
  let remoteAddress: string | undefined = '::ffff:203.0.113.7';
  Object.defineProperty(incoming.socket, 'remoteAddress', { get: () => remoteAddress });
  const caller = { kind: 'root', arn: 'arn:aws:iam::111122223333:root', accountId: '111122223333' } as const;
  const credential = { caller, identity: [], secret: '' };
  const message = toMessage(incoming, 'REQUEST', () => {});
  remoteAddress = undefined;
  const facts = conditionValuesOf(message, credential, 'us-east-1');
  assert.equal(facts()['aws:SourceIp'], '203.0.113.7');
});
