import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allow, forbid, policy, VAULT } from '../../../test/support/policy-cases/cast.ts';
import { refusal } from '../../../test/support/policy-refusal.ts';
import { GLACIER_ACTIONS } from './actions.ts';
import { ACTIONS, isExtensionAction, qualifiedAction } from './extension-actions.ts';
import { checkLockPolicy } from './lock-check.ts';
import { type PolicyKind, parsePolicy } from './policy.ts';

const KINDS: readonly PolicyKind[] = ['identity', 'vault-access', 'vault-lock'];

function parse(kind: PolicyKind, action: string) {
  const statement = kind === 'identity' ? allow(action) : forbid(action);
  return parsePolicy(JSON.stringify(policy(statement)), kind, { vaultArn: VAULT });
}

test('an action is one of glacier or one of moraine', () => {
  const own = ACTIONS.filter(isExtensionAction);
  assert.equal(ACTIONS.length, GLACIER_ACTIONS.length + own.length);
  assert.equal(new Set(ACTIONS.map(qualifiedAction)).size, ACTIONS.length);
  for (const action of own) assert.match(action, /^moraine:[A-Z]/);
});

describe('policies of every kind', () => {
  for (const kind of KINDS) {
    test(`name extensions: ${kind}`, () => {
      const named = (action: string) => parse(kind, action).statements[0]?.actions.named;
      assert.deepEqual(named('moraine:ListArchives'), ['moraine:ListArchives']);
      assert.deepEqual(named('MORAINE:listt*'), ['moraine:ListTasks']);
      assert.deepEqual(named('moraine:*'), ACTIONS.filter(isExtensionAction));
      assert.deepEqual(named('glacier:*'), GLACIER_ACTIONS);
      assert.deepEqual(named('glacier:DeleteVault'), ['DeleteVault']);
      assert.deepEqual(named('moraine:DeleteVault'), ['moraine:DeleteVault']);
      assert.deepEqual(named('*'), ACTIONS);
    });

    test(`are refused with an unknown extension: ${kind}`, () => {
      const message = refusal(() => parse(kind, 'moraine:ListJobs'));
      assert.match(
        message,
        /unknown action "moraine:ListJobs": it matches none of the actions of moraine\.$/,
      );
    });
  }
});

test('the check of a lock policy says that a Deny of EmptyVault alone leaves deletion open', () => {
  const lock = parse('vault-lock', 'moraine:EmptyVault');
  const codes = checkLockPolicy(lock, '111122223333', VAULT, 0).map(({ code }) => code);
  assert.deepEqual(codes, ['deletion-not-denied']);
});
