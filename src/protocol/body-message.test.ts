import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { isShredded, MAX_CHUNKS } from './body-message.ts';

const CHUNKED = { 'transfer-encoding': 'chunked' };

describe('a body that waits for its reader', () => {
  it('is kept in few pieces, however many arrived, and read whole', async () => {
    const incoming = incomingOf('POST', '/');
    for (let i = 0; i < 50_000; i++) incoming.push(Buffer.from([i]));
    incoming.push(null);
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    await once(incoming, 'end');
    assert.ok(pieces.length <= 15, `${pieces.length} pieces`);
    const expected = Buffer.from(Uint8Array.from({ length: 50_000 }, (_, i) => i));
    assert.ok(Buffer.concat(pieces).equals(expected));
  });

  it('pauses the source when it is full, and resumes it when read', async () => {
    const incoming = incomingOf('POST', '/');
    let sent = 1;
    while (incoming.push(Buffer.from('x'))) sent++;
    assert.equal(sent, 1025);
    let got = 0;
    for (let piece = incoming.read(); piece !== null; piece = incoming.read()) got += piece.length;
    assert.equal(got, sent);
    assert.equal(incoming.push(Buffer.from('y')), true);
    assert.equal(String(incoming.read()), 'y');
    const piece = Buffer.alloc(16_384);
    for (sent = piece.length; incoming.push(piece); ) sent += piece.length;
    assert.equal(sent, incoming.readableHighWaterMark);
  });

  it('reaches a concurrent reader whole, in any interleaving', async () => {
    const incoming = incomingOf('POST', '/');
    let got = '';
    incoming.on('readable', () => {
      for (let piece = incoming.read(); piece !== null; piece = incoming.read()) got += String(piece);
    });
    let expected = '';
    for (let i = 0; i < 200; i++) {
      const piece = `${i},`;
      expected += piece;
      incoming.push(Buffer.from(piece));
      if (i % 3 === 0) await new Promise((resolve) => process.nextTick(resolve));
      if (i % 7 === 0) await new Promise(setImmediate);
    }
    incoming.push(null);
    await once(incoming, 'end');
    assert.equal(got, expected);
  });
});

describe('a body in too many chunks', () => {
  it('is recognized by its framing, not by how the network splits it', () => {
    for (const [headers, shredded] of [
      [CHUNKED, true],
      [{ 'content-length': '99999' }, false],
    ] as const) {
      const incoming = incomingOf('POST', '/', headers);
      for (let i = 0; i < MAX_CHUNKS; i++) incoming.push(Buffer.from('x'));
      assert.equal(isShredded(incoming), false);
      incoming.push(Buffer.from('x'));
      assert.equal(isShredded(incoming), shredded);
    }
  });
});
