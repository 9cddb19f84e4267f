import assert from 'node:assert/strict';
import { ApiError, type ErrorCode } from '../../src/domain/errors.ts';

/** Asserts that `run` throws an error of the API with this code and exactly this message, or one like it. */
export function refuses(run: () => unknown, code: ErrorCode, message: string | RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}
