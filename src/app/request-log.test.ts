import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Logger } from '../log.ts';
import { ApiError } from '../protocol/wire-error.ts';
import { requestLogger } from './request-log.ts';

/** A logger that keeps its lines, and a clock that a test sets. */
function logging(level: 'info' | 'debug' = 'info') {
  const lines: { readonly level: string; readonly [member: string]: unknown }[] = [];
  const take = (name: string) => (fields: object, text: string) =>
    lines.push({ level: name, text, ...fields });
  const log = {
    debug: take('debug'),
    info: take('info'),
    warn: take('warn'),
    error: take('error'),
    isLevelEnabled: (asked: string) => asked !== 'debug' || level === 'debug',
  } as unknown as Logger;
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const logged = requestLogger(log, clock);
  const done = (error: unknown, warnings: readonly string[] = []): void =>
    logged({
      requestId: 'R',
      method: 'GET',
      target: () => '/-/vaults',
      operation: 'ListVaults',
      status: 403,
      ms: 1,
      error,
      warnings,
    });
  return { lines, clock, done };
}

const mismatch = (evidence = 'the evidence'): ApiError =>
  new ApiError('InvalidSignatureException', 'It does not match.', { evidence });

describe('the log of requests', () => {
  it('has the evidence of ten wrong signatures per second, and counts the others', () => {
    const { lines, clock, done } = logging();
    for (let i = 0; i < 25; i++) done(mismatch());
    assert.equal(lines.length, 10);
    assert.ok(lines.every(({ level, evidence }) => level === 'info' && evidence === 'the evidence'));
    assert.ok(lines.every(({ leftOut }) => leftOut === undefined));
    clock.nowMs = 1000;
    for (let i = 0; i < 11; i++) done(mismatch());
    assert.equal(lines.length, 20);
    assert.deepEqual(
      lines.slice(10).map(({ leftOut }) => leftOut),
      [15, ...Array(9).fill(undefined)],
    );
  });

  it('does not contain lock ids', () => {
    const { lines, done } = logging();
    done(mismatch("'POST\n/-/vaults/v/lock-policy/AE863rKkWZU53SLW5be4DUcW\n\n"));
    assert.equal(lines[0]?.['evidence'], "'POST\n/-/vaults/v/lock-policy/…\n\n");
  });

  it('has other refusals at level debug, server failures as errors, and remarks as warnings', () => {
    const quiet = logging();
    quiet.done(new ApiError('AccessDeniedException', 'No.'));
    quiet.done(undefined);
    assert.deepEqual(quiet.lines, []);
    quiet.done(new Error('broken'));
    quiet.done(undefined, ['a remark']);
    assert.deepEqual(
      quiet.lines.map(({ level, text }) => [level, text]),
      [
        ['error', 'request failed'],
        ['warn', 'a remark'],
      ],
    );
    const loud = logging('debug');
    loud.done(new ApiError('AccessDeniedException', 'No.'));
    assert.deepEqual(
      loud.lines.map(({ level, refusal }) => [level, refusal]),
      [['debug', 'No.']],
    );
  });
});
