import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { foldDigests } from '../treehash/index.ts';
import {
  choosePartsOfArchive,
  choosePartsOfUpload,
  type PartCandidate,
  salvageParts,
} from './choose-parts.ts';

const PART = 2 ** 20;

function candidate(name: string, first: number, sequence: number, size = PART): PartCandidate {
  const treeHash = hash('sha256', name);
  return { ref: name, first, size, sequence, treeHash, linearHash: treeHash, storedMs: sequence };
}

/** What an archive of these parts is. */
function archiveOf(parts: readonly PartCandidate[]) {
  const roots = Buffer.concat(parts.map(({ treeHash }) => Buffer.from(treeHash, 'hex')));
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { size, treeHash: Buffer.from(foldDigests(roots)).toString('hex') };
}

const namesOf = (parts: readonly PartCandidate[] | undefined) => parts?.map(({ ref }) => ref);

const [a, b, c] = [candidate('a', 0, 1), candidate('b', PART, 2), candidate('c', 2 * PART, 3, 5)];
const newerB = candidate('newer b', PART, 9);

describe('the parts of an open upload', () => {
  it('are the newest at each offset', () => {
    const { parts, surplus } = choosePartsOfUpload([a, newerB, b, c]);
    assert.deepEqual(namesOf(parts), ['a', 'newer b', 'c']);
    assert.deepEqual(surplus, ['b']);
    assert.deepEqual(choosePartsOfUpload([]), { parts: [], surplus: [] });
  });
});

describe('the parts of an archive', () => {
  it('are the newest, if they make it up', () => {
    const chosen = choosePartsOfArchive([a, newerB, b, c], archiveOf([a, newerB, c]));
    assert.deepEqual([namesOf(chosen?.parts), chosen?.surplus], [['a', 'newer b', 'c'], ['b']]);
  });

  it('are older ones, if only they make it up: the newest was refused and left behind', () => {
    const newerA = candidate('newer a', 0, 8);
    const chosen = choosePartsOfArchive([newerA, a, newerB, b, c], archiveOf([a, b, c]));
    assert.deepEqual(
      [namesOf(chosen?.parts), chosen?.surplus],
      [
        ['a', 'b', 'c'],
        ['newer a', 'newer b'],
      ],
    );
  });

  it('do not include those beyond its end', () => {
    const chosen = choosePartsOfArchive([a, b, c], archiveOf([a, b]));
    assert.deepEqual([namesOf(chosen?.parts), chosen?.surplus], [['a', 'b'], ['c']]);
  });

  it('are unknown where one is missing, or none has the tree hash', () => {
    assert.equal(choosePartsOfArchive([a, c], archiveOf([a, b, c])), undefined);
    assert.equal(choosePartsOfArchive([], archiveOf([a])), undefined);
    assert.equal(choosePartsOfArchive([a, newerB, c], archiveOf([a, b, c])), undefined);
  });
});

describe('the parts that are left of a damaged archive', () => {
  const whole = { size: 2 * PART + 5, partSize: PART };

  it('are those at their places; the others are missing', () => {
    const { parts, missing } = salvageParts([a, c], whole);
    assert.deepEqual(namesOf(parts), ['a', 'c']);
    assert.deepEqual(missing, [{ first: PART, size: PART }]);
  });

  it('do not include one of a wrong length', () => {
    const short = candidate('short', PART, 5, 7);
    assert.deepEqual(salvageParts([a, short, c], whole).missing, [{ first: PART, size: PART }]);
  });

  it('are none where all are there and do not fit together', () => {
    const { parts, missing } = salvageParts([a, b, c], whole);
    assert.deepEqual(parts, []);
    assert.deepEqual(
      missing.map(({ first }) => first),
      [0, PART, 2 * PART],
    );
  });
});
