import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GatheredChunks } from './gathered-chunks.ts';

describe('gathered chunks', () => {
  it('return the added bytes in order, whatever the chunk sizes', () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 4000, max: 4200 })));
    fc.assert(
      fc.property(sizes, (lengths) => {
        const added = lengths.map((length, i) => Buffer.alloc(length, i + 1));
        const chunks = new GatheredChunks();
        for (const chunk of added) chunks.add(chunk);
        assert.equal(chunks.bytes, Buffer.concat(added).length);
        assert.ok(Buffer.concat(chunks.take()).equals(Buffer.concat(added)));
        assert.deepEqual([chunks.bytes, chunks.take()], [0, []]);
      }),
    );
  });

  it('are few, however small the pieces were', () => {
    const chunks = new GatheredChunks();
    for (let i = 0; i < 100_000; i++) chunks.add(Buffer.from([i]));
    assert.equal(chunks.take().length, 25);
  });

  it('use at most twice their bytes when large and small ones alternate', () => {
    const chunks = new GatheredChunks();
    for (let i = 0; i < 100; i++) {
      chunks.add(Buffer.alloc(5000));
      chunks.add(Buffer.alloc(1));
    }
    const own = chunks.take().filter(({ buffer, length }) => length < 5000 && buffer.byteLength === 4096);
    assert.deepEqual(own, []);
  });

  it('copy small pieces, so that a sender may reuse its buffer', () => {
    const chunks = new GatheredChunks();
    const piece = Buffer.from('a');
    chunks.add(piece);
    piece.fill('b');
    assert.equal(String(chunks.take()[0]), 'a');
  });
});
