import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SettingError } from '../config/errors.ts';
import type { Logger } from '../log.ts';
import { checkDescriptors } from './descriptor-check.ts';

/** The messages that a check logs at this limit of open files. */
function wordsAt(limit: number | string): string[] {
  const words: string[] = [];
  const log = { warn: (_what: unknown, text: string) => words.push(text) } as unknown as Logger;
  const head = 'Limit                     Soft Limit           Hard Limit           Units     \n';
  checkDescriptors(
    log,
    `${head}Max open files            ${limit}                 ${limit}                 files     \n`,
  );
  return words;
}

describe('the limit of open files', () => {
  it('ends the start with an error that names it when it is too low', () => {
    for (const limit of [16, 63])
      assert.throws(
        () => wordsAt(limit),
        (error: Error) => {
          assert.ok(error instanceof SettingError);
          assert.match(
            error.message,
            new RegExp(`may have ${limit} files open, but a server needs at least 64: raise it`),
          );
          return true;
        },
      );
  });

  it('is logged when it is low, but not when it is high enough or unknown', () => {
    for (const limit of [64, 256, 1023]) assert.match(wordsAt(limit).join(), /limit of open files is low/);
    for (const limit of [1024, 'unlimited']) assert.deepEqual(wordsAt(limit), []);
    checkDescriptors({} as Logger, undefined);
  });
});
