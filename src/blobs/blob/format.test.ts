import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { BlobDamaged, type BlobLabel } from '../../domain/blob-store.ts';
import { decodeFooter, decodeTrailer, encodeTrailer, FOOTER_BYTES } from './format.ts';

describe('a trailer', () => {
  it('is damaged if its label is not a JSON object, although its checksum matches', () => {
    const leaves = hash('sha256', '', 'buffer');
    const [treeHash, linearHash] = [leaves.toString('hex'), leaves.toString('hex')];
    const writer = { commitNumber: 1, generation: 1 };
    const written = encodeTrailer({} as BlobLabel, { treeHash, linearHash, leaves, size: 0 }, writer);
    const layout = decodeFooter('r', written.subarray(-FOOTER_BYTES), written.length);
    for (const label of ['', '{"a":', 'null', '5']) {
      const trailer = Buffer.from(written);
      trailer.write(label.padEnd(layout.labelBytes), leaves.length);
      trailer.write(hash('sha256', trailer.subarray(0, -32), 'hex'), trailer.length - 32, 'hex');
      assert.throws(() => decodeTrailer('r', trailer, layout), BlobDamaged, label);
    }
  });
});
