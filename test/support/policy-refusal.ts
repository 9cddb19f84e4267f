import assert from 'node:assert/strict';
import { PolicyError } from '../../src/domain/policy/policy-error.ts';

/** For tests: the message with which `work` is refused. Fails if it is not, or by anything but a PolicyError. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof PolicyError, String(error));
    return error.message;
  }
  return assert.fail('it was accepted');
}
