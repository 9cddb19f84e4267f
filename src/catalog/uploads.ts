import type { Selectable } from 'kysely';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { NUMBERS_PER_MS } from '../domain/sequence.ts';
import { assemble, type Upload, uploadNotFound } from '../domain/upload.ts';
import type {
  AbortUploadArgs,
  CompleteOutcome,
  CompleteUploadArgs,
  ExpireUploadArgs,
  ForgetUploadsArgs,
  NewUpload,
  UploadReads,
  UploadWrites,
} from '../domain/upload-catalog.ts';
import type { VaultKey } from '../domain/vault.ts';
import { insertArchive } from './archives.ts';
import { fromHex, toHex } from './digest.ts';
import { freeId } from './imported-ids.ts';
import { appendEntry } from './journal.ts';
import { allParts } from './parts.ts';
import type { Schema, UploadRow } from './schema.ts';
import { statement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { requireVersion } from './vault-policies.ts';
import { lockVaultRow } from './vaults.ts';

export function uploadReads(source: Source): UploadReads {
  return {
    findUpload: (vaultNo, id) => findUpload(source, vaultNo, id),
    listUploads: (vaultNo, page) => listUploads(source, vaultNo, page),
    idleUploads: (beforeMs, limit) => idleUploads(source, beforeMs, limit),
  };
}

export const uploadWrites: InTransaction<UploadWrites> = {
  startUpload,
  completeUpload,
  abortUpload,
  expireUpload,
  forgetUploads,
};

async function findUpload(source: Source, vaultNo: number, id: string): Promise<Upload | undefined> {
  const row = await FIND_UPLOAD.first(source, { vaultNo, id });
  return row && toUpload(row);
}

const FIND_UPLOAD = statement((db, { vaultNo, id }: { vaultNo: number; id: string }) =>
  db
    .selectFrom('uploads')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .where('id', '=', id)
    .where('state', '=', 'open'),
);

async function listUploads({ db }: Source, vaultNo: number, page: Paging<number>): Promise<Page<Upload>> {
  const rows = await db
    .selectFrom('uploads')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .where('state', '=', 'open')
    .where('no', '>', page.after ?? 0)
    .orderBy('no')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows.map(toUpload), page.limit);
}

/** Activity is the start or a stored part. It is read from the parts, so that no part writes to the upload's row. */
async function idleUploads({ db }: Source, beforeMs: number, limit: number): Promise<readonly Upload[]> {
  const rows = await db
    .selectFrom('uploads as u')
    .selectAll()
    .where('state', '=', 'open')
    .where('created_ms', '<', beforeMs)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('parts as p')
            .select('p.first')
            .whereRef('p.upload_no', '=', 'u.no')
            .where('p.stored_ms', '>=', beforeMs),
        ),
      ),
    )
    .orderBy('created_ms')
    .limit(limit)
    .execute();
  return rows.map(toUpload);
}

function toUpload(row: Selectable<Schema['uploads']>): Upload {
  return {
    no: row.no,
    id: row.id,
    vaultNo: row.vault_no,
    archiveId: row.archive_id,
    description: row.description,
    partSize: row.part_size,
    createdMs: row.created_ms,
  };
}

async function startUpload(tx: Tx, a: NewUpload): Promise<void> {
  const vault = await lockVaultRow(tx, a.vaultNo, 'to-write-into');
  await insertUpload(tx, vault, a, { import_key: null, imported_by: null, given_ms: null });
}

type ImportColumns = Pick<UploadRow, 'import_key' | 'imported_by' | 'given_ms'>;

/** Inserts the row and appends the entry. The caller has locked the vault's row. */
export async function insertUpload(
  tx: Tx,
  vault: VaultKey,
  a: NewUpload,
  imported: ImportColumns,
): Promise<void> {
  const row = {
    id: a.id,
    vault_no: a.vaultNo,
    archive_id: a.archiveId,
    description: a.description,
    part_size: a.partSize,
    created_ms: a.createdMs,
    state: 'open',
    ...imported,
  } as const;
  await tx.db.insertInto('uploads').values(row).execute();
  await appendEntry(tx, toStartedEntry(vault, row));
}

type StartedRow = Omit<UploadRow, 'no' | 'state' | 'ended_ms' | 'size' | 'tree_hash' | 'import_key'>;

/** The entry of an upload that is in progress. */
export function toStartedEntry(
  { account, region, name }: VaultKey,
  row: StartedRow,
): Record<string, unknown> {
  const { id: uploadId, archive_id: archiveId, description, part_size: partSize, created_ms: at } = row;
  return {
    type: 'upload-started',
    ...{ account, region, vault: name, uploadId, archiveId, description, partSize, at },
    ...(row.imported_by === null ? {} : { importedBy: row.imported_by }),
    ...(row.given_ms === null ? {} : { createdMs: row.given_ms }),
  };
}

async function completeUpload(tx: Tx, a: CompleteUploadArgs): Promise<CompleteOutcome> {
  const vault = await lockVaultRow(tx, a.vaultNo, 'to-write-into');
  const row = await lockUploadRow(tx, a.vaultNo, a.uploadId);
  if (row?.state === 'completed' && (row.ended_ms ?? 0) >= a.rememberedSinceMs) {
    return repeatComplete(tx, vault, row, a);
  }
  if (row?.state !== 'open') throw uploadNotFound(a.uploadId);

  const { size, treeHash } = assemble(toUpload(row), await allParts(tx, row.no));
  if (size !== a.declared.size) return { kind: 'wrong-size', size };
  if (treeHash !== a.declared.treeHash) return { kind: 'wrong-hash', uploadNo: row.no };

  // Without a number in its entry, an archive has this one (docs/format.md, "Bulk deletion").
  const derived = a.nowMs * NUMBERS_PER_MS;
  const number = Math.max(derived, vault.emptiedTo + 1);
  const archive = {
    id: row.archive_id,
    vault_no: row.vault_no,
    description: row.description,
    ...importTimes(row, a.nowMs),
    size: a.declared.size,
    tree_hash: fromHex(treeHash),
    ref: null,
    upload_no: row.no,
  };
  await insertArchive(tx, archive, number);
  const ended = {
    state: 'completed',
    ended_ms: a.nowMs,
    size: a.declared.size,
    tree_hash: fromHex(treeHash),
  } as const;
  await tx.db.updateTable('uploads').set(ended).where('no', '=', row.no).execute();
  await appendCompletedEntry(tx, vault, { ...row, ...ended }, number === derived ? {} : { number });
  return { kind: 'completed', archiveId: row.archive_id, treeHash };
}

/** An import arrives when it is complete. */
function importTimes(row: UploadRow, nowMs: number): { created_ms: number; arrived_ms: number | null } {
  if (row.import_key === null) return { created_ms: nowMs, arrived_ms: null };
  return { created_ms: row.given_ms ?? nowMs, arrived_ms: nowMs };
}

async function repeatComplete(
  tx: Tx,
  vault: VaultKey,
  row: UploadRow,
  { declared }: CompleteUploadArgs,
): Promise<CompleteOutcome> {
  const done = { size: row.size ?? 0, treeHash: toHex(row.tree_hash ?? new Uint8Array()) };
  if (done.size !== declared.size || done.treeHash !== declared.treeHash)
    return { kind: 'repeat-differs', done };
  // The process that completed it may have died before its entry reached the journal.
  await appendCompletedEntry(tx, vault, row);
  return { kind: 'completed', archiveId: row.archive_id, treeHash: done.treeHash };
}

async function appendCompletedEntry(
  tx: Tx,
  { account, region, name }: VaultKey,
  row: UploadRow,
  numbered: { readonly number?: number } = {},
): Promise<void> {
  await appendEntry(tx, {
    type: 'upload-completed',
    ...{ account, region, vault: name, uploadId: row.id, archiveId: row.archive_id },
    ...{ description: row.description, size: row.size, treeHash: toHex(row.tree_hash ?? new Uint8Array()) },
    at: row.ended_ms,
    ...numbered,
  });
  if (row.import_key === null) return;
  const { created_ms: createdMs, arrived_ms: arrivedMs } = importTimes(row, row.ended_ms ?? 0);
  const of = { account, region, vault: name, archiveId: row.archive_id };
  await appendEntry(tx, { type: 'archive-imported', ...of, createdMs, arrivedMs });
}

/** Locks the upload's row, in any state, until the transaction ends. */
async function lockUploadRow(tx: Tx, vaultNo: number, id: string): Promise<UploadRow | undefined> {
  return tx.db
    .selectFrom('uploads')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .where('id', '=', id)
    .$if(tx.engine.rowLocks, (q) => q.forUpdate())
    .executeTakeFirst();
}

async function abortUpload(tx: Tx, a: AbortUploadArgs): Promise<void> {
  const vault = await lockVaultRow(tx, a.vaultNo, 'to-write-into');
  await requireVersion(tx, a.vaultNo, a.policyVersion);
  const row = await lockUploadRow(tx, a.vaultNo, a.uploadId);
  if (row?.state === 'aborted' && (row.ended_ms ?? 0) >= a.rememberedSinceMs) return;
  if (row?.state !== 'open') throw uploadNotFound(a.uploadId);
  await endUpload(tx, vault, row, 'aborted', a.nowMs);
}

async function expireUpload(tx: Tx, a: ExpireUploadArgs): Promise<void> {
  const row = await tx.db
    .selectFrom('uploads')
    .selectAll()
    .where('no', '=', a.uploadNo)
    .where('state', '=', 'open')
    .$if(tx.engine.rowLocks, (q) => q.forUpdate())
    .executeTakeFirst();
  if (!row) return;
  const active = await tx.db
    .selectFrom('parts')
    .select('first')
    .where('upload_no', '=', a.uploadNo)
    .where('stored_ms', '>=', a.beforeMs)
    .limit(1)
    .executeTakeFirst();
  if (active || row.created_ms >= a.beforeMs) return;
  await endUpload(tx, await lockVaultRow(tx, row.vault_no, 'to-write-into'), row, 'expired', a.nowMs);
}

async function endUpload(
  tx: Tx,
  { account, region, name }: VaultKey,
  row: UploadRow,
  how: 'aborted' | 'expired',
  nowMs: number,
): Promise<void> {
  // An expired upload is not remembered: Abort is refused, as for an unknown one.
  if (how === 'expired') await tx.db.deleteFrom('uploads').where('no', '=', row.no).execute();
  else {
    const ended = { state: 'aborted', ended_ms: nowMs } as const;
    await tx.db.updateTable('uploads').set(ended).where('no', '=', row.no).execute();
  }
  await tx.db.insertInto('garbage').values({ upload_no: row.no, noted_ms: nowMs }).execute();
  if (row.import_key !== null) await freeId(tx, row.import_key);
  await appendEntry(tx, {
    type: 'upload-ended',
    account,
    region,
    vault: name,
    uploadId: row.id,
    how,
    at: nowMs,
  });
}

async function forgetUploads(tx: Tx, { endedBeforeMs }: ForgetUploadsArgs): Promise<void> {
  await tx.db.deleteFrom('uploads').where('ended_ms', '<', endedBeforeMs).execute();
}
