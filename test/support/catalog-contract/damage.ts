import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Damage, FoundDamage } from '../../../src/domain/damage.ts';
import type { DamageKey } from '../../../src/domain/damage-catalog.ts';
import type { Paging } from '../../../src/domain/page.ts';
import { allPages, type Customer, declare, MIB, type NewCustomer, START_MS } from './customer.ts';

const TOPIC = 'arn:aws:sns:us-east-1:000000000001:damage';

const listed = (c: Customer): Promise<Damage[]> =>
  allPages(
    (page: Paging<DamageKey>) => c.catalog.listDamage(page),
    ({ ref, leaf }) => ({ ref, leaf }),
    2,
  );

/** Records damage at a time. */
const record = (c: Customer, nowMs: number, ...found: FoundDamage[]) =>
  c.catalog.recordDamage({ found, nowMs, topic: null });

const heal = (c: Customer, beforeMs: number, archiveNo: number | null = null) =>
  c.catalog.healDamage({ beforeMs, archiveNo, limit: 100 });

async function marked(c: Customer): Promise<number> {
  return (await c.catalog.countDamage(100)).archives;
}

export function damage(customer: NewCustomer): void {
  it('is listed with the archive that it belongs to, page by page', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const single = await c.addArchive(vault, { ref: 'a-blob', description: 'words', size: 3 * MIB });
    const upload = await c.startUpload(vault);
    const parts = [await c.putPart(upload, 0), await c.putPart(upload, 1, { ref: 'b-part', size: 7 })];
    const open = await c.startUpload(vault);
    await c.putPart(open, 0, { ref: 'c-part' });
    await c.complete(upload, declare(parts));
    const found: FoundDamage[] = [
      { ref: 'c-part', leaf: null, kind: 'missing' },
      { ref: 'a-blob', leaf: 2, kind: 'data' },
      { ref: 'b-part', leaf: 0, kind: 'unreadable' },
      { ref: 'a-blob', leaf: null, kind: 'description' },
      { ref: 'journal/x.jsonl', leaf: null, kind: 'file' },
    ];
    await record(c, START_MS, ...found);
    const place = { account: c.account, region: 'us-east-1', name: 'photos' };
    const seen = { firstSeenMs: START_MS, lastSeenMs: START_MS };
    const ofSingle = { ...place, archiveId: single.id, description: 'words', first: 0, size: 3 * MIB };
    const { archiveId, description } = upload;
    assert.deepEqual(await listed(c), [
      { ref: 'a-blob', leaf: null, kind: 'description', ...seen, owner: ofSingle },
      { ref: 'a-blob', leaf: 2, kind: 'data', ...seen, owner: ofSingle },
      {
        ...{ ref: 'b-part', leaf: 0, kind: 'unreadable', ...seen },
        owner: { ...place, archiveId, description, first: MIB, size: 7 },
      },
      {
        ...{ ref: 'c-part', leaf: null, kind: 'missing', ...seen },
        owner: { ...place, archiveId: open.archiveId, description: open.description, first: 0, size: MIB },
      },
      { ref: 'journal/x.jsonl', leaf: null, kind: 'file', ...seen, owner: null },
    ]);
    assert.deepEqual(await c.catalog.countDamage(100), { damages: 5, archives: 2 });
    assert.deepEqual(await c.catalog.countDamage(1), { damages: 1, archives: 1 });
  });

  it('is new once, and keeps when it was first seen', async () => {
    const c = customer();
    await c.addArchive(await c.makeVault(), { ref: 'blob', size: 3 * MIB });
    const first = { ref: 'blob', leaf: 0, kind: 'data' } as const;
    const second = { ...first, leaf: 1 };
    const fresh = async (nowMs: number, ...found: FoundDamage[]) =>
      (await record(c, nowMs, ...found)).map(({ leaf }) => leaf);
    assert.deepEqual(await fresh(1, first), [0]);
    assert.deepEqual(await fresh(2, first, second, second), [1]);
    assert.deepEqual(await fresh(3, { ...second, kind: 'unreadable' }), []);
    const times = (await listed(c)).map(({ leaf, kind, firstSeenMs, lastSeenMs }) => [
      leaf,
      kind,
      firstSeenMs,
      lastSeenMs,
    ]);
    assert.deepEqual(times, [
      [0, 'data', 1, 2],
      [1, 'unreadable', 2, 3],
    ]);
  });

  it('is gone if it was not seen since, with the mark of its archive', async () => {
    const c = customer();
    const vault = await c.makeVault();
    await c.addArchive(vault, { ref: 'healed' });
    await c.addArchive(vault, { ref: 'half' });
    const upload = await c.startUpload(vault);
    const part = await c.putPart(upload, 0, { ref: 'part' });
    await c.complete(upload, declare([part]));
    await record(c, 1, ...['healed', 'half', 'part'].map((ref) => ({ ref, leaf: 0, kind: 'data' as const })));
    await record(
      c,
      5,
      { ref: 'half', leaf: null, kind: 'description' },
      { ref: 'part', leaf: 0, kind: 'data' },
    );
    assert.equal(await marked(c), 3);
    assert.equal(await heal(c, 5), 2);
    const left = (await listed(c)).map(({ ref, leaf }) => [ref, leaf]);
    assert.deepEqual(left, [
      ['half', null],
      ['part', 0],
    ]);
    assert.equal(await marked(c), 2);
    assert.equal(await heal(c, 6), 2);
    assert.deepEqual([await listed(c), await marked(c)], [[], 0]);
  });

  it('of one archive is gone without that of others', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const { id } = await c.addArchive(vault, { ref: 'one' });
    await c.addArchive(vault, { ref: 'two' });
    const upload = await c.startUpload(vault);
    const parts = [await c.putPart(upload, 0, { ref: 'p0' }), await c.putPart(upload, 1, { ref: 'p1' })];
    await c.complete(upload, declare(parts));
    await record(c, 1, ...['one', 'two', 'p0', 'p1'].map((ref) => ({ ref, leaf: 0, kind: 'data' as const })));
    const refs = async () => (await listed(c)).map(({ ref }) => ref);
    const one = await c.catalog.findArchive(vault.no, id);
    await heal(c, 2, one?.no ?? 0);
    assert.deepEqual([await refs(), await marked(c)], [['p0', 'p1', 'two'], 2]);
    const multipart = await c.catalog.findArchive(vault.no, upload.archiveId);
    assert.equal(await heal(c, 1, multipart?.no ?? 0), 0, 'it was seen at that time');
    assert.equal(await c.catalog.healDamage({ beforeMs: 2, archiveNo: multipart?.no ?? 0, limit: 1 }), 1);
    assert.equal(await marked(c), 2, 'the mark goes with the last damage');
    while ((await c.catalog.healDamage({ beforeMs: 2, archiveNo: multipart?.no ?? 0, limit: 1 })) === 1);
    assert.deepEqual([await refs(), await marked(c)], [['two'], 1]);
  });

  it('that is new sends one message for each archive', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const { id } = await c.addArchive(vault, { ref: 'blob', size: MIB + 7, description: 'words' });
    const found = [0, 1].map((leaf) => ({ ref: 'blob', leaf, kind: 'data' as const }));
    const file = { ref: 'notes/x', leaf: null, kind: 'file' as const };
    for (const nowMs of [START_MS, START_MS + 1])
      await c.catalog.recordDamage({ found: [...found, file], nowMs, topic: TOPIC });
    const { rows } = await c.catalog.listNotifications({ after: null, limit: 10 });
    assert.deepEqual(
      rows.map(({ topic, message }) => [topic, JSON.parse(message)]),
      [
        [
          TOPIC,
          {
            Event: 'DamageFound',
            FoundDate: new Date(START_MS).toISOString(),
            VaultARN: `arn:aws:glacier:us-east-1:${c.account}:vaults/photos`,
            ArchiveId: id,
            ArchiveDescription: 'words',
            DamageCount: 2,
            Damage: [
              { Kind: 'data', Range: `0-${MIB - 1}`, Blob: 'blob' },
              { Kind: 'data', Range: `${MIB}-${MIB + 6}`, Blob: 'blob' },
            ],
          },
        ],
        [
          TOPIC,
          {
            Event: 'DamageFound',
            FoundDate: new Date(START_MS).toISOString(),
            ...{ VaultARN: null, ArchiveId: null, ArchiveDescription: null, DamageCount: 1 },
            Damage: [{ Kind: 'file', Range: null, Blob: 'notes/x' }],
          },
        ],
      ],
    );
    const due = await c.catalog.leaseNotifications({ nowMs: START_MS, leaseMs: 1, limit: 10 });
    assert.deepEqual([due.length, new Set(due.map((one) => one.id)).size], [2, 2]);
  });

  it('is looked for among the blobs that rows name', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await c.addArchive(vault, { ref: 'b.1', size: 5 });
    const upload = await c.startUpload(vault);
    const part = await c.putPart(upload, 0, { ref: 'a' });
    await c.addArchive(vault, { ref: 'b.20' });
    await c.addArchive(vault, { ref: 'c' });
    const named = await c.catalog.findNamedBlobs(['a', 'b.1', 'unknown']);
    assert.deepEqual(
      named.toSorted((x, y) => (x.ref < y.ref ? -1 : 1)),
      [
        { ref: 'a', size: MIB, treeHash: part.treeHash },
        { ref: 'b.1', size: 5, treeHash: archive.treeHash },
      ],
    );
    assert.deepEqual(await c.catalog.findNamedBlobs([]), []);
    const all = { after: null, before: null };
    assert.deepEqual(await c.catalog.listNamedRefs(all, 3), { rows: ['a', 'b.1', 'b.20'], more: true });
    assert.deepEqual(await c.catalog.listNamedRefs({ ...all, after: 'b.20' }, 3), {
      rows: ['c'],
      more: false,
    });
    assert.deepEqual(await c.catalog.listNamedRefs({ after: 'b.', before: 'b/' }, 3), {
      rows: ['b.1', 'b.20'],
      more: false,
    });
    assert.deepEqual(await c.catalog.storedTotals(), { archives: 3, bytes: 29 });
    await c.deleteArchive(archive);
    assert.deepEqual(await c.catalog.findNamedBlobs(['b.1']), []);
    assert.deepEqual(await c.catalog.findGarbage(['a', 'b.1']), ['b.1']);
  });
}
