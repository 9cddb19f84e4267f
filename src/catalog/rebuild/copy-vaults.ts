/** Copies vaults and their settings from the scratch to the new catalog. */
import { sql } from 'kysely';
import { lastNumber } from './copy-people.ts';
import type { Row, Scratch } from './scratch.ts';
import type { RebuildTarget } from './target.ts';

interface VaultRow extends Row {
  readonly no: number;
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly created_ms: number;
  readonly tags: string;
  readonly topic: string | null;
  readonly events: string | null;
  readonly access_policy: string | null;
  readonly lock_policy: string | null;
  readonly lock_state: 'InProgress' | 'Locked' | null;
  readonly lock_id_hash: string | null;
  readonly lock_created_ms: number | null;
  readonly changes: number;
  readonly emptied_to: number;
}

/** @returns the number of vaults. */
export async function copyVaults(scratch: Scratch, target: RebuildTarget): Promise<number> {
  const all = () => scratch.rows(VAULTS) as Iterable<VaultRow>;
  const vaults = await target.insert(
    'vaults',
    each(all(), ({ no, account, region, name, created_ms, emptied_to }) => [
      { no, account, region, name, created_ms, emptied_to },
    ]),
  );
  await target.continueNumbers('vaults', lastNumber(scratch, 'vaults'));
  await target.insert('tags', each(all(), tagsOf));
  await target.insert(
    'vault_notifications',
    each(all(), ({ no, topic, events }) =>
      topic === null || events === null ? [] : [{ vault_no: no, topic, events }],
    ),
  );
  await target.insert('vault_policies', each(all(), policiesOf));
  await target.insert('bulk_bounds', scratch.rows('select * from bounds') as Iterable<BoundRow>);
  return vaults;
}

const VAULTS = `
  select v.*, coalesce(b.up_to, 0) as emptied_to from vaults v
  left join bounds b on b.account = v.account and b.region = v.region and b.vault = v.name order by v.no`;

interface BoundRow extends Row {
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  readonly up_to: number;
}

function* each<From, To>(rows: Iterable<From>, change: (row: From) => readonly To[]): Generator<To> {
  for (const row of rows) yield* change(row);
}

function tagsOf({ no, tags }: VaultRow) {
  const pairs = Object.entries(JSON.parse(tags) as Record<string, string>);
  return pairs.map(([key, value]) => ({ vault_no: no, key, value }));
}

function policiesOf(row: VaultRow) {
  const { no, access_policy, lock_policy, lock_state, lock_id_hash, lock_created_ms, changes } = row;
  const policies = { access_policy, lock_policy, lock_state, lock_id_hash, lock_created_ms };
  return changes === 0 ? [] : [{ vault_no: no, ...policies, version: changes }];
}

interface WritesRow extends Row {
  readonly no: number;
  readonly first_ms: number;
  readonly last_ms: number;
}

/** No archive in the store has a greater number. */
function lastNumberOf(scratch: Scratch): number {
  const [row] = scratch.rows(`select max(
    coalesce((select max(sequence) from singles), 0), coalesce((select max(number) from numbers), 0)) as number`);
  return row?.['number'] as number;
}

/** Counts the archives of each vault, once they are there, and dates its first and last write. */
export async function countArchives(scratch: Scratch, target: RebuildTarget): Promise<void> {
  const lastNumber = lastNumberOf(scratch);
  await sql`
    insert into vault_counts (vault_no, shard, archives, bytes, begun_ms, written_ms, last_number)
    select vault_no, 0, count(*), sum(size), min(coalesce(arrived_ms, created_ms)), max(coalesce(arrived_ms, created_ms)),
      cast(${lastNumber} as bigint)
    from archives group by vault_no`.execute(target.db);
  // Writes before the vault was made belong to an earlier vault of the same name.
  const writes = scratch.rows(`
    select v.no, max(w.first_ms, v.created_ms) as first_ms, w.last_ms from writes w join vaults v
    on v.account = w.account and v.region = w.region and v.name = w.vault where w.last_ms >= v.created_ms`);
  for (const row of writes as Iterable<WritesRow>) await addWrites(target, row);
}

async function addWrites({ db }: RebuildTarget, { no, first_ms, last_ms }: WritesRow): Promise<void> {
  const row = { vault_no: no, shard: 0, archives: 0, bytes: 0, begun_ms: first_ms, written_ms: last_ms };
  await db
    .insertInto('vault_counts')
    .values(row)
    .onConflict((c) => c.columns(['vault_no', 'shard']).doNothing())
    .execute();
  const of = db.updateTable('vault_counts').where('vault_no', '=', no);
  await of.set({ begun_ms: first_ms }).where('begun_ms', '>', first_ms).execute();
  await of.set({ written_ms: last_ms }).where('written_ms', '<', last_ms).execute();
}
