import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { incomingOf } from '../../test/support/incoming.ts';
import { refuses } from '../../test/support/refusal.ts';
import {
  announcesBody,
  ClientGone,
  MAX_JSON_BYTES,
  parseJsonObject,
  readSmallBody,
  requireSmallBody,
} from './small-body.ts';

const LONG_MS = 60_000;
const parse = (text: string): ReadonlyMap<string, unknown> => parseJsonObject(Buffer.from(text));

describe('reading a small body', () => {
  it('gives its bytes, however they come', async () => {
    const incoming = incomingOf('POST', '/');
    const body = readSmallBody(incoming, LONG_MS);
    for (const piece of ['{"a', '":', '"b"}', null]) incoming.push(piece);
    assert.equal(String(await body), '{"a":"b"}');
  });

  it('gives one that has all come before it is asked for', async () => {
    const incoming = incomingOf('POST', '/');
    incoming.push('x');
    incoming.push(null);
    assert.equal(String(await readSmallBody(incoming, LONG_MS)), 'x');
  });

  it('takes 1 MiB and no more', async () => {
    const read = (length: number): Promise<Buffer> => {
      const incoming = incomingOf('POST', '/');
      const body = readSmallBody(incoming, LONG_MS);
      for (let at = 0; at < length; at += 65_536) incoming.push(Buffer.alloc(Math.min(65_536, length - at)));
      incoming.push(null);
      return body;
    };
    assert.equal((await read(MAX_JSON_BYTES)).length, MAX_JSON_BYTES);
    await assert.rejects(read(MAX_JSON_BYTES + 1), /The request body is longer than 1048576 bytes/);
  });

  it('gives up when no byte comes', async () => {
    const incoming = incomingOf('POST', '/');
    const body = readSmallBody(incoming, 5);
    incoming.push('{');
    await assert.rejects(body, /^ApiError: Request timed out\.$/);
  });

  it('notices a client that goes away, also one that is gone already', async () => {
    const incoming = incomingOf('POST', '/');
    const body = readSmallBody(incoming, LONG_MS);
    incoming.destroy(new Error('reset'));
    await assert.rejects(body, ClientGone);
    const gone = incomingOf('POST', '/');
    gone.destroy();
    await once(gone, 'close');
    await assert.rejects(readSmallBody(gone, LONG_MS), ClientGone);
  });
});

describe('what the head says of a body', () => {
  it('is that there is one', () => {
    const announced = (headers: Record<string, string>) => announcesBody(incomingOf('POST', '/', headers));
    assert.equal(announced({}), false);
    assert.equal(announced({ 'content-length': '0' }), false);
    assert.equal(announced({ 'content-length': '1' }), true);
    assert.equal(announced({ 'transfer-encoding': 'chunked' }), true);
  });

  it('is refused before a byte of it has come when it is too long', () => {
    const judge = (length: string) => requireSmallBody(incomingOf('POST', '/', { 'content-length': length }));
    judge('1048576');
    for (const length of ['1048577', '99999999999999999999']) {
      refuses(() => judge(length), 'BadRequest', /longer than 1048576 bytes/);
    }
  });
});

describe('the members of a JSON body', () => {
  it('are those of an object, none for an empty body', () => {
    assert.deepEqual([...parse('')], []);
    assert.deepEqual(
      [...parse(' { "a" : null, "b":[1,{"c":true}] }\r\n')],
      [
        ['a', null],
        ['b', [1, { c: true }]],
      ],
    );
  });

  it('may be named as the members of every object are', () => {
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

  it('are refused when the body is anything else', () => {
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

  it('are refused when they are nested deeper than 32, before anything recurses', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    assert.ok(parse(nested(32)));
    refuses(() => parse(nested(33)), 'SerializationException', /nested deeper than 32/);
    refuses(() => parse('{"a":'.repeat(100_000)), 'SerializationException', /nested deeper than 32/);
  });

  it('are not deep for brackets in a text', () => {
    const text = '\\"[{'.repeat(50);
    assert.equal(parse(`{"a":"${text}"}`).size, 1);
  });

  it('are what JSON.parse makes of any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 10 })), (object) => {
        const text = JSON.stringify(object);
        // Larger integers keep their digits: that is another test.
        fc.pre(!/\d{16}/.test(text));
        assert.deepEqual([...parse(text)], Object.entries(JSON.parse(text)));
      }),
      { seed: 2012 },
    );
  });

  it('are never anything but members or a refusal', () => {
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
