import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInThisContext } from 'node:vm';
import { BlockCounter } from './coverage.ts';
import { type FuzzResult, fuzz, minimize, shrink } from './engine.ts';
import type { FuzzTarget } from './target.ts';

/** A parser with a bug behind three comparisons, which chance alone would not meet in 16 million runs. */
const BURIED = `(input) => {
  if (input[0] !== 0x4d) return 0;
  if (input[1] !== 0x6f) return 1;
  if (input[2] !== 0x72) return 2;
  throw new Error('found');
}`;

/** A parser that visits each pair of bytes. */
const QUADRATIC = `(input) => {
  let equal = 0;
  for (const one of input) for (const other of input) if (one === other) equal++;
  return equal;
}`;

const counter = new BlockCounter((url) => url.startsWith('traced-'));

/** A target whose source is compiled while the counter counts. */
function targetOf(name: string, source: string): FuzzTarget {
  const parse = runInThisContext(source, { filename: `traced-${name}.js` }) as (input: Buffer) => unknown;
  return { name, seeds: [Buffer.from('seed')], dictionary: [], run: (input) => void parse(input) };
}

function run(target: FuzzTarget, { seed = 1, runs = 200_000 } = {}): FuzzResult {
  return fuzz(target, counter, { runs, seed, corpus: [] });
}

describe('the fuzzer', () => {
  it('reaches a bug step by step, and shrinks its input', () => {
    const { violation, corpus } = run(targetOf('buried', BURIED));
    assert.equal((violation?.error as Error | undefined)?.message, 'found');
    assert.equal(violation?.input.toString(), 'Mor');
    assert.ok(corpus.length > 2, `${corpus.length} inputs were kept`);
  });

  it('repeats a run by its seed', () => {
    const [one, other] = ['one', 'other'].map((name) => run(targetOf(name, BURIED), { seed: 7, runs: 5000 }));
    assert.ok((one?.corpus.length ?? 0) > 1, 'nothing was found');
    assert.deepEqual(one, other);
  });

  it('finds a parser that takes more than linear time', () => {
    const { violation } = run(targetOf('quadratic', QUADRATIC));
    assert.match(String(violation?.error), /blocks ran for \d+ bytes/);
  });

  it('keeps the shortest inputs that reach each block', () => {
    const target = targetOf('kept', BURIED.replace("throw new Error('found')", 'return 3'));
    const inputs = ['Mor', 'M', 'Mo', 'Moxxx', 'xx'].map((text) => Buffer.from(text));
    assert.deepEqual(minimize(target, counter, inputs).map(String), ['M', 'Mo', 'Mor']);
  });
});

describe('shrinking', () => {
  it('keeps the bytes that the violation needs', () => {
    const violationOf = (input: Buffer) =>
      input.includes('a') && input.includes('b') ? { input, error: 'both' } : undefined;
    const first = { input: Buffer.from(`xx${'y'.repeat(100)}a---b---a`), error: 'both' };
    assert.equal(shrink(first, violationOf).input.length, 2);
  });
});
