import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contextOf, contextOnDemand } from './request-context.ts';

it('values on demand are computed once, when the first one is read', () => {
  let gathered = 0;
  const context = contextOnDemand(() => {
    gathered++;
    return { 'aws:SourceIp': '203.0.113.7' };
  });
  assert.equal(gathered, 0);
  assert.deepEqual(context.get('aws:sourceip'), ['203.0.113.7']);
  assert.equal(context.get('aws:referer'), undefined);
  assert.equal(gathered, 1);
});

it('keys that differ only in case are one key with all their values', () => {
  const context = contextOf({
    'glacier:ResourceTag/A': 'x',
    'glacier:ResourceTag/a': ['y', 'z'],
    b: undefined,
  });
  assert.deepEqual(context.get('glacier:resourcetag/a'), ['x', 'y', 'z']);
  assert.equal(context.get('b'), undefined);
});
