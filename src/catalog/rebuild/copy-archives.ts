/** Copies the archives of single uploads from the scratch to the new catalog. */
import type { Insertable } from 'kysely';
import type { Schema } from '../schema.ts';
import type { Row, Scratch } from './scratch.ts';
import type { RebuildTarget } from './target.ts';

/** Columns that say which archive a row is about. */
interface ArchiveColumns {
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  readonly key: string;
  /** The number that its blob has. */
  readonly number: string;
}

/** SQL for whether a bulk deletion covers the archive of a row. */
export function isInBulk({ account, region, vault, key, number }: ArchiveColumns): string {
  return `exists (select 1 from bulks b where b.account = ${account} and b.region = ${region} and b.vault = ${vault}
    and max(${number}, coalesce((select n.number from numbers n where n.key = ${key}), 0)) <= b.up_to
    and not exists (select 1 from kept k where k.bulk_id = b.bulk_id and k.key = ${key}))`;
}

const OF_SINGLE = {
  account: 's.account',
  region: 's.region',
  vault: 's.vault',
  key: 's.key',
  number: 's.sequence',
};

interface SingleRow extends Row {
  /** Of the row in the scratch. */
  readonly at: number;
  readonly ref: string;
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  readonly vault_no: number | null;
  readonly archive_id: string;
  readonly description: string | null;
  readonly created_ms: number;
  readonly arrived_ms: number | null;
  readonly size: number;
  readonly tree_hash: Uint8Array;
  readonly is_gone: number;
  readonly is_beaten: number;
}

/**
 * SQL for whether an imported archive was never acknowledged, because another one of its id came later. The catalog would
 * have refused that one's id if the first had become an archive.
 */
const IS_BEATEN = `s.arrived_ms is not null and (
  exists (select 1 from singles t where t.arrived_ms is not null and t.key = s.key
    and (t.sequence, t.ref) > (s.sequence, s.ref))
  or exists (select 1 from uploads u where u.key = s.key
    and (u.state = 'completed' or (u.state = 'open' and u.imported_by is not null))))`;

/** Sorted by id, so that the index of ids grows at its end. */
const SINGLES = `
  select s.rowid as at, s.*, v.no as vault_no,
    exists (select 1 from used_ids u where u.key = s.key) or ${isInBulk(OF_SINGLE)} as is_gone, ${IS_BEATEN} as is_beaten
  from singles s left join vaults v on v.account = s.account and v.region = s.region and v.name = s.vault
  order by v.no, s.archive_id, s.sequence desc, s.ref desc`;

/** Leaves a blob over. Of a second one with the same id nothing says that it was deleted. */
const LEAVE_OVER = `
  insert into leftovers select ref, account, region, vault, archive_id, 'archive', size, created_ms, ?
  from singles where rowid = ?`;

/** @returns the number of archives. */
export async function copySingles(scratch: Scratch, target: RebuildTarget): Promise<number> {
  scratch.exec('create index imports_by_key on singles (key, sequence) where arrived_ms is not null');
  const leaveOver = scratch.prepare(LEAVE_OVER);
  const kept = function* (): Generator<Insertable<Schema['archives']>> {
    let last = '';
    for (const row of scratch.rows(SINGLES) as Iterable<SingleRow>) {
      const name = `${row.vault_no}/${row.archive_id}`;
      if (row.vault_no !== null) noteId(scratch, row);
      const isLeft = row.vault_no === null || row.is_gone !== 0 || row.is_beaten !== 0 || name === last;
      if (isLeft) leaveOver.run(row.is_gone, row.at);
      else yield toArchive(row, row.vault_no as number);
      last = name;
    }
  };
  return target.insert('archives', kept());
}

function noteId({ state }: Scratch, { account, region, vault, archive_id }: SingleRow): void {
  state.noteForeignId({ account, region, name: vault }, archive_id);
}

function toArchive(row: SingleRow, vault_no: number): Insertable<Schema['archives']> {
  const { archive_id: id, description, created_ms, arrived_ms, size, tree_hash, ref } = row;
  const times = { created_ms, arrived_ms };
  return { id, vault_no, description, ...times, size, tree_hash, ref, upload_no: null, damaged_ms: null };
}
