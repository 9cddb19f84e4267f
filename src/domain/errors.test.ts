import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asShortage, notFound, quote, Refusal, Shortage, withoutPath } from './errors.ts';

describe('a value in a message', () => {
  it('is text as it is and anything else as JSON, cut short', () => {
    const cases: [unknown, string][] = [
      ['a "b"', 'a "b"'],
      ['x'.repeat(1000), 'x'.repeat(300)],
      [1.5, '1.5'],
      [null, 'null'],
      [undefined, 'null'],
      [{ a: [true] }, '{"a":[true]}'],
      [99999999999999999999n, '"99999999999999999999"'],
      [[2n ** 64n], '["18446744073709551616"]'],
    ];
    for (const [value, text] of cases) assert.equal(quote(value), text);
  });

  it('never fails, whatever a JSON body held', () => {
    const odd = [
      '{"toString":null,"valueOf":1}',
      '{"toJSON":1}',
      '{"__proto__":null}',
      '[[[[{"toString":{}}]]]]',
    ];
    for (const text of odd) assert.equal(quote(JSON.parse(text)), text);
  });
});

describe('Shortage', () => {
  it('keeps its cause for the log', () => {
    const cause = new Error('below');
    assert.equal(new Shortage('The disk is full.', { cause }).cause, cause);
  });

  it('is no proof that nothing was changed, unless it says so', () => {
    assert.equal(new Shortage('x').changedNothing, false);
    assert.equal(new Shortage('x', { changedNothing: true }).changedNothing, true);
    assert.ok(!(new Shortage('x') instanceof Refusal), 'a Refusal is proof');
  });

  it('is made of system errors that pass by themselves, also where they are a cause, and of no others', () => {
    const system = (code: string) => Object.assign(new Error(`${code}: /srv/secret/path`), { code });
    for (const code of ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']) {
      for (const error of [system(code), new Error('outer', { cause: system(code) })]) {
        const made = asShortage(error);
        assert.ok(made instanceof Shortage);
        assert.equal(made.cause, error);
        assert.doesNotMatch(made.message, /srv/, 'a client is not shown a path');
      }
    }
    const client = notFound('x');
    for (const error of [system('EIO'), new Error('x'), 'text', undefined, client])
      assert.equal(asShortage(error), error);
  });
});

describe('a system error in words', () => {
  it('has no path', () => {
    const error = Object.assign(new Error("EIO: i/o error, open '/srv/x'"), { code: 'EIO', syscall: 'open' });
    assert.equal(withoutPath(error), 'EIO: i/o error');
    assert.equal(withoutPath(Object.assign(error, { code: 'ENOSPC' })), 'the disk is full');
    assert.equal(withoutPath(new Error('a, b')), 'a, b');
    assert.equal(withoutPath('text'), 'text');
  });
});
