/** Builds the new catalog from a scratch that has all that the store holds. */
import { sql } from 'kysely';
import type { ClaimGenerationArgs } from '../../domain/store-link.ts';
import { outboxWrites } from '../journal.ts';
import { copySingles } from './copy-archives.ts';
import { copyImportedIds } from './copy-imported-ids.ts';
import { type CopiedPeople, copyPeople } from './copy-people.ts';
import { copyUploads } from './copy-uploads.ts';
import { copyVaults, countArchives } from './copy-vaults.ts';
import type { Scratch } from './scratch.ts';
import type { RebuildTarget } from './target.ts';

interface BuildOptions {
  readonly nowMs: number;
  /** Uploads that ended earlier are not remembered. */
  readonly rememberedSinceMs: number;
  /** Whether the secret of an access key can be opened. */
  canOpen(id: string, sealedSecret: string): boolean;
  readonly link: ClaimGenerationArgs;
  /** Settings of the new catalog beside those that the journal has. */
  readonly settings: Readonly<Record<string, string>>;
  /** The setting that is `true` while the catalog counts as older than the store, as after damage of the journal. */
  readonly olderSetting: string;
}

/** What the new catalog has. */
export interface BuiltCatalog extends CopiedPeople {
  readonly vaults: number;
  readonly archives: number;
  readonly openUploads: number;
  /** Blobs that the journal says are deleted or replaced. The next server removes them. */
  readonly garbage: number;
  /** Its commit number, above all in the store. */
  readonly commitNumber: number;
}

/** Writes the whole catalog. Adds to the scratch what is left over and damaged. */
export async function buildCatalog(
  scratch: Scratch,
  target: RebuildTarget,
  options: BuildOptions,
): Promise<BuiltCatalog> {
  const { nowMs, canOpen, link, settings } = options;
  scratch.exec('create index used_ids_by_key on used_ids (key)');
  // Before any is dropped: later uploads must get numbers above all of them.
  boundNumbers(scratch);
  dropIncompleteBulks(scratch);
  addAccountsOfVaults(scratch);
  const people = await copyPeople(scratch, target, nowMs, canOpen);
  await target.insert(
    'settings',
    Object.entries(settings).map(([name, value]) => ({ name, value })),
  );
  const vaults = await copyVaults(scratch, target);
  const uploads = await copyUploads(scratch, target, options);
  const archives = uploads.archives + (await copySingles(scratch, target));
  await copyImportedIds(scratch, target);
  await countArchives(scratch, target);
  const garbage = await addGarbage(scratch, target, nowMs);
  if (scratch.hasDamage('journal'))
    await target.insert('settings', [{ name: options.olderSetting, value: 'true' }]);
  const commitNumber = await linkTo(scratch, target, link);
  return { ...people, vaults, archives, openUploads: uploads.open, garbage, commitNumber };
}

/** Notes how far the bulk deletions of each name of a vault go. */
function boundNumbers(scratch: Scratch): void {
  scratch.exec(`create table bounds as
    select account, region, vault, max(up_to) as up_to from bulks group by account, region, vault`);
}

/** A bulk deletion of which some entries are lost must not delete anything. */
function dropIncompleteBulks(scratch: Scratch): void {
  const incomplete = [
    ...scratch.rows(`select bulk_id, kept, found from (
      select b.*, (select count(*) from kept k where k.bulk_id = b.bulk_id) as found from bulks b) where found < kept`),
  ];
  for (const { bulk_id: bulkId, kept, found } of incomplete) {
    scratch.prepare('delete from bulks where bulk_id = ?').run(bulkId as string);
    scratch.addDamage(
      'journal',
      `the bulk deletion ${bulkId} keeps ${kept} archives, of which the journal names only ${found}: it was not applied`,
    );
  }
}

/** Stores of earlier versions have no entries of accounts. */
function addAccountsOfVaults(scratch: Scratch): void {
  scratch.exec(`insert or ignore into accounts select account, min(created_ms) from vaults group by account;
    insert or ignore into settings select 'account-id', id from accounts where (select count(*) from accounts) = 1`);
}

/**
 * Lists as garbage what the journal says is deleted or replaced, and outputs of jobs. While the journal is damaged nothing
 * says so for sure.
 */
async function addGarbage(scratch: Scratch, target: RebuildTarget, nowMs: number): Promise<number> {
  scratch.exec(`insert into leftovers select ref, account, region, vault, archive_id, kind, size, created_ms, 1
    from others where kind = 'inventory'`);
  if (scratch.hasDamage('journal')) scratch.exec('update leftovers set is_garbage = 0');
  const refs = scratch.rows('select ref from leftovers where is_garbage = 1');
  const rows = function* () {
    for (const { ref } of refs) yield { ref: ref as string, upload_no: null, noted_ms: nowMs };
  };
  return target.insert('garbage', rows());
}

/** Ties the catalog to the store, and makes its numbers greater than all in the store. @returns its commit number. */
async function linkTo(
  scratch: Scratch,
  target: RebuildTarget,
  { catalogId, storeId, generation }: ClaimGenerationArgs,
): Promise<number> {
  const { db, engine } = target;
  const number = scratch.maxima.commitNumber + 1;
  const execute = () => Promise.reject(new Error('a rebuild runs no prepared statements'));
  const jobMessage = () => '';
  const tx = { db, engine, execute, jobMessage, shard: 0, entries: [] };
  // The next server journals them again, under the same numbers.
  const unproven = scratch.rows('select seq, entry from unproven order by seq');
  await target.insert('store_records', unproven as Iterable<{ seq: number; entry: string }>);
  await outboxWrites.skipEntrySeqs(tx, { beyond: scratch.maxima.seq });
  await sql`update store_link set catalog_id = ${catalogId}, store_id = ${storeId}, generation = ${generation}`.execute(
    db,
  );
  await sql`update commit_number set number = ${number}`.execute(db);
  return number;
}
