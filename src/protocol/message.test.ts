import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { refuses } from '../../test/support/refusal.ts';
import { type Message, toMessage } from './message.ts';

const message = (target: string, headers: Record<string, string> = {}): Message =>
  toMessage(incomingOf('GET', target, headers), 'REQUEST', () => {});

describe('the target of a message', () => {
  it('is normalized once, for both signature and route', () => {
    const { target, path, pathSegments, query } = message('/a%2fb//c/?x=1&y=%41+%2B&z');
    assert.equal(target, '/a%2fb/c/?x=1&y=%41+%2B&z');
    assert.equal(path, '/a%2fb/c/');
    assert.deepEqual(pathSegments, ['a/b', 'c']);
    assert.deepEqual(
      [...query],
      [
        ['x', '1'],
        ['y', 'A++'],
        ['z', ''],
      ],
    );
  });

  it('may have unusual queries', () => {
    const pairs = (query: string) => [...message(`/?${query}`).query];
    assert.deepEqual(pairs(''), []);
    assert.deepEqual(pairs('&&'), []);
    assert.deepEqual(pairs('a=b=c&=x&?=/'), [
      ['a', 'b=c'],
      ['', 'x'],
      ['?', '/'],
    ]);
    assert.deepEqual(pairs('__proto__=1&constructor=2'), [
      ['__proto__', '1'],
      ['constructor', '2'],
    ]);
    assert.deepEqual(pairs('%00=%0a'), [['\0', '\n']]);
  });

  it('may have at most 8 KiB', () => {
    const longest = `/${'x'.repeat(8191)}`;
    assert.equal(message(longest).target, longest);
    refuses(() => message(`${longest}x`), 'BadRequest', 'The path and query are longer than 8192 bytes');
  });

  it('is refused when undecodable', () => {
    for (const odd of ['%', '%4', '%zz', '%C3', '%ff', '%ED%A0%80', '%C0%AF', '%u0041']) {
      for (const target of [`/${odd}`, `/a?x=${odd}`, `/a?${odd}=x`]) {
        refuses(() => message(target), 'BadRequest', /^The path or query cannot be decoded/);
      }
    }
  });

  it('is refused with dot segments, which a signature leaves out, in any spelling', () => {
    for (const odd of ['.', '..', '%2e', '%2E%2e', '.%2E']) {
      for (const target of [`/${odd}`, `/-/${odd}/vaults`, `/-/vaults/${odd}?x`]) {
        refuses(() => message(target), 'InvalidParameterValueException', /^Invalid path: /);
      }
    }
    assert.deepEqual(message('/.../.a/a.').pathSegments, ['...', '.a', 'a.']);
  });

  it('is refused with a repeated parameter, in any spelling', () => {
    for (const query of ['a=1&a=1', 'a&a', 'a=1&%61=2']) {
      refuses(() => message(`/?${query}`), 'BadRequest', 'The query parameter a is given twice');
    }
    assert.equal(message('/?a=1&A=2').query.size, 2);
  });
});

describe('the headers of a message', () => {
  it('are found by lower-case names', () => {
    const { header } = message('/', { 'x-amz-part-size': '1' });
    assert.equal(header('x-amz-part-size'), '1');
    assert.equal(header('x-amz-archive-size'), undefined);
  });

  it('may have at most 16 KiB in total', () => {
    const filled = (total: number) => {
      const others = 'host: localhost\r\n'.length + 'x-a: \r\n'.length;
      return message('/', { 'x-a': 'x'.repeat(total - others) });
    };
    assert.ok(filled(16_384));
    refuses(() => filled(16_385), 'BadRequest', "The request's headers are longer than 16384 bytes together");
  });

  it('must include a Host except in HTTP/1.0', () => {
    const incoming = incomingOf('GET', '/');
    delete incoming.headers.host;
    refuses(() => toMessage(incoming, 'REQUEST', () => {}), 'BadRequest', 'The request has no Host header');
    incoming.httpVersion = '1.0';
    assert.ok(toMessage(incoming, 'REQUEST', () => {}));
  });
});
