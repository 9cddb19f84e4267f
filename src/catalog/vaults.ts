import { type SelectQueryBuilder, sql } from 'kysely';
import type { CatalogReads, CatalogWrites, Paging, VaultOwner } from '../domain/catalog.ts';
import { ApiError } from '../domain/errors.ts';
import { type Page, toPage } from '../domain/page.ts';
import { mergeTags, type Tags } from '../domain/tags.ts';
import { requireDeletable, type Vault, type VaultKey, vaultNotFound } from '../domain/vault.ts';
import type { Schema } from './schema.ts';
import { record, type Source, type Tx } from './transaction.ts';

type VaultReads = Pick<CatalogReads, 'findVault' | 'listVaults' | 'tagsOf'>;

export function vaultReads(source: Source): VaultReads {
  return {
    findVault: (key) => findVault(source, key),
    listVaults: (owner, page) => listVaults(source, owner, page),
    tagsOf: (vaultNo) => tagsOf(source, vaultNo),
  };
}

async function findVault({ db }: Source, key: VaultKey): Promise<Vault | undefined> {
  const row = await db
    .selectFrom('vaults as v')
    .where('account', '=', key.account)
    .where('region', '=', key.region)
    .where('name', '=', key.name)
    .$call(withCounts)
    .executeTakeFirst();
  return row && toVault(row);
}

async function listVaults({ db }: Source, owner: VaultOwner, page: Paging<string>): Promise<Page<Vault>> {
  const rows = await db
    .selectFrom('vaults as v')
    .where('account', '=', owner.account)
    .where('region', '=', owner.region)
    .$if(page.after !== null, (q) => q.where('name', '>', page.after ?? ''))
    .$call(withCounts)
    .orderBy('name')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toVault), page.limit);
}

/** The sums are few rows each: at most one for each shard. */
function withCounts<Row>(query: SelectQueryBuilder<Schema & { v: Schema['vaults'] }, 'v', Row>) {
  const sum = (column: 'archives' | 'bytes') =>
    sql<number>`(select cast(coalesce(sum(c.${sql.ref(column)}), 0) as bigint) from vault_counts c where c.vault_no = v.no)`;
  return query.select([
    'v.no',
    'v.account',
    'v.region',
    'v.name',
    'v.created_ms',
    sum('archives').as('archives'),
    sum('bytes').as('bytes'),
    sql<number | null>`(select max(c.written_ms) from vault_counts c where c.vault_no = v.no)`.as(
      'written_ms',
    ),
  ]);
}

interface VaultRow extends VaultKey {
  no: number;
  created_ms: number;
  archives: number;
  bytes: number;
  written_ms: number | null;
}

function toVault(row: VaultRow): Vault {
  const { no, account, region, name, archives, bytes } = row;
  return { no, account, region, name, archives, bytes, createdMs: row.created_ms, writtenMs: row.written_ms };
}

async function tagsOf({ db }: Source, vaultNo: number): Promise<Tags> {
  const rows = await db
    .selectFrom('tags')
    .select(['key', 'value'])
    .where('vault_no', '=', vaultNo)
    .orderBy('key')
    .execute();
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
}

export async function createVault(
  tx: Tx,
  { key, nowMs, limit }: Parameters<CatalogWrites['createVault']>[0],
): Promise<void> {
  const { account, region, name } = key;
  if (await findVault(tx, key)) return;
  const { count } = await tx.db
    .selectFrom('vaults')
    .select((e) => e.fn.countAll<number>().as('count'))
    .where('account', '=', account)
    .where('region', '=', region)
    .executeTakeFirstOrThrow();
  if (count >= limit) {
    throw new ApiError(
      'LimitExceededException',
      `The account ${account} has ${count} vaults in ${region}; the limit is ${limit}. Delete one to create ${name}.`,
    );
  }
  await tx.db
    .insertInto('vaults')
    .values({ account, region, name, created_ms: nowMs })
    .onConflict((c) => c.columns(['account', 'region', 'name']).doNothing())
    .execute();
  await record(tx, { type: 'vault-created', account, region, vault: name, at: nowMs });
}

export async function deleteVault(
  tx: Tx,
  { key, nowMs }: Parameters<CatalogWrites['deleteVault']>[0],
): Promise<boolean> {
  const found = await findVault(tx, key);
  if (!found) return false;
  await holdVault(tx, found.no, 'to-change');
  // Read again: on PostgreSQL an upload may have ended while this waited for the row.
  const vault = await findVault(tx, key);
  if (vault?.no !== found.no) return false;
  requireDeletable(vault);
  await discardUploads(tx, vault.no, nowMs);
  await tx.db.deleteFrom('tags').where('vault_no', '=', vault.no).execute();
  await tx.db.deleteFrom('vault_counts').where('vault_no', '=', vault.no).execute();
  await tx.db.deleteFrom('vaults').where('no', '=', vault.no).execute();
  const { account, region, name } = key;
  await record(tx, { type: 'vault-deleted', account, region, vault: name, at: nowMs });
  return true;
}

/** Open uploads go with their vault: their parts to the garbage list, the rows away. */
async function discardUploads(tx: Tx, vaultNo: number, nowMs: number): Promise<void> {
  const open = tx.db
    .selectFrom('uploads')
    .select(['no as upload_no', sql<number>`cast(${nowMs} as bigint)`.as('noted_ms')])
    .where('vault_no', '=', vaultNo)
    .where('state', '=', 'open');
  await tx.db.insertInto('garbage').columns(['upload_no', 'noted_ms']).expression(open).execute();
  await tx.db.deleteFrom('uploads').where('vault_no', '=', vaultNo).execute();
}

/**
 * Makes sure that the vault stays until the transaction ends, and gives its name. Writers into a vault hold
 * it together; deleting or changing it needs it alone.
 * @throws 404 when it is gone.
 */
export async function holdVault(
  tx: Tx,
  vaultNo: number,
  why: 'to-write-into' | 'to-change',
): Promise<VaultKey> {
  const row = await tx.db
    .selectFrom('vaults')
    .select(['account', 'region', 'name'])
    .where('no', '=', vaultNo)
    .$if(tx.engine.rowLocks, (q) => (why === 'to-change' ? q.forUpdate() : q.forKeyShare()))
    .executeTakeFirst();
  if (!row) throw vaultNotFound({ account: '', region: '', name: `(deleted) ${vaultNo}` });
  return row;
}

/** Adds to the vault's counts in the transaction's shard, and moves the time of its last write. */
export async function count(
  tx: Tx,
  vaultNo: number,
  archives: number,
  bytes: number,
  nowMs: number,
): Promise<void> {
  await tx.db
    .insertInto('vault_counts')
    .values({ vault_no: vaultNo, shard: tx.shard, archives, bytes, written_ms: nowMs })
    .onConflict((c) =>
      c.columns(['vault_no', 'shard']).doUpdateSet((e) => ({
        archives: e('vault_counts.archives', '+', archives),
        bytes: e('vault_counts.bytes', '+', bytes),
        written_ms: nowMs,
      })),
    )
    .execute();
}

export async function addTags(
  tx: Tx,
  { vaultNo, tags }: Parameters<CatalogWrites['addTags']>[0],
): Promise<void> {
  const vault = await holdVault(tx, vaultNo, 'to-change');
  const merged = mergeTags(await tagsOf(tx, vaultNo), tags);
  for (const [key, value] of Object.entries(tags)) {
    await tx.db
      .insertInto('tags')
      .values({ vault_no: vaultNo, key, value })
      .onConflict((c) => c.columns(['vault_no', 'key']).doUpdateSet({ value }))
      .execute();
  }
  await recordTags(tx, vault, merged);
}

export async function removeTags(
  tx: Tx,
  { vaultNo, keys }: Parameters<CatalogWrites['removeTags']>[0],
): Promise<void> {
  const vault = await holdVault(tx, vaultNo, 'to-change');
  await tx.db.deleteFrom('tags').where('vault_no', '=', vaultNo).where('key', 'in', keys).execute();
  await recordTags(tx, vault, await tagsOf(tx, vaultNo));
}

async function recordTags(tx: Tx, { account, region, name }: VaultKey, tags: Tags): Promise<void> {
  await record(tx, { type: 'vault-tags', account, region, vault: name, tags });
}
