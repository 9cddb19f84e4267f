import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  fold,
  foldDoublingOdd,
  foldHexText,
  foldRehashingOdd,
  HASH_OF_NOTHING,
  leavesOf,
} from '../../test/support/hash-mistakes.ts';
import { MIB, patternBytes } from '../../test/support/pattern.ts';
import type { Part } from '../domain/upload.ts';
import { explainBodyHash, explainWholeHash } from './checksum-hint.ts';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** A body with what the server knows when it checks the hash. */
function bodyOf(bytes: number) {
  const body = patternBytes(bytes);
  const leaves = leavesOf(body);
  const linear = sha256(body).toString('hex');
  const explain = (sent: string) => explainBodyHash(sent, linear, Buffer.concat(leaves));
  return { leaves, linear, explain };
}

/** Parts of 2 MiB, whose tree and linear hashes differ, uploaded out of order. */
function partsOf(count: number): Part[] {
  return Array.from({ length: count }, (_, i) => {
    const body = patternBytes(i === count - 1 ? MIB + 5 : 2 * MIB, i * 2 * MIB);
    return {
      first: i * 2 * MIB,
      size: body.length,
      treeHash: fold(leavesOf(body)),
      linearHash: sha256(body).toString('hex'),
      sequence: (i * 7) % count,
    };
  });
}

const rootsOf = (parts: readonly Part[]): Buffer[] => parts.map((part) => Buffer.from(part.treeHash, 'hex'));

/** The parts sorted by a text made of each, as some clients sort them. */
function sortedBy(parts: readonly Part[], text: (part: Part, index: number) => string): Part[] {
  const named = parts.map((part, i) => ({ part, text: text(part, i) }));
  named.sort((a, b) => Buffer.compare(Buffer.from(a.text), Buffer.from(b.text)));
  return named.map(({ part }) => part);
}

function says(sentence: string | undefined, words: RegExp): void {
  assert.match(sentence ?? '(nothing)', words);
  // One sentence, preceded by a space, which follows the API's own text.
  assert.match(sentence ?? '', /^[A-Z][^\n]*\.$/);
}

describe('a wrong tree hash of a body is explained', () => {
  const odd = bodyOf(2.5 * MIB);
  const deep = bodyOf(5 * MIB);

  it('when it is the hash of no data', () => {
    says(odd.explain(HASH_OF_NOTHING), /SHA-256 of no data/);
    says(bodyOf(1).explain(HASH_OF_NOTHING), /SHA-256 of no data/);
  });

  it('when it is the plain SHA-256', () => {
    says(odd.explain(odd.linear), /plain SHA-256 of the whole body/);
  });

  it('when digests were joined as hex text', () => {
    says(odd.explain(foldHexText(odd.leaves)), /as hexadecimal text/);
    says(deep.explain(foldHexText(deep.leaves)), /as hexadecimal text/);
    says(bodyOf(2 * MIB).explain(foldHexText(bodyOf(2 * MIB).leaves)), /as hexadecimal text/);
  });

  it('when an odd leaf was hashed again', () => {
    says(odd.explain(foldRehashingOdd(odd.leaves)), /hashes an odd leaf again/);
    says(deep.explain(foldRehashingOdd(deep.leaves)), /hashes an odd leaf again/);
  });

  it('when an odd leaf was paired with itself', () => {
    says(odd.explain(foldDoublingOdd(odd.leaves)), /pairs an odd leaf with itself/);
    says(deep.explain(foldDoublingOdd(deep.leaves)), /pairs an odd leaf with itself/);
  });

  it('whatever the case of its digits', () => {
    says(odd.explain(odd.linear.toUpperCase()), /plain SHA-256/);
  });

  it('not at all when it is any other hash', () => {
    for (let i = 0; i < 50; i++) assert.equal(odd.explain(randomBytes(32).toString('hex')), undefined);
  });

  it('not at all when it is malformed', () => {
    const malformed = [
      '',
      '000',
      '0'.repeat(32),
      HASH_OF_NOTHING.slice(1),
      `${HASH_OF_NOTHING}0`,
      ` ${HASH_OF_NOTHING}`,
    ];
    for (const sent of malformed) assert.equal(odd.explain(sent), undefined);
  });
});

describe('a wrong tree hash at Complete is explained', () => {
  const parts = partsOf(13);
  const roots = rootsOf(parts);
  const explain = (sent: string) => explainWholeHash(sent, parts);
  const foldedBy = (text: (part: Part, index: number) => string) => fold(rootsOf(sortedBy(parts, text)));

  it('when it is the hash of no data', () => {
    says(explain(HASH_OF_NOTHING), /SHA-256 of no data/);
  });

  it('when digests were joined as hex text', () => {
    says(explain(foldHexText(roots)), /as hexadecimal text/);
  });

  it('when an odd part was hashed again', () => {
    says(explain(foldRehashingOdd(roots)), /hashes an odd part again/);
  });

  it('when an odd part was paired with itself', () => {
    says(explain(foldDoublingOdd(roots)), /pairs an odd part with itself/);
  });

  it('when the parts were folded in reverse', () => {
    says(explain(fold([...roots].reverse())), /in reverse order/);
  });

  it('when the parts were sorted by their numbers as text, counted from 1 or from 0', () => {
    says(explain(foldedBy((_, i) => String(i + 1))), /sorted as text/);
    says(explain(foldedBy((_, i) => String(i))), /sorted as text/);
  });

  it('when the parts were sorted by their ranges or offsets as text', () => {
    says(explain(foldedBy((part) => `${part.first}-${part.first + part.size - 1}`)), /sorted as text/);
    says(
      explain(foldedBy((part) => `bytes ${part.first}-${part.first + part.size - 1}/*`)),
      /sorted as text/,
    );
    says(explain(foldedBy((part) => String(part.first))), /sorted as text/);
  });

  it('when the parts were folded in the order of their upload', () => {
    const uploaded = [...parts].sort((a, b) => a.sequence - b.sequence);
    says(explain(fold(rootsOf(uploaded))), /order in which they were uploaded/);
  });

  it('when the plain hashes of the parts were folded', () => {
    const linear = parts.map((part) => Buffer.from(part.linearHash, 'hex'));
    says(explain(fold(linear)), /plain SHA-256 hashes/);
  });

  it('whatever the case of its digits', () => {
    says(explain(fold([...roots].reverse()).toUpperCase()), /in reverse order/);
  });

  it('when it is the plain SHA-256 of the only part', () => {
    const [part] = partsOf(1);
    says(explainWholeHash(part?.linearHash ?? '', partsOf(1)), /plain SHA-256 of the whole archive/);
  });

  it('with the right hash when it is any other, such as the plain SHA-256 of several parts', () => {
    const right = new RegExp(
      `^The tree hash of the uploaded parts is ${fold(roots)}\\. The plain SHA-256 of`,
    );
    for (let i = 0; i < 50; i++) says(explain(randomBytes(32).toString('hex')), right);
    for (const sent of ['', '000', '0'.repeat(32), HASH_OF_NOTHING.slice(1)]) says(explain(sent), right);
  });

  it('not at all when the upload has ended meanwhile', () => {
    assert.equal(explainWholeHash(randomBytes(32).toString('hex'), []), undefined);
  });

  it('fast enough even for the largest upload', () => {
    const many: Part[] = Array.from({ length: 10_000 }, (_, i) => ({
      first: i * MIB,
      size: MIB,
      treeHash: sha256(Buffer.from(String(i))).toString('hex'),
      linearHash: sha256(Buffer.from(String(i))).toString('hex'),
      sequence: i,
    }));
    says(explainWholeHash(fold(rootsOf(many).reverse()), many), /in reverse order/);
    says(explainWholeHash(randomBytes(32).toString('hex'), many), /^The tree hash of the uploaded parts is /);
  });
});
