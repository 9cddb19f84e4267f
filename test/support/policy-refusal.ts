import assert from 'node:assert/strict';
import { PolicyError } from '../../src/domain/policy/policy-error.ts';

/** Returns the message of the PolicyError that `work` throws. Fails if it throws nothing or another error. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    return error.message;
  }
  return assert.fail('it was accepted');
}
