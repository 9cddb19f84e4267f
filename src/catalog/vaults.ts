import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import { Refusal } from '../domain/errors.ts';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import {
  policyVersionOf,
  requireDeletable,
  type Vault,
  type VaultKey,
  type VaultOwner,
  type VaultState,
  vaultNotFound,
} from '../domain/vault.ts';
import type {
  CreateVaultArgs,
  DeleteVaultArgs,
  VaultKeyFilter,
  VaultReads,
  VaultWrites,
} from '../domain/vault-catalog.ts';
import type { VaultLock } from '../domain/vault-lock.ts';
import { freeIdsOfUploads } from './imported-ids.ts';
import { appendEntry } from './journal.ts';
import { policiesChangedError, requireSameVersion, toPolicies } from './policy-row.ts';
import type { Schema } from './schema.ts';
import { statement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

export function vaultReads(source: Source): VaultReads {
  return {
    findVault: (key) => findVault(source, key),
    findVaultState: (key) => findVaultState(source, key),
    hasVaults: () => hasVaults(source),
    listVaultKeys: (filter) => listVaultKeys(source, filter),
    listVaults: (owner, page) => listVaults(source, owner, page),
  };
}

export const vaultWrites: InTransaction<VaultWrites> = { createVault, deleteVault, forgetVaults };

const VAULT_COLUMNS = [
  'v.no',
  'v.account',
  'v.region',
  'v.name',
  'v.created_ms',
  'p.access_policy',
  'p.lock_policy',
  'p.lock_state',
  'p.lock_id_hash',
  'p.lock_created_ms',
  'p.version',
] as const;

async function findVault(source: Source, key: VaultKey): Promise<Vault | undefined> {
  const row = await FIND_VAULT.first(source, key);
  return row && toVault(row);
}

const FIND_VAULT = statement((db, key: VaultKey) =>
  db
    .selectFrom('vaults as v')
    .leftJoin('vault_policies as p', 'p.vault_no', 'v.no')
    .where('v.account', '=', key.account)
    .where('v.region', '=', key.region)
    .where('v.name', '=', key.name)
    .select(VAULT_COLUMNS),
);

async function findVaultState(source: Source, key: VaultKey): Promise<VaultState | undefined> {
  const row = await FIND_VAULT_STATE.first(source, key);
  return row && toVaultState(row);
}

const FIND_VAULT_STATE = statement((db, key: VaultKey) =>
  db
    .selectFrom('vaults as v')
    .leftJoin('vault_inventories as i', 'i.vault_no', 'v.no')
    .leftJoin('vault_policies as p', 'p.vault_no', 'v.no')
    .where('v.account', '=', key.account)
    .where('v.region', '=', key.region)
    .where('v.name', '=', key.name)
    .$call(withState),
);

/** The number of a vault; undefined if there is none. */
export async function findVaultNo(source: Source, key: VaultKey): Promise<number | undefined> {
  return (await findVault(source, key))?.no;
}

/** For commands: scans all vaults. */
async function listVaultKeys({ db }: Source, { name, limit }: VaultKeyFilter): Promise<readonly VaultKey[]> {
  return db
    .selectFrom('vaults')
    .select(['account', 'region', 'name'])
    .$if(name !== null, (q) => q.where('name', '=', name))
    .orderBy('name')
    .orderBy('account')
    .orderBy('region')
    .limit(limit)
    .execute();
}

async function hasVaults({ db }: Source): Promise<boolean> {
  return (await db.selectFrom('vaults').select('no').limit(1).executeTakeFirst()) !== undefined;
}

async function listVaults(
  { db }: Source,
  owner: VaultOwner,
  page: Paging<string>,
): Promise<Page<VaultState>> {
  const rows = await db
    .selectFrom('vaults as v')
    .leftJoin('vault_inventories as i', 'i.vault_no', 'v.no')
    .leftJoin('vault_policies as p', 'p.vault_no', 'v.no')
    .where('v.account', '=', owner.account)
    .where('v.region', '=', owner.region)
    .$if(page.after !== null, (q) => q.where('v.name', '>', page.after ?? ''))
    .$call(withState)
    .orderBy('v.name')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toVaultState), page.limit);
}

type Joined = Schema & {
  v: Schema['vaults'];
  i: Nullable<Schema['vault_inventories']>;
  p: Nullable<Schema['vault_policies']>;
};
type Nullable<Table> = { [Column in keyof Table]: Table[Column] | null };

/** Adds the vault's counts, at most one row a shard, and its last inventory. */
function withState<Row>(query: SelectQueryBuilder<Joined, 'v' | 'i' | 'p', Row>) {
  const sum = (column: 'archives' | 'bytes') =>
    sql<number>`(select cast(coalesce(sum(c.${sql.ref(column)}), 0) as bigint) from vault_counts c where c.vault_no = v.no)`;
  return query.select([
    ...VAULT_COLUMNS,
    sum('archives').as('archives'),
    sum('bytes').as('bytes'),
    sql<number | null>`(select max(c.written_ms) from vault_counts c where c.vault_no = v.no)`.as(
      'written_ms',
    ),
    'i.taken_ms',
    'i.archives as inventory_archives',
    'i.bytes as inventory_bytes',
  ]);
}

interface VaultRow extends VaultKey {
  no: number;
  created_ms: number;
  access_policy: string | null;
  lock_policy: string | null;
  lock_state: VaultLock['state'] | null;
  lock_id_hash: string | null;
  lock_created_ms: number | null;
  version: number | null;
}

interface VaultStateRow extends VaultRow {
  archives: number;
  bytes: number;
  written_ms: number | null;
  taken_ms: number | null;
  inventory_archives: number | null;
  inventory_bytes: number | null;
}

function toVault(row: VaultRow): Vault {
  const { no, account, region, name, created_ms: createdMs, version } = row;
  return {
    no,
    account,
    region,
    name,
    createdMs,
    policies: version === null ? null : toPolicies({ ...row, version }),
  };
}

function toVaultState(row: VaultStateRow): VaultState {
  const { archives, bytes, written_ms: writtenMs, taken_ms: takenMs } = row;
  const inventory =
    takenMs === null
      ? null
      : { takenMs, archives: row.inventory_archives ?? 0, bytes: row.inventory_bytes ?? 0 };
  return { ...toVault(row), archives, bytes, writtenMs, inventory };
}

async function createVault(tx: Tx, { key, nowMs, limit }: CreateVaultArgs): Promise<void> {
  const { account, region, name } = key;
  await serializeOwner(tx, key);
  if (await findVault(tx, key)) return;
  const { count } = await tx.db
    .selectFrom('vaults')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('account', '=', account)
    .where('region', '=', region)
    .executeTakeFirstOrThrow();
  if (count >= limit) {
    throw new Refusal(
      'limit-reached',
      `The account ${account} has ${count} vaults in ${region}; the limit is ${limit}. Delete one to create ${name}.`,
    );
  }
  await tx.db
    .insertInto('vaults')
    .values({ account, region, name, created_ms: nowMs, emptied_to: await emptiedTo(tx, key) })
    .onConflict((c) => c.columns(['account', 'region', 'name']).doNothing())
    .execute();
  await appendEntry(tx, { type: 'vault-created', account, region, vault: name, at: nowMs });
}

/** The bound of bulk deletions in earlier vaults of this name. */
async function emptiedTo({ db }: Tx, { account, region, name }: VaultKey): Promise<number> {
  const bound = db.selectFrom('bulk_bounds').select('up_to').where('account', '=', account);
  const row = await bound.where('region', '=', region).where('vault', '=', name).executeTakeFirst();
  return row?.up_to ?? 0;
}

async function deleteVault(tx: Tx, { key, authorized, nowMs, mode }: DeleteVaultArgs): Promise<boolean> {
  const found = await findVault(tx, key);
  if (!found) return false;
  // Now another vault has this name, and its policies were not evaluated.
  if (authorized?.no !== found.no) throw policiesChangedError();
  await tryLockVaultRow(tx, found.no, 'to-change');
  // Read again: on PostgreSQL an upload or another deletion may have committed while this waited.
  const vault = await findVaultState(tx, key);
  if (vault?.no !== found.no) return false;
  requireSameVersion(policyVersionOf(vault), authorized.policyVersion);
  requireDeletable(vault, mode);
  await discardContents(tx, vault.no, nowMs);
  await tx.db.deleteFrom('vaults').where('no', '=', vault.no).execute();
  const { account, region, name } = key;
  await appendEntry(tx, { type: 'vault-deleted', account, region, vault: name, at: nowMs });
  return true;
}

/** Deletes all that belongs to a vault; blobs of open uploads and inventories go to the garbage list. */
async function discardContents(tx: Tx, vaultNo: number, nowMs: number): Promise<void> {
  const noted = sql<number>`cast(${nowMs} as bigint)`.as('noted_ms');
  const uploads = tx.db.selectFrom('uploads').select(['no as upload_no', noted]);
  const open = uploads.where('vault_no', '=', vaultNo).where('state', '=', 'open');
  await tx.db.insertInto('garbage').columns(['upload_no', 'noted_ms']).expression(open).execute();
  const outputs = tx.db.selectFrom('jobs').select(['ref', noted]).where('vault_no', '=', vaultNo);
  const inventories = outputs.where('kind', '=', 'inventory').where('ref', 'is not', null);
  await tx.db.insertInto('garbage').columns(['ref', 'noted_ms']).expression(inventories).execute();
  await freeIdsOfUploads(tx, vaultNo);
  for (const table of [
    'uploads',
    'jobs',
    'tags',
    'vault_counts',
    'vault_inventories',
    'vault_notifications',
    'vault_policies',
    'deleted_archives',
  ] as const) {
    await tx.db.deleteFrom(table).where('vault_no', '=', vaultNo).execute();
  }
  await tx.db
    .updateTable('tasks')
    .set({ state: 'Failed', message: 'The vault was deleted.', completed_ms: nowMs })
    .where('vault_no', '=', vaultNo)
    .where('completed_ms', 'is', null)
    .where('marked_ms', 'is', null)
    .execute();
}

const OF_VAULTS = [
  'vaults',
  'vault_counts',
  'vault_inventories',
  'vault_notifications',
  'vault_policies',
  'tags',
  'archives',
  'deleted_archives',
  'imported_ids',
  'uploads',
  'parts',
  'jobs',
  'notifications',
  'garbage',
  'damage',
  'retrieval_policies',
  'capacity_units',
  'tasks',
  'task_archives',
  'direct_reads',
] as const;

/** The numbers of entries continue, because the store's journal has the old ones. */
async function forgetVaults(tx: Tx): Promise<void> {
  for (const table of OF_VAULTS) await tx.db.deleteFrom(table).execute();
}

/** Serializes writes that count against an owner's limit, so that two do not both take the last place. */
export async function serializeOwner({ db, engine }: Tx, { account, region }: VaultOwner): Promise<void> {
  if (!engine.rowLocks) return;
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${account}/${region}`}, 0))`.execute(db);
}

/**
 * Locks the vault's row until the transaction ends, and returns the vault's key with what writes need of it. `to-write-into` is shared; `to-change`,
 * for changing or deleting the vault, is exclusive.
 * @throws Refusal not-found when the vault is gone.
 */
export async function lockVaultRow(tx: Tx, vaultNo: number, why: RowLockReason): Promise<LockedVaultRow> {
  const row = await tryLockVaultRow(tx, vaultNo, why);
  if (!row) throw vaultNotFound({ account: '', region: '', name: `(deleted) ${vaultNo}` });
  return row;
}

type RowLockReason = 'to-write-into' | 'to-change';

export interface LockedVaultRow extends VaultKey {
  readonly createdMs: number;
  /** New archives get greater numbers than this. */
  readonly emptiedTo: number;
}

function tryLockVaultRow(tx: Tx, vaultNo: number, why: RowLockReason): Promise<LockedVaultRow | undefined> {
  return LOCK_VAULT_ROW[why].first(tx, { vaultNo });
}

const LOCK_VAULT_ROW = {
  'to-write-into': statement((db, { vaultNo }: { vaultNo: number }, { rowLocks }) =>
    vaultKeyOf(db, vaultNo).$if(rowLocks, (q) => q.forKeyShare()),
  ),
  'to-change': statement((db, { vaultNo }: { vaultNo: number }, { rowLocks }) =>
    vaultKeyOf(db, vaultNo).$if(rowLocks, (q) => q.forUpdate()),
  ),
};

function vaultKeyOf(db: Kysely<Schema>, vaultNo: number) {
  return db
    .selectFrom('vaults')
    .select(['account', 'region', 'name', 'created_ms as createdMs', 'emptied_to as emptiedTo'])
    .where('no', '=', vaultNo);
}
