import type { AddTagsArgs, RemoveTagsArgs, TagReads, TagWrites } from '../domain/tag-catalog.ts';
import { mergeTags, type Tags } from '../domain/tags.ts';
import type { VaultKey } from '../domain/vault.ts';
import { appendEntry } from './journal.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { bumpPolicyVersion } from './vault-policies.ts';
import { lockVaultRow } from './vaults.ts';

export function tagReads(source: Source): TagReads {
  return { tagsOf: (vaultNo) => tagsOf(source, vaultNo) };
}

export const tagWrites: InTransaction<TagWrites> = { addTags, removeTags };

/** A vault's tags, by key. */
export async function tagsOf({ db }: Source, vaultNo: number): Promise<Tags> {
  const rows = await db
    .selectFrom('tags')
    .select(['key', 'value'])
    .where('vault_no', '=', vaultNo)
    .orderBy('key')
    .execute();
  return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
}

async function addTags(tx: Tx, { vaultNo, tags }: AddTagsArgs): Promise<void> {
  const vault = await lockVaultRow(tx, vaultNo, 'to-change');
  const merged = mergeTags(await tagsOf(tx, vaultNo), tags);
  for (const [key, value] of Object.entries(tags)) {
    await tx.db
      .insertInto('tags')
      .values({ vault_no: vaultNo, key, value })
      .onConflict((c) => c.columns(['vault_no', 'key']).doUpdateSet({ value }))
      .execute();
  }
  await bumpPolicyVersion(tx, vaultNo);
  await appendTagsEntry(tx, vault, merged);
}

async function removeTags(tx: Tx, { vaultNo, keys }: RemoveTagsArgs): Promise<void> {
  const vault = await lockVaultRow(tx, vaultNo, 'to-change');
  await tx.db.deleteFrom('tags').where('vault_no', '=', vaultNo).where('key', 'in', keys).execute();
  await bumpPolicyVersion(tx, vaultNo);
  await appendTagsEntry(tx, vault, await tagsOf(tx, vaultNo));
}

async function appendTagsEntry(tx: Tx, { account, region, name }: VaultKey, tags: Tags): Promise<void> {
  await appendEntry(tx, { type: 'vault-tags', account, region, vault: name, tags });
}
