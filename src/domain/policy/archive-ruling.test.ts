/** The spans of ages that policies hold, compared with a decision on each archive. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ArchiveRuling, ageInDays, ruleOnArchives } from './archive-ruling.ts';
import { type AccessRequest, authorize, type PolicySet } from './authorize.ts';
import { parsePolicy } from './policy.ts';
import { contextOf } from './request-context.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_700_000_123_457;
const ARN = 'arn:aws:glacier:us-east-1:111122223333:vaults/v';
const REQUEST: AccessRequest = {
  principal: { kind: 'root', arn: 'arn:aws:iam::111122223333:root', accountId: '111122223333' },
  action: 'moraine:EmptyVault',
  resource: ARN,
  resourceAccountId: '111122223333',
  context: contextOf({ 'glacier:ResourceTag/hold': 'yes' }),
  denyOnArchive: 'waits',
};

function lockOf(...conditions: readonly unknown[]): PolicySet {
  const Statement = conditions.map((Condition) => ({
    ...{ Effect: 'Deny', Principal: '*', Action: 'glacier:DeleteArchive', Resource: ARN },
    Condition,
  }));
  const text = JSON.stringify({ Version: '2012-10-17', Statement });
  return { identity: [], vaultLock: parsePolicy(text, 'vault-lock', { vaultArn: ARN }) };
}

const onAge = (operator: string, ...days: string[]) => ({ [operator]: { 'glacier:ArchiveAgeInDays': days } });

function isHeldBySpans({ held }: ArchiveRuling, sinceMs: number): boolean {
  assert.ok(held);
  return held.some(({ fromMs, toMs }) => fromMs <= sinceMs && sinceMs < toMs);
}

/** As DeleteArchive decides. */
function isDenied(policies: PolicySet, sinceMs: number): boolean {
  const age = { 'glacier:ArchiveAgeInDays': ageInDays(sinceMs, NOW_MS) };
  const context = contextOf({ ...age, 'glacier:ResourceTag/hold': 'yes' });
  const decision = authorize(
    { ...REQUEST, action: 'DeleteArchive', context, denyOnArchive: undefined },
    policies,
  );
  return !decision.allowed;
}

describe('the spans of ages that policies hold', () => {
  const thresholds = ['0', '1', '30.5', '365', '0.00000001', '-2', '1e3'];
  const policies = [
    ...['NumericLessThan', 'NumericLessThanEquals', 'NumericGreaterThan', 'NumericGreaterThanEquals'],
    ...['NumericEquals', 'NumericNotEquals', 'NumericLessThanIfExists', 'ForAllValues:NumericLessThan'],
  ].flatMap((operator) => thresholds.map((days) => lockOf(onAge(operator, days))));
  policies.push(
    lockOf(onAge('NumericEquals', '1', '365')),
    lockOf(onAge('NumericLessThan', '30'), onAge('NumericGreaterThan', '365')),
    lockOf({ ...onAge('NumericLessThan', '30'), StringEquals: { 'glacier:ResourceTag/hold': 'no' } }),
    lockOf({ ...onAge('NumericLessThan', '30'), StringEquals: { 'glacier:ResourceTag/hold': 'yes' } }),
    lockOf(onAge('Null', 'false')),
    lockOf(onAge('Null', 'true')),
  );

  it('hold exactly the archives that DeleteArchive would deny', () => {
    const around = thresholds.flatMap((days) =>
      [-3, -2, -1, 0, 1, 2, 3].map((off) => Math.floor(NOW_MS - Number(days) * DAY_MS) + off),
    );
    for (const one of policies) {
      const ruling = ruleOnArchives(REQUEST, one, NOW_MS);
      for (const sinceMs of [0, 1, NOW_MS - 100 * DAY_MS, NOW_MS - 10_000 * DAY_MS, ...around]) {
        const denied = isDenied(one, sinceMs);
        assert.equal(isHeldBySpans(ruling, sinceMs), denied, `${JSON.stringify(one)} ${sinceMs}`);
        assert.equal(ruling.reasonToHold(sinceMs) !== undefined, denied);
      }
    }
  });

  it('are few: neighbours with one reason are one', () => {
    const { held } = ruleOnArchives(REQUEST, lockOf(onAge('NumericLessThan', '30')), NOW_MS);
    assert.equal(held?.length, 1);
    const { held: none } = ruleOnArchives(REQUEST, lockOf(onAge('Null', 'true')), NOW_MS);
    assert.deepEqual(none, []);
  });

  it('are unknown where a policy compares ages as anything but numbers', () => {
    for (const condition of [
      onAge('StringLike', '1*'),
      onAge('DateLessThan', '2020-01-01T00:00:00Z'),
      { StringEquals: { 'aws:UserAgent': `\${glacier:ArchiveAgeInDays}` } },
    ]) {
      const ruling = ruleOnArchives(REQUEST, lockOf(condition), NOW_MS);
      assert.equal(ruling.held, null, JSON.stringify(condition));
    }
    const ruling = ruleOnArchives(REQUEST, lockOf(onAge('StringLike', '1.*')), NOW_MS);
    assert.match(ruling.reasonToHold(NOW_MS - 1.5 * DAY_MS) ?? '', /explicit deny/);
    assert.equal(ruling.reasonToHold(NOW_MS - 2.5 * DAY_MS), undefined);
  });
});
