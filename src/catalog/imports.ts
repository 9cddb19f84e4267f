import type { StoredArchive } from '../domain/archive-catalog.ts';
import { type ImportedBytes, unusableArchiveId } from '../domain/import.ts';
import type {
  ClaimArchiveIdArgs,
  ImportedId,
  ImportReads,
  ImportWrites,
  NewImport,
  NewImportUpload,
  ReleaseArchiveIdArgs,
} from '../domain/import-catalog.ts';
import { findArchive, insertNumbered } from './archives.ts';
import { fromHex, keyOfId } from './digest.ts';
import { claimIdRow, findIdRow, noteIdRows, releaseIdRow, settleIdRow } from './imported-ids.ts';
import { appendEntry } from './journal.ts';
import { statement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { insertUpload, toStartedEntry } from './uploads.ts';
import { lockVaultRow } from './vaults.ts';

export function importReads(source: Source): ImportReads {
  return { findImportedId: (archiveId) => findImportedId(source, archiveId) };
}

export const importWrites: InTransaction<ImportWrites> = {
  claimArchiveId,
  releaseArchiveId,
  importArchive,
  startImport,
  noteUsedIds: (tx, { archiveIds }) => noteIdRows(tx, archiveIds),
};

async function findImportedId(source: Source, archiveId: string): Promise<ImportedId | undefined> {
  const row = await findIdRow(source, archiveId);
  return row && { vaultNo: row.vault_no, isClaimed: row.token !== null };
}

async function claimArchiveId(tx: Tx, a: ClaimArchiveIdArgs): Promise<'claimed' | 'there'> {
  const claim = { key: keyOfId(a.archiveId), vaultNo: a.vaultNo, declared: toDeclared(a), token: a.token };
  if ((await claimIdRow(tx, claim)) === a.token) return 'claimed';
  return requireThere(tx, a.archiveId, a);
}

/** The bytes as text, to compare claims by. */
function toDeclared({ size, treeHash }: ImportedBytes): string {
  return `${size} ${treeHash}`;
}

/** @throws Refusal invalid unless an archive of this id is there that has these bytes. */
async function requireThere(tx: Tx, archiveId: string, bytes: ImportedBytes): Promise<'there'> {
  const archive = await findArchive(tx, bytes.vaultNo, archiveId);
  if (archive && isSame(archive, bytes)) return 'there';
  throw unusableArchiveId(archiveId);
}

function isSame(archive: StoredArchive, { size, treeHash }: ImportedBytes): boolean {
  return archive.size === size && archive.treeHash === treeHash;
}

async function releaseArchiveId(tx: Tx, { archiveId, token }: ReleaseArchiveIdArgs): Promise<void> {
  await releaseIdRow(tx, archiveId, token);
}

async function importArchive(tx: Tx, a: NewImport): Promise<'added' | 'there'> {
  const { vaultNo, id, size, treeHash } = a;
  const vault = await lockVaultRow(tx, vaultNo, 'to-write-into');
  if (!(await settleIdRow(tx, { key: keyOfId(id), vaultNo, declared: toDeclared(a) })))
    return requireThere(tx, id, a);
  const row = {
    ...{
      id,
      vault_no: vaultNo,
      description: a.description,
      created_ms: a.createdMs,
      arrived_ms: a.arrivedMs,
    },
    ...{ size, tree_hash: fromHex(treeHash), ref: a.ref, upload_no: null },
  };
  await insertNumbered(tx, vault, row, a.sequence);
  return 'added';
}

/** No bytes are `declared` yet, so the id must be free. */
const NOT_DECLARED = '';

async function startImport(tx: Tx, a: NewImportUpload): Promise<string> {
  const vault = await lockVaultRow(tx, a.vaultNo, 'to-write-into');
  const key = keyOfId(a.archiveId);
  if (!(await settleIdRow(tx, { key, vaultNo: a.vaultNo, declared: NOT_DECLARED })))
    return repeatStart(tx, a, key);
  await insertUpload(tx, vault, a, { import_key: key, imported_by: a.importedBy, given_ms: a.givenMs });
  return a.id;
}

async function repeatStart(tx: Tx, a: NewImportUpload, key: Uint8Array): Promise<string> {
  const open = await FIND_OPEN_IMPORT.first(tx, { key });
  if (
    open === undefined ||
    open.vault_no !== a.vaultNo ||
    open.part_size !== a.partSize ||
    open.description !== a.description ||
    open.imported_by !== a.importedBy ||
    open.given_ms !== a.givenMs
  )
    throw unusableArchiveId(a.archiveId);
  // The process that started it may have died before its entry reached the journal.
  await appendEntry(tx, toStartedEntry(await lockVaultRow(tx, a.vaultNo, 'to-write-into'), open));
  return open.id;
}

/** Locked, so that its entry is not numbered after that of its end. */
const FIND_OPEN_IMPORT = statement((db, { key }: { key: Uint8Array }, { rowLocks }) =>
  db
    .selectFrom('uploads')
    .selectAll()
    .where('import_key', '=', key)
    .where('state', '=', 'open')
    .$if(rowLocks, (q) => q.forUpdate()),
);
