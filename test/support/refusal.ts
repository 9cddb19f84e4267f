import assert from 'node:assert/strict';
import { Refusal, type RefusalKind } from '../../src/domain/errors.ts';
import type { ErrorCode } from '../../src/operations/error-code.ts';
import { ApiError } from '../../src/protocol/wire-error.ts';

/**
 * Asserts that `run` throws a refusal of this kind, or an error of the API with this code, and exactly this message, or
 * one like it.
 */
export function refuses(run: () => unknown, what: RefusalKind | ErrorCode, message: string | RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof Refusal || error instanceof ApiError, String(error));
    assert.equal(error instanceof Refusal ? error.kind : error.code, what);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}
