/** What the scrub makes of what it reads: damage only if a row names the blob and a second read agrees. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AsideBatch, BlobMissing } from '../domain/blob-store.ts';
import type { BlobDamage, FoundDamage } from '../domain/damage.ts';
import type { NamedBlob } from '../domain/damage-catalog.ts';
import type { BlobVerdict, ScrubStep, ScrubStore } from '../domain/scrub-store.ts';
import { type FindingsDeps, ScrubFindings } from './scrub-findings.ts';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

interface World {
  /** What a second read finds, by reference; a blob that is not here is missing. */
  readonly again: Map<string, BlobVerdict>;
  readonly named: Map<string, NamedBlob>;
  readonly garbage: Set<string>;
  readonly aside: string[];
  readonly recorded: FoundDamage[];
  readonly passing: string[];
  readonly onVerify: (ref: string) => void;
}

function worldOf(changes: Partial<World> = {}): { world: World; findings: ScrubFindings } {
  const world: World = {
    ...{ again: new Map(), named: new Map(), garbage: new Set(), aside: [], recorded: [], passing: [] },
    onVerify: () => {},
    ...changes,
  };
  const store: Partial<ScrubStore> = {
    async verify(ref) {
      world.onVerify(ref);
      const verdict = world.again.get(ref);
      if (!verdict) throw new BlobMissing(ref);
      return verdict;
    },
    verifyFile: async (path) => (path === 'notes/bad' ? 'it is not what was written' : undefined),
    findAbsent: async (refs) => refs.filter((ref) => !world.again.has(ref)),
  };
  const deps: FindingsDeps = {
    store: store as ScrubStore,
    catalog: {
      findNamedBlobs: async (refs) => refs.flatMap((ref) => world.named.get(ref) ?? []),
      findGarbage: async (refs) => refs.filter((ref) => world.garbage.has(ref)),
      listNamedRefs: async ({ after, before }, limit) => {
        const all = [...world.named.keys()].sort();
        const rows = all.filter((ref) => ref > (after ?? '') && (before === null || ref < before));
        return { rows: rows.slice(0, limit), more: rows.length > limit };
      },
      async recordDamage({ found }) {
        world.recorded.push(...found);
        return [];
      },
      healDamage: async () => 0,
    },
    blobs: {
      async *listAside() {
        const blobs = world.aside.map((ref) => ({ ref })) as unknown as AsideBatch['blobs'];
        yield { name: 'batch', asideMs: 1, blobs };
      },
    },
    clock: { now: () => NOW_MS },
    topic: null,
    onDamage: async () => {},
    goOn: () => {},
    onPassing: (ref) => world.passing.push(ref),
  };
  return { world, findings: new ScrubFindings(deps) };
}

function verdict(ref: string, damage: readonly BlobDamage[] = [], createdMs = NOW_MS - HOUR_MS): BlobVerdict {
  return { ref, description: { size: 5, treeHash: `hash of ${ref}`, createdMs }, damage };
}

const row = (ref: string): NamedBlob => ({ ref, size: 5, treeHash: `hash of ${ref}` });
const step = (changes: Partial<ScrubStep>): ScrubStep => ({
  upTo: 'k',
  blobs: [],
  files: [],
  pack: null,
  ...changes,
});
const DATA: BlobDamage = { leaf: 2, kind: 'data' };

describe('what a scrub finds', () => {
  it('is damage if a row names the blob and a second read agrees', async () => {
    const { world, findings } = worldOf();
    const bad = verdict('bad', [DATA]);
    for (const ref of ['good', 'bad', 'passing']) world.named.set(ref, row(ref));
    world.again.set('bad', bad).set('passing', verdict('passing'));
    const spoiled = (ref: string) => verdict(ref, [DATA], NOW_MS);
    const orphans = await findings.take(
      step({ blobs: [verdict('good'), bad, spoiled('passing'), spoiled('deleted')] }),
    );
    assert.deepEqual(world.recorded, [{ ref: 'bad', ...DATA }]);
    assert.deepEqual([world.passing, orphans], [['passing'], []]);
  });

  it('is no damage if the blob is deleted before the second read', async () => {
    const { world, findings } = worldOf({ onVerify: (ref) => void world.named.delete(ref) });
    world.named.set('bad', row('bad'));
    await findings.take(step({ blobs: [verdict('bad', [DATA])] }));
    assert.deepEqual(world.recorded, []);
  });

  it('is damage if the blob is whole, and another one', async () => {
    const { world, findings } = worldOf();
    for (const [ref, changes] of [
      ['size', { size: 6 }],
      ['hash', { treeHash: 'other' }],
      ['inventory', { treeHash: null }],
    ] as const) {
      world.named.set(ref, { ...row(ref), ...changes });
      world.again.set(ref, verdict(ref));
    }
    await findings.take(step({ blobs: [...world.again.values()] }));
    assert.deepEqual(world.recorded, [
      { ref: 'size', leaf: null, kind: 'other-blob' },
      { ref: 'hash', leaf: null, kind: 'other-blob' },
    ]);
  });

  it('is damage if a pack or the store lacks a blob that a row names', async () => {
    const { world, findings } = worldOf();
    for (const ref of ['a', 'p.1', 'p.2', 'p.3', 'q.1', 'z']) world.named.set(ref, row(ref));
    world.again.set('p.2', verdict('p.2')).set('q.1', verdict('q.1'));
    const pack = { after: 'p.', before: 'p/', has: (ref: string) => ref === 'p.1' };
    await findings.take(step({ pack }));
    assert.deepEqual(world.recorded, [{ ref: 'p.3', leaf: null, kind: 'missing' }]);
    assert.deepEqual(world.passing, ['p.2'], 'it was there after all');
    world.recorded.length = 0;
    world.again.set('p.1', verdict('p.1')).set('p.3', verdict('p.3'));
    await findings.findAbsent('a', async () => {});
    assert.deepEqual(world.recorded, [{ ref: 'z', leaf: null, kind: 'missing' }]);
    await findings.findAbsent(null, async () => {});
    assert.deepEqual(
      world.recorded.map(({ ref }) => ref),
      ['z', 'a', 'z'],
    );
  });

  it('is damage of another file if a second look agrees', async () => {
    const { world, findings } = worldOf();
    const files = ['notes/bad', 'notes/replaced'].map((path) => ({
      path,
      why: 'it is not what was written',
    }));
    await findings.take(step({ files }));
    assert.deepEqual(world.recorded, [{ ref: 'notes/bad', leaf: null, kind: 'file' }]);
  });

  it('is an orphan if nothing names it, neither as garbage nor as set aside, and it is not new', async () => {
    const { world, findings } = worldOf();
    const blobs = ['orphan', 'garbage', 'aside', 'swept'].map((ref) => verdict(ref));
    for (const one of blobs) world.again.set(one.ref, one);
    world.again.delete('swept');
    world.garbage.add('garbage');
    world.aside.push('aside');
    const young = verdict('young', [], NOW_MS - 1000);
    const unreadable: BlobVerdict = {
      ref: 'torn',
      description: null,
      damage: [{ leaf: null, kind: 'description' }],
    };
    world.again.set('young', young).set('torn', unreadable);
    assert.deepEqual(await findings.take(step({ blobs: [...blobs, young, unreadable] })), ['orphan']);
    assert.deepEqual(world.recorded, []);
  });
});
