/** Chooses the parts of an upload among the blobs that claim to be one (docs/format.md, "Choose the parts"). */
import { foldDigests } from '../treehash/index.ts';
import type { Part } from './upload.ts';

/** Bounds the work on an archive of which many parts were sent several times. */
const COMBINATIONS_TRIED = 10_000;

/** A stored blob of a part. */
export interface PartCandidate extends Part {
  readonly ref: string;
  /** When it was stored, ms since the epoch. */
  readonly storedMs: number;
}

export interface ChosenParts {
  /** By offset. */
  readonly parts: readonly PartCandidate[];
  /** References of the others, which nothing needs. */
  readonly surplus: readonly string[];
}

/** The parts of an open upload. @param candidates by offset, and of one offset the newest first. */
export function choosePartsOfUpload(candidates: readonly PartCandidate[]): ChosenParts {
  const parts = candidates.filter(({ first }, i) => candidates[i - 1]?.first !== first);
  return { parts, surplus: refsBut(candidates, parts) };
}

/**
 * The parts of a completed archive: the newest at each offset, unless only another combination has its tree hash.
 * @param candidates by offset, and of one offset the newest first.
 * @returns undefined if no combination makes up the archive.
 */
export function choosePartsOfArchive(
  candidates: readonly PartCandidate[],
  { size, treeHash }: { readonly size: number; readonly treeHash: string },
): ChosenParts | undefined {
  const offsets = new Map<number, PartCandidate[]>();
  for (const one of candidates) {
    if (one.first >= size) continue;
    const several = offsets.get(one.first);
    if (several) several.push(one);
    else offsets.set(one.first, [one]);
  }
  let tried = 0;
  for (const parts of combinations([...offsets.values()])) {
    if (fits(parts, size, treeHash)) return { parts, surplus: refsBut(candidates, parts) };
    if (++tried === COMBINATIONS_TRIED) break;
  }
  return undefined;
}

/** One of each list, the first ones first. */
function* combinations(lists: readonly (readonly PartCandidate[])[]): Generator<readonly PartCandidate[]> {
  const choice = lists.map(() => 0);
  for (;;) {
    yield lists.map((list, i) => list[choice[i] ?? 0] as PartCandidate);
    let at = lists.length - 1;
    while (at >= 0 && (choice[at] ?? 0) + 1 === lists[at]?.length) choice[at--] = 0;
    if (at < 0) return;
    choice[at] = (choice[at] ?? 0) + 1;
  }
}

function fits(parts: readonly PartCandidate[], size: number, treeHash: string): boolean {
  let end = 0;
  for (const part of parts) {
    if (part.first !== end) return false;
    end += part.size;
  }
  if (parts.length === 0 || end !== size) return false;
  const roots = Buffer.concat(parts.map((part) => Buffer.from(part.treeHash, 'hex')));
  return Buffer.from(foldDigests(roots)).toString('hex') === treeHash;
}

function refsBut(candidates: readonly PartCandidate[], chosen: readonly PartCandidate[]): string[] {
  const refs = new Set(chosen.map(({ ref }) => ref));
  return candidates.filter(({ ref }) => !refs.has(ref)).map(({ ref }) => ref);
}

/** A run of an archive's bytes that no blob holds any more. */
export interface MissingPart {
  readonly first: number;
  readonly size: number;
}

/**
 * The parts of a damaged archive that can still be read, and those that are missing. If each part has a blob and they still
 * do not make up the archive, nothing tells which of them is wrong, so all count as missing.
 */
export function salvageParts(
  candidates: readonly PartCandidate[],
  { size, partSize }: { readonly size: number; readonly partSize: number },
): { readonly parts: readonly PartCandidate[]; readonly missing: readonly MissingPart[] } {
  const newest = new Map(choosePartsOfUpload(candidates).parts.map((part) => [part.first, part]));
  const places: MissingPart[] = [];
  for (let first = 0; first < size; first += partSize)
    places.push({ first, size: Math.min(partSize, size - first) });
  const missing = places.filter((place) => newest.get(place.first)?.size !== place.size);
  if (missing.length === 0) return { parts: [], missing: places };
  const gone = new Set(missing.map(({ first }) => first));
  const parts = places.flatMap(({ first }) => (gone.has(first) ? [] : (newest.get(first) ?? [])));
  return { parts, missing };
}
