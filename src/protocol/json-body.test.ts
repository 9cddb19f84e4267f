import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { refuses } from '../../test/support/refusal.ts';
import { JsonBody, parseJsonObject } from './json-body.ts';

const parse = (text: string): ReadonlyMap<string, unknown> => parseJsonObject(Buffer.from(text));

describe('a JSON body', () => {
  it('is parsed once', () => {
    const body = new JsonBody(Buffer.from('{"a":1}'));
    assert.equal(body.members().get('a'), 1);
    assert.equal(body.membersIfValid(), body.members());
  });

  it('has no members when invalid, and is refused each time with the same error', () => {
    const body = new JsonBody(Buffer.from('{"a":'));
    assert.equal(body.membersIfValid().size, 0);
    refuses(() => body.members(), 'SerializationException', /is not a JSON object/);
    refuses(() => body.members(), 'SerializationException', /is not a JSON object/);
  });
});

describe('the members of a JSON body', () => {
  it('are those of its object, and none for an empty body', () => {
    assert.deepEqual([...parse('')], []);
    assert.deepEqual(
      [...parse(' { "a" : null, "b":[1,{"c":true}] }\r\n')],
      [
        ['a', null],
        ['b', [1, { c: true }]],
      ],
    );
  });

  it('may have the names of built-in object members', () => {
    const members = parse('{"__proto__":{"x":1},"constructor":1}');
    assert.deepEqual([...members.keys()], ['__proto__', 'constructor']);
    assert.equal(members.get('toString'), undefined);
    assert.equal(({} as { x?: number }).x, undefined);
  });

  it('keep whole numbers of any size', () => {
    const members = parse(
      '{"a":9007199254740993,"b":-9007199254740993,"c":9007199254740991,"d":1.5,"e":1e400}',
    );
    assert.deepEqual(
      [...members.values()],
      [9007199254740993n, -9007199254740993n, 9007199254740991, 1.5, Infinity],
    );
  });

  it('are refused when the body is not an object', () => {
    const odd = [
      'null',
      '1',
      '"a"',
      '[]',
      '{',
      '{"a":1,}',
      "{'a':1}",
      '{}{}',
      'x',
      '\0',
      ' ',
      '{"a":\n01}',
      'NaN',
    ];
    for (const text of odd) refuses(() => parse(text), 'SerializationException', /is not a JSON object/);
  });

  it('are refused when the body is not UTF-8', () => {
    for (const bytes of [[0xff], [0x7b, 0xc3, 0x7d], [0x22, 0xed, 0xa0, 0x80, 0x22]]) {
      refuses(() => parseJsonObject(Buffer.from(bytes)), 'SerializationException', /it is not UTF-8/);
    }
  });

  it('are refused when nested deeper than 32, before any recursion', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    assert.ok(parse(nested(32)));
    refuses(() => parse(nested(33)), 'SerializationException', /nested deeper than 32/);
    refuses(() => parse('{"a":'.repeat(100_000)), 'SerializationException', /nested deeper than 32/);
  });

  it('do not count brackets in strings as nesting', () => {
    const text = '\\"[{'.repeat(50);
    assert.equal(parse(`{"a":"${text}"}`).size, 1);
  });

  it('equal those of JSON.parse for any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 10 })), (object) => {
        const text = JSON.stringify(object);
        // Another test covers larger integers, which keep their digits.
        fc.pre(!/\d{16}/.test(text));
        assert.deepEqual([...parse(text)], Object.entries(JSON.parse(text)));
      }),
      { seed: 2012 },
    );
  });

  it('of any text are parsed or refused without other errors', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          parseJsonObject(Buffer.from(bytes));
        } catch (error) {
          assert.match(String(error), /ApiError: The request body is not a JSON object/);
        }
      }),
      { seed: 2012 },
    );
  });
});
