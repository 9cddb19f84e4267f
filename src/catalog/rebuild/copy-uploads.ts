/** Copies multipart uploads, open and completed, with their parts from the scratch to the new catalog. */
import {
  type ChosenParts,
  choosePartsOfArchive,
  choosePartsOfUpload,
  type MissingPart,
  type PartCandidate,
  salvageParts,
} from '../../domain/choose-parts.ts';
import { fromHex, toHex } from '../digest.ts';
import { isInBulk } from './copy-archives.ts';
import { lastNumber } from './copy-people.ts';
import type { Row, Scratch } from './scratch.ts';
import type { RebuildTarget } from './target.ts';

/** A reference that no blob has: reading a part that has it fails, and the others can be read. */
const NO_BLOB = '0'.repeat(32);
/** How many missing runs of bytes a message names. */
const RUNS_SHOWN = 5;

interface UploadRow extends Row {
  readonly no: number;
  readonly id: string;
  readonly vault_no: number;
  readonly account: string;
  readonly region: string;
  readonly vault: string;
  readonly archive_id: string;
  readonly description: string | null;
  readonly part_size: number;
  readonly created_ms: number;
  readonly state: 'open' | 'completed' | 'aborted' | 'expired';
  readonly ended_ms: number | null;
  readonly size: number | null;
  readonly tree_hash: Uint8Array | null;
  /** Of an import: as in the catalog. */
  readonly imported_by: string | null;
  readonly given_ms: number | null;
  /** Of the archive of an import. */
  readonly imported_ms: number | null;
  readonly arrived_ms: number | null;
  readonly key: Uint8Array;
  readonly is_gone: number;
}

const OF_UPLOAD = { account: 'v.account', region: 'v.region', vault: 'v.name', key: 'u.key', number: '0' };

const UPLOADS = `
  select u.*, v.account, v.region, v.name as vault, i.created_ms as imported_ms, i.arrived_ms,
    exists (select 1 from used_ids d where d.key = u.key) or ${isInBulk(OF_UPLOAD)} as is_gone
  from uploads u join vaults v on v.no = u.vault_no left join imported i on i.key = u.key order by u.no`;

const CANDIDATES = `
  select first, size, tree_hash, linear_hash, sequence, stored_ms, ref from parts
  where upload_id = ? and account = ? and region = ? and vault = ? order by first, sequence desc, ref desc`;

const LEFT_OVER = `select ref, account, region, vault, archive_id, 'part', size, stored_ms`;
const LEAVE_PART = `insert into leftovers ${LEFT_OVER}, 1 from parts where upload_id = ? and ref = ?`;

/** Parts of uploads that the journal does not know: they may belong to a vault that is gone. */
const LEAVE_UNKNOWN = `
  insert into leftovers ${LEFT_OVER}, 0 from parts p where not exists (
    select 1 from uploads u join vaults v on v.no = u.vault_no
    where u.id = p.upload_id and v.account = p.account and v.region = p.region and v.name = p.vault)`;

/** What was copied. */
interface CopiedUploads {
  readonly open: number;
  readonly archives: number;
}

/** @param rememberedSinceMs uploads that ended earlier are not remembered. */
export async function copyUploads(
  scratch: Scratch,
  target: RebuildTarget,
  { nowMs, rememberedSinceMs }: { readonly nowMs: number; readonly rememberedSinceMs: number },
): Promise<CopiedUploads> {
  scratch.exec('create index parts_by_upload on parts (upload_id, first)');
  const copying = new UploadCopying(scratch, target, nowMs);
  const copied = { open: 0, archives: 0 };
  for (const upload of scratch.rows(UPLOADS) as Iterable<UploadRow>) {
    const { state, ended_ms } = upload;
    const isRemembered = state !== 'expired' && (ended_ms ?? 0) >= rememberedSinceMs;
    if (state === 'open' || isRemembered) await copying.addUpload(upload);
    if (state === 'completed' || (state === 'open' && upload.imported_by !== null)) copying.noteId(upload);
    if (state === 'open') {
      await copying.addParts(upload, choosePartsOfUpload(copying.candidates(upload)));
      copied.open++;
    } else if (state === 'completed' && upload.is_gone === 0) {
      await copying.addArchive(upload);
      copied.archives++;
    } else {
      const refs = copying.candidates(upload).map(({ ref }) => ref);
      copying.leaveOver(upload, refs);
    }
  }
  await target.flush();
  await target.continueNumbers('uploads', lastNumber(scratch, 'uploads'));
  scratch.exec(LEAVE_UNKNOWN);
  return copied;
}

class UploadCopying {
  readonly #scratch: Scratch;
  readonly #target: RebuildTarget;
  readonly #nowMs: number;

  constructor(scratch: Scratch, target: RebuildTarget, nowMs: number) {
    this.#scratch = scratch;
    this.#target = target;
    this.#nowMs = nowMs;
  }

  /** The blobs that claim to be parts of the upload: by offset, and of one offset the newest first. */
  candidates({ id, account, region, vault }: UploadRow): PartCandidate[] {
    return [...this.#scratch.rows(CANDIDATES, id, account, region, vault)].map((row) => ({
      first: row['first'] as number,
      size: row['size'] as number,
      treeHash: toHex(row['tree_hash'] as Uint8Array),
      linearHash: toHex(row['linear_hash'] as Uint8Array),
      sequence: row['sequence'] as number,
      storedMs: row['stored_ms'] as number,
      ref: row['ref'] as string,
    }));
  }

  noteId({ account, region, vault, archive_id }: UploadRow): void {
    this.#scratch.state.noteForeignId({ account, region, name: vault }, archive_id);
  }

  async addUpload(row: UploadRow): Promise<void> {
    const { no, id, vault_no, archive_id, description, part_size, created_ms, ended_ms } = row;
    const state = row.state === 'expired' ? 'aborted' : row.state;
    const whole = { size: row.size, tree_hash: row.tree_hash };
    const times = { created_ms, ended_ms };
    const upload = { no, id, vault_no, archive_id, description, part_size };
    const { imported_by, given_ms } = row;
    const imported = { import_key: imported_by === null ? null : row.key, imported_by, given_ms };
    await this.#target.add('uploads', { ...upload, ...times, state, ...whole, ...imported });
  }

  async addParts(upload: UploadRow, { parts, surplus }: ChosenParts): Promise<void> {
    for (const part of parts) await this.#target.add('parts', toRow(upload.no, part));
    this.leaveOver(upload, surplus);
  }

  leaveOver({ id }: UploadRow, refs: readonly string[]): void {
    const leave = this.#scratch.prepare(LEAVE_PART);
    for (const ref of refs) leave.run(id, ref);
  }

  async addArchive(upload: UploadRow): Promise<void> {
    const { no, vault_no, archive_id, description, size, tree_hash, ended_ms, imported_ms, arrived_ms } =
      upload;
    const whole = { size: size ?? 0, treeHash: toHex(tree_hash ?? new Uint8Array()) };
    const candidates = this.candidates(upload);
    const chosen = choosePartsOfArchive(candidates, whole);
    if (chosen) await this.addParts(upload, chosen);
    else await this.#addDamaged(upload, candidates, whole.size);
    await this.#target.add('archives', {
      ...{ id: archive_id, vault_no, description, created_ms: imported_ms ?? ended_ms ?? 0, arrived_ms },
      ...{ size: whole.size, tree_hash: fromHex(whole.treeHash), ref: null, upload_no: no },
      damaged_ms: chosen ? null : this.#nowMs,
    });
  }

  /** Adds the parts that can still be read. Blobs that are not needed stay in the store: they may be what is left. */
  async #addDamaged(upload: UploadRow, candidates: readonly PartCandidate[], size: number): Promise<void> {
    const { parts, missing } = salvageParts(candidates, { size, partSize: upload.part_size || size });
    for (const part of [...parts, ...missing.map(placeholder)])
      await this.#target.add('parts', toRow(upload.no, part));
    const { account, region, vault, archive_id } = upload;
    const runs = missing.map((part) => `${part.first}-${part.first + part.size - 1}`);
    const more = runs.length > RUNS_SHOWN ? ` and ${runs.length - RUNS_SHOWN} more runs` : '';
    const bytes = `bytes ${runs.slice(0, RUNS_SHOWN).join(', ')}${more}`;
    const what = `archive ${archive_id} of the vault ${account}/${region}/${vault}: ${bytes} are missing`;
    this.#scratch.addDamage('archive', what);
  }
}

function placeholder({ first, size }: MissingPart): PartCandidate {
  const hash = '0'.repeat(64);
  return { first, size, treeHash: hash, linearHash: hash, sequence: 0, storedMs: 0, ref: NO_BLOB };
}

function toRow(upload_no: number, part: PartCandidate) {
  const { first, size, sequence, storedMs: stored_ms, ref } = part;
  const hashes = { tree_hash: fromHex(part.treeHash), linear_hash: fromHex(part.linearHash) };
  return { upload_no, first, size, ...hashes, sequence, stored_ms, ref };
}
