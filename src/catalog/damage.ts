import { type SelectQueryBuilder, sql } from 'kysely';
import { type Damage, type DamageKind, damageMessages, type FoundDamage } from '../domain/damage.ts';
import type {
  DamageCount,
  DamageKey,
  DamageReads,
  DamageWrites,
  HealDamageArgs,
  NamedBlob,
  RecordDamageArgs,
  RefRange,
} from '../domain/damage-catalog.ts';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { toHex } from './digest.ts';
import type { Schema } from './schema.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

/** In the column `leaf`: all of the blob. */
const WHOLE_BLOB = -1;

export function damageReads(source: Source): DamageReads {
  return {
    listDamage: (page) => listDamage(source, page),
    countDamage: (limit) => countDamage(source, limit),
    findNamedBlobs: (refs) => findNamedBlobs(source, refs),
    findGarbage: (refs) => findGarbage(source, refs),
    listNamedRefs: (range, limit) => listNamedRefs(source, range, limit),
    storedTotals: () => storedTotals(source),
  };
}

export const damageWrites: InTransaction<DamageWrites> = { recordDamage, healDamage };

/**
 * Some rows of damage, with what they belong to. An archive, a part and an inventory never share a blob.
 * @param choose limits the rows before the joins: PostgreSQL would otherwise read much of every table.
 */
function damageRows({ db }: Source, choose: (rows: DamageQuery) => DamageQuery) {
  return db
    .selectFrom(choose(db.selectFrom('damage').selectAll()).as('d'))
    .leftJoin('archives as a', 'a.ref', 'd.ref')
    .leftJoin('parts as p', 'p.ref', 'd.ref')
    .leftJoin('archives as b', 'b.upload_no', 'p.upload_no')
    .leftJoin('uploads as u', (join) => join.onRef('u.no', '=', 'p.upload_no').on('u.state', '=', 'open'))
    .leftJoin('jobs as j', (join) => join.onRef('j.ref', '=', 'd.ref').on('j.kind', '=', 'inventory'))
    .leftJoin('vaults as v', (join) =>
      join.on('v.no', '=', sql<number>`coalesce(a.vault_no, b.vault_no, u.vault_no, j.vault_no)`),
    )
    .select(['d.ref', 'd.leaf', 'd.kind', 'd.first_seen_ms', 'd.last_seen_ms'])
    .select(['v.account', 'v.region', 'v.name', 'p.first'])
    .select([
      sql<string | null>`coalesce(a.id, b.id, u.archive_id)`.as('archive_id'),
      sql<string | null>`coalesce(a.description, b.description, u.description)`.as('description'),
      sql<number | null>`coalesce(a.size, p.size, j.output_size)`.as('size'),
    ])
    .orderBy('d.ref')
    .orderBy('d.leaf');
}

type DamageQuery = SelectQueryBuilder<Schema, 'damage', Schema['damage']>;

interface DamageRow {
  ref: string;
  leaf: number;
  kind: string;
  first_seen_ms: number;
  last_seen_ms: number;
  account: string | null;
  region: string | null;
  name: string | null;
  first: number | null;
  archive_id: string | null;
  description: string | null;
  size: number | null;
}

function toDamage(row: DamageRow): Damage {
  const { account, region, name } = row;
  const hasOwner = account !== null && region !== null && name !== null;
  const { archive_id: archiveId, description, first, size } = row;
  return {
    ref: row.ref,
    leaf: row.leaf === WHOLE_BLOB ? null : row.leaf,
    kind: row.kind as DamageKind,
    firstSeenMs: row.first_seen_ms,
    lastSeenMs: row.last_seen_ms,
    owner: hasOwner
      ? { account, region, name, archiveId, description, first: first ?? 0, size: size ?? 0 }
      : null,
  };
}

async function listDamage(source: Source, { after, limit }: Paging<DamageKey>): Promise<Page<Damage>> {
  const rows = await damageRows(source, (q) =>
    q
      .$if(after !== null, (later) =>
        later.where(sql<boolean>`(ref, leaf) > (${after?.ref}, ${after?.leaf ?? WHOLE_BLOB})`),
      )
      .orderBy('ref')
      .orderBy('leaf')
      .limit(limit + 1),
  ).execute();
  return toPage(rows.map(toDamage), limit);
}

async function countDamage({ db }: Source, limit: number): Promise<DamageCount> {
  const damages = await db.selectFrom('damage').select('leaf').limit(limit).execute();
  const archives = await db
    .selectFrom('archives')
    .select('no')
    .where('damaged_ms', 'is not', null)
    .limit(limit)
    .execute();
  return { damages: damages.length, archives: archives.length };
}

/** A finished job still serves the bytes of an archive deleted since. */
async function findNamedBlobs({ db }: Source, refs: readonly string[]): Promise<readonly NamedBlob[]> {
  if (refs.length === 0) return [];
  const stored = ['ref', 'size', 'tree_hash'] as const;
  const archives = await db.selectFrom('archives').select(stored).where('ref', 'in', refs).execute();
  const parts = await db.selectFrom('parts').select(stored).where('ref', 'in', refs).execute();
  const jobs = await db
    .selectFrom('jobs')
    .select(['ref', 'archive_hash as tree_hash'])
    .select(sql<number>`coalesce(archive_size, output_size, 0)`.as('size'))
    .where('ref', 'in', refs)
    .where('state', 'not in', ['InProgress', 'Failed'])
    .execute();
  const named = [...jobs, ...parts, ...archives].flatMap(({ ref, size, tree_hash }) =>
    ref === null ? [] : [{ ref, size, treeHash: tree_hash && toHex(tree_hash) }],
  );
  return [...new Map(named.map((blob) => [blob.ref, blob])).values()];
}

async function findGarbage({ db }: Source, refs: readonly string[]): Promise<readonly string[]> {
  if (refs.length === 0) return [];
  const rows = await db.selectFrom('garbage').select('ref').where('ref', 'in', refs).execute();
  return rows.flatMap(({ ref }) => ref ?? []);
}

async function listNamedRefs(source: Source, range: RefRange, limit: number): Promise<Page<string>> {
  const found = await Promise.all(
    (['archives', 'parts', 'jobs'] as const).map((table) => refsIn(source, table, range, limit + 1)),
  );
  return toPage([...new Set(found.flat())].sort(), limit);
}

async function refsIn(
  { db }: Source,
  table: 'archives' | 'parts' | 'jobs',
  { after, before }: RefRange,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom(table)
    .select('ref')
    .where('ref', '>', after ?? '')
    .$if(before !== null, (q) => q.where('ref', '<', before ?? ''))
    .$if(table === 'jobs', (q) => q.where(sql<boolean>`state not in ('InProgress', 'Failed')`))
    .orderBy('ref')
    .limit(limit)
    .execute();
  return rows.flatMap(({ ref }) => ref ?? []);
}

async function storedTotals({ db }: Source): Promise<{ archives: number; bytes: number }> {
  const sum = (column: 'archives' | 'bytes') =>
    sql<number>`cast(coalesce(sum(${sql.ref(column)}), 0) as bigint)`.as(column);
  return db
    .selectFrom('vault_counts')
    .select([sum('archives'), sum('bytes')])
    .executeTakeFirstOrThrow();
}

async function recordDamage(tx: Tx, { found, nowMs, topic }: RecordDamageArgs): Promise<readonly Damage[]> {
  if (found.length === 0) return [];
  const refs = [...new Set(found.map(({ ref }) => ref))];
  const known = await tx.db.selectFrom('damage').select(['ref', 'leaf']).where('ref', 'in', refs).execute();
  const before = new Set(known.map(({ ref, leaf }) => `${ref} ${leaf}`));
  await tx.db
    .insertInto('damage')
    .values(toRows(found, nowMs))
    .onConflict((c) =>
      c.columns(['ref', 'leaf']).doUpdateSet((e) => ({
        kind: e.ref('excluded.kind'),
        last_seen_ms: e.ref('excluded.last_seen_ms'),
      })),
    )
    .execute();
  await markArchives(tx, refs, nowMs);
  const rows = await damageRows(tx, (q) =>
    q.where('ref', 'in', refs).where('last_seen_ms', '=', nowMs),
  ).execute();
  const fresh = rows.filter(({ ref, leaf }) => !before.has(`${ref} ${leaf}`)).map(toDamage);
  if (topic !== null && fresh.length > 0) await addDamageMessages(tx, fresh, topic, nowMs);
  return fresh;
}

/** One row for each leaf: a statement must not insert the same key twice. */
function toRows(found: readonly FoundDamage[], nowMs: number) {
  const rows = found.map(({ ref, leaf, kind }) => ({
    ref,
    leaf: leaf ?? WHOLE_BLOB,
    kind,
    first_seen_ms: nowMs,
    last_seen_ms: nowMs,
  }));
  return [...new Map(rows.map((row) => [`${row.ref} ${row.leaf}`, row])).values()];
}

/** Notes when the archives' damage was last seen. */
async function markArchives({ db }: Tx, refs: readonly string[], nowMs: number): Promise<void> {
  const seen = { damaged_ms: nowMs };
  await db.updateTable('archives').set(seen).where('ref', 'in', refs).execute();
  const uploads = db.selectFrom('parts').select('upload_no').where('ref', 'in', refs);
  await db.updateTable('archives').set(seen).where('upload_no', 'in', uploads).execute();
}

async function addDamageMessages(
  tx: Tx,
  fresh: readonly Damage[],
  topic: string,
  nowMs: number,
): Promise<void> {
  const [first] = fresh;
  const rows = damageMessages(fresh, nowMs).map((message, i) => ({
    // The same however often the message is sent.
    id: `damage-${nowMs}-${first?.ref.replaceAll(/[^0-9a-zA-Z.-]/g, '-')}-${i}`,
    topic,
    message,
    created_ms: nowMs,
    tries: 0,
    state: 'waiting' as const,
    next_try_ms: nowMs,
  }));
  await tx.db.insertInto('notifications').values(rows).execute();
}

async function healDamage(tx: Tx, { beforeMs, archiveNo, limit }: HealDamageArgs): Promise<number> {
  const old = tx.db
    .selectFrom('damage')
    .select(['ref', 'leaf'])
    .where('last_seen_ms', '<', beforeMs)
    .$if(archiveNo !== null, (q) => q.where(sql<boolean>`ref in ${refsOfArchive(archiveNo ?? 0)}`))
    .limit(limit);
  const gone = await old.execute();
  // It may have been seen again meanwhile.
  for (const { ref, leaf } of gone)
    await tx.db
      .deleteFrom('damage')
      .where('ref', '=', ref)
      .where('leaf', '=', leaf)
      .where('last_seen_ms', '<', beforeMs)
      .execute();
  if (gone.length < limit)
    await tx.db
      .updateTable('archives')
      .set({ damaged_ms: null })
      .where('damaged_ms', '<', beforeMs)
      .$if(archiveNo !== null, (q) => q.where('no', '=', archiveNo ?? 0))
      .execute();
  return gone.length;
}

function refsOfArchive(archiveNo: number) {
  return sql`(select ref from archives where no = ${archiveNo} union all
    select p.ref from archives a join parts p on p.upload_no = a.upload_no where a.no = ${archiveNo})`;
}
