import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { connectionBound, descriptorLimit } from './descriptors.ts';

const limits = (soft: string): string =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             95000                95000                processes ',
    `Max open files            ${soft.padEnd(20)} 1048576              files     `,
    'Max locked memory         8388608              8388608              bytes     ',
  ].join('\n');

describe('the descriptor limit', () => {
  it('is the soft limit in /proc/self/limits', () => {
    assert.equal(descriptorLimit(limits('4096')), 4096);
    assert.equal(descriptorLimit(limits('unlimited')), Number.MAX_SAFE_INTEGER);
  });

  it('has a default where the system does not report it', () => {
    for (const text of ['', 'Max open files   many', undefined]) {
      assert.equal(descriptorLimit(text ?? ''), 1024);
    }
  });

  it('is read from the system', { skip: process.platform !== 'linux' }, () => {
    assert.equal(descriptorLimit(), descriptorLimit(readFileSync('/proc/self/limits', 'utf8')));
  });
});

describe('the connection limit', () => {
  it("leaves descriptors for each connection's files and for the server's own", () => {
    for (const limit of [64, 128, 256, 1024, 4096, 20_000]) {
      const bound = connectionBound(limit);
      assert.ok(
        3 * bound + Math.min(320, limit / 2) <= limit,
        `${bound} connections of ${limit} descriptors`,
      );
      assert.ok(bound >= limit / 8, `${bound} connections of ${limit} descriptors`);
    }
  });

  it('is reasonable for any descriptor limit', () => {
    assert.deepEqual([1, 1_048_576, Number.MAX_SAFE_INTEGER].map(connectionBound), [8, 8192, 8192]);
  });
});
