import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { refuses } from '../../test/support/refusal.ts';
import { announcesBody, ClientGone, MAX_JSON_BYTES, readSmallBody, requireSmallBody } from './small-body.ts';

const LONG_MS = 60_000;

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
