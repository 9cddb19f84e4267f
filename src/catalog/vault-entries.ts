/** Entries that say all that the catalog has of vaults, their settings and their open uploads. */
import type { JournalCatalogArgs, OutboxWrites } from '../domain/outbox-catalog.ts';
import type { VaultKey } from '../domain/vault.ts';
import { appendEntry } from './journal.ts';
import { appendPeople } from './people-entries.ts';
import { toLock } from './policy-row.ts';
import { tagsOf } from './tags.ts';
import type { InTransaction, Tx } from './transaction.ts';
import { toStartedEntry } from './uploads.ts';
import { toVaultLockEntry } from './vault-policies.ts';
import { lockVaultRow } from './vaults.ts';

export const vaultEntryWrites: InTransaction<Pick<OutboxWrites, 'journalCatalog'>> = { journalCatalog };

/** Bounds a transaction. */
const VAULTS_AT_ONCE = 100;

async function journalCatalog(tx: Tx, { after }: JournalCatalogArgs): Promise<number | null> {
  if (after === null) {
    await appendPeople(tx);
    const policies = await tx.db.selectFrom('retrieval_policies').selectAll().execute();
    for (const policy of policies) await appendEntry(tx, { type: 'retrieval-policy', ...policy });
  }
  const vaults = await tx.db
    .selectFrom('vaults')
    .select(['no', 'created_ms'])
    .where('no', '>', after ?? 0)
    .orderBy('no')
    .limit(VAULTS_AT_ONCE)
    .execute();
  for (const vault of vaults) await appendVault(tx, vault);
  return vaults.at(-1)?.no ?? null;
}

/** While its row is locked, no other entry about the vault is numbered. */
async function appendVault(
  tx: Tx,
  { no, created_ms: at }: { no: number; created_ms: number },
): Promise<void> {
  const { account, region, name } = await lockVaultRow(tx, no, 'to-change');
  const vault = { account, region, vault: name };
  const append = (body: Record<string, unknown>) => appendEntry(tx, { ...body, ...vault });
  const row = await tx.db
    .selectFrom('vault_policies')
    .selectAll()
    .where('vault_no', '=', no)
    .executeTakeFirst();
  const config = await tx.db
    .selectFrom('vault_notifications')
    .select(['topic', 'events'])
    .where('vault_no', '=', no)
    .executeTakeFirst();
  await append({ type: 'vault-created', at });
  await append({ type: 'vault-tags', tags: await tagsOf(tx, no) });
  await append({
    type: 'vault-notifications',
    topic: config?.topic ?? null,
    events: config?.events.split(',') ?? [],
  });
  await append({ type: 'vault-access-policy', policy: row?.access_policy ?? null });
  await append(toVaultLockEntry(row ? toLock(row) : null, at));
  await appendUploads(tx, { account, region, name }, no);
}

async function appendUploads(tx: Tx, vault: VaultKey, vaultNo: number): Promise<void> {
  const open = await tx.db
    .selectFrom('uploads')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .where('state', '=', 'open')
    .orderBy('no')
    .execute();
  for (const row of open) await appendEntry(tx, toStartedEntry(vault, row));
}
