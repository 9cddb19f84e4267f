import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { refuses } from '../../test/support/refusal.ts';
import { announcesBody, ClientGone, MAX_JSON_BYTES, readSmallBody, requireSmallBody } from './small-body.ts';

const LONG_MS = 60_000;

describe('reading a small body', () => {
  it('returns its bytes, however they arrive', async () => {
    const incoming = incomingOf('POST', '/');
    const body = readSmallBody(incoming, LONG_MS);
    for (const piece of ['{"a', '":', '"b"}', null]) incoming.push(piece);
    assert.equal(String(await body), '{"a":"b"}');
  });

  it('returns a body that has arrived before it is read', async () => {
    const incoming = incomingOf('POST', '/');
    incoming.push('x');
    incoming.push(null);
    assert.equal(String(await readSmallBody(incoming, LONG_MS)), 'x');
  });

  it('accepts at most 1 MiB', async () => {
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

  it('times out when no byte arrives', async () => {
    const incoming = incomingOf('POST', '/');
    const body = readSmallBody(incoming, 5);
    incoming.push('{');
    await assert.rejects(body, /^ApiError: Request timed out\.$/);
  });

  it('fails when the client goes away or has already gone', async () => {
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

describe('a body that the head announces', () => {
  it('is recognized', () => {
    const announced = (headers: Record<string, string>) => announcesBody(incomingOf('POST', '/', headers));
    assert.equal(announced({}), false);
    assert.equal(announced({ 'content-length': '0' }), false);
    assert.equal(announced({ 'content-length': '1' }), true);
    assert.equal(announced({ 'transfer-encoding': 'chunked' }), true);
  });

  it('is refused before its first byte when it is too long', () => {
    const judge = (length: string) => requireSmallBody(incomingOf('POST', '/', { 'content-length': length }));
    judge('1048576');
    for (const length of ['1048577', '99999999999999999999']) {
      refuses(() => judge(length), 'BadRequest', /longer than 1048576 bytes/);
    }
  });
});
