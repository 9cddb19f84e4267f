import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addMark,
  addOrphans,
  lastVerifiedMs,
  newPass,
  parseProgress,
  type ScrubMark,
} from './scrub-progress.ts';

describe('the date at which a blob was last read', () => {
  const pass = {
    ...newPass(1000, false),
    key: 'm',
    marks: [
      { key: 'c', ms: 1100 },
      { key: 'm', ms: 1200 },
    ],
  };
  const { key: _, ...ended } = newPass(100, false);
  const last = { ...ended, endedMs: 900, marks: [{ key: 'h', ms: 500 }] };
  const dateOf = (key: string, storedMs: number) => lastVerifiedMs({ pass, last }, key, storedMs);

  it('is that of the mark before it in the pass that has read it', () => {
    assert.equal(dateOf('a', 1), 1000, 'before the first mark');
    assert.equal(dateOf('c', 1), 1000);
    assert.equal(dateOf('d', 1), 1100);
    assert.equal(dateOf('m', 1), 1100);
  });

  it('is of the last pass where the present one has not come', () => {
    assert.equal(dateOf('n', 1), 500);
    assert.equal(lastVerifiedMs({ pass: null, last }, 'a', 1), 100);
    assert.equal(lastVerifiedMs({ pass: newPass(1000, false), last }, 'a', 1), 100);
  });

  it('is of no pass that may have come by before the blob was stored', () => {
    assert.equal(dateOf('d', 1100), null);
    assert.equal(dateOf('d', 1099), 1100);
    assert.equal(dateOf('d', 450), 1100);
    assert.equal(dateOf('n', 500), null);
    assert.equal(lastVerifiedMs({ pass: null, last: null }, 'a', 1), null);
  });
});

describe('the marks of a pass', () => {
  it('stay few, ascend, and end with the newest', () => {
    let marks: readonly ScrubMark[] = [];
    for (let i = 1; i <= 10_000; i++) marks = addMark(marks, { key: String(i).padStart(6, '0'), ms: i });
    assert.ok(marks.length >= 64 && marks.length <= 128, String(marks.length));
    assert.deepEqual(
      marks,
      marks.toSorted((a, b) => a.ms - b.ms),
    );
    assert.ok((marks.at(-1)?.ms ?? 0) > 9800);
    const gaps = marks.map(({ ms }, i) => ms - (marks[i - 1]?.ms ?? 0));
    assert.ok(Math.max(...gaps) < 400, `a gap of ${Math.max(...gaps)}`);
  });
});

describe('orphans', () => {
  it('are all counted, and some are named', () => {
    const some = addOrphans({ count: 0, refs: [] }, ['a', 'b']);
    const many = addOrphans(
      some,
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
    assert.deepEqual(some, { count: 2, refs: ['a', 'b'] });
    assert.deepEqual([many.count, many.refs.length, many.refs[0]], [102, 20, 'a']);
  });
});

describe('the note of the progress', () => {
  it('reads as it was written, and as nothing where there is none', () => {
    assert.deepEqual(parseProgress(undefined), { pass: null, last: null, answeredMs: 0 });
    const progress = { pass: newPass(5, true), last: null, answeredMs: 4 };
    assert.deepEqual(parseProgress(JSON.stringify(progress)), progress);
  });
});
