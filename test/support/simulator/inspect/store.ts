/** Reads what a store alone tells, by the steps of docs/format.md ("Rebuilding the catalog"). */
import type { BlobLabel, BlobStore, JournalEntry } from '../../../../src/domain/blob-store.ts';
import { BlobDamaged } from '../../../../src/domain/blob-store.ts';
import { foldOf } from '../contents.ts';
import { SETTINGS, type Setting, Violation } from '../model.ts';
import { describeWhole } from './bytes.ts';
import {
  type Found,
  type FoundArchive,
  type FoundPart,
  type FoundUpload,
  type FoundVault,
  lockInForce,
  sidOf,
  topicOf,
} from './found.ts';

interface Blob {
  readonly ref: string;
  readonly label: BlobLabel;
  readonly size: number;
  readonly treeHash: string;
}

/** A completed upload, by its entry. */
interface Completed {
  readonly uploadId: string;
  readonly archiveId: string;
  readonly description: string;
  readonly size: number;
  readonly treeHash: string;
}

class Vault {
  readonly settings: Record<Setting, string | null> = {
    'tag a': null,
    'tag b': null,
    notifications: null,
    'access policy': null,
  };
  /** `InProgress`, `Locked` or null, and since when. */
  lock: { readonly state: unknown; readonly sinceMs: number } = { state: null, sinceMs: 0 };
  readonly createdMs: number;
  /** Open uploads: id to description. */
  readonly uploads = new Map<string, string>();
  readonly completed = new Map<string, Completed>();
  /** Open uploads of imports: id to the archive's id. */
  readonly imports = new Map<string, string>();

  constructor(createdMs: number) {
    this.createdMs = createdMs;
  }
}

type Body = JournalEntry['body'];

/** @throws Violation when two entries have one number, or the journal is damaged. */
export async function readStore(blobs: BlobStore, nowMs: number): Promise<Found> {
  const vaults = new Map<string, Vault>();
  const deleted = new Set<string>();
  for (const body of await entriesOf(blobs)) apply(vaults, deleted, body);
  await applyLocks(vaults, blobs);
  const found = withoutBeaten(await blobsOf(blobs), vaults);
  const named = [...vaults].map(([name, vault]) => {
    const own = found.filter(({ label }) => label.vault === name);
    return [name, toFound(vault, own, deleted, nowMs)] as const;
  });
  return { where: 'the store', vaults: new Map(named) };
}

async function entriesOf(blobs: BlobStore): Promise<readonly Body[]> {
  const bySeq = new Map<number, Body>();
  try {
    for await (const { seq, body } of blobs.journalEntries()) {
      const known = bySeq.get(seq);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(body))
        throw new Violation(`two entries of the journal have the number ${seq}`);
      bySeq.set(seq, body);
    }
  } catch (error) {
    if (error instanceof BlobDamaged) throw new Violation(`the journal is damaged: ${error.message}`);
    throw error;
  }
  return [...bySeq].sort(([a], [b]) => a - b).map(([, body]) => body);
}

function apply(vaults: Map<string, Vault>, deleted: Set<string>, body: Body): void {
  const text = (name: string): string => String(body[name]);
  const name = text('vault');
  const vault = vaults.get(name);
  switch (body['type']) {
    case 'vault-created':
      if (!vault) vaults.set(name, new Vault(Number(body['at'])));
      break;
    case 'vault-deleted':
      vaults.delete(name);
      break;
    case 'upload-started':
      vault?.uploads.set(text('uploadId'), text('description'));
      if (body['importedBy'] !== undefined) vault?.imports.set(text('uploadId'), text('archiveId'));
      break;
    case 'upload-completed':
      vault?.uploads.delete(text('uploadId'));
      vault?.imports.delete(text('uploadId'));
      if (!deleted.has(text('archiveId')))
        vault?.completed.set(text('archiveId'), body as unknown as Completed);
      break;
    case 'upload-ended':
      vault?.uploads.delete(text('uploadId'));
      vault?.imports.delete(text('uploadId'));
      break;
    case 'archive-deleted':
      deleted.add(text('archiveId'));
      vault?.completed.delete(text('archiveId'));
      break;
    default:
      if (vault) applySetting(vault, body);
  }
}

function applySetting(vault: Vault, body: Body): void {
  const textOf = (name: string): string | null => (body[name] ?? null) as string | null;
  if (body['type'] === 'vault-tags') {
    const tags = body['tags'] as Readonly<Record<string, string>>;
    vault.settings['tag a'] = tags['a'] ?? null;
    vault.settings['tag b'] = tags['b'] ?? null;
  }
  if (body['type'] === 'vault-notifications') vault.settings.notifications = topicOf(textOf('topic'));
  if (body['type'] === 'vault-access-policy') vault.settings['access policy'] = sidOf(textOf('policy'));
  if (body['type'] === 'vault-lock') vault.lock = { state: body['state'], sinceMs: Number(body['at']) };
}

async function applyLocks(vaults: ReadonlyMap<string, Vault>, blobs: BlobStore): Promise<void> {
  for (const name of await blobs.noteNames('lock-')) {
    const note = JSON.parse((await blobs.note(name)) ?? '{}') as {
      vault: { name: string };
      vaultCreatedMs: number;
    };
    const vault = vaults.get(note.vault.name);
    if (vault && vault.createdMs <= note.vaultCreatedMs) vault.lock = { state: 'Locked', sinceMs: 0 };
  }
}

/** All whole blobs of archives and parts. */
async function blobsOf(blobs: BlobStore): Promise<Blob[]> {
  const found: Blob[] = [];
  for await (const ref of blobs.list()) {
    const description = await describeWhole(blobs, ref);
    if (description === undefined || description.label.kind === 'inventory') continue;
    const { label, size, treeHash } = description;
    found.push({ ref, label, size, treeHash });
  }
  return found;
}

/** Leaves out imported archives that were never acknowledged: a later one has their id. */
function withoutBeaten(blobs: readonly Blob[], vaults: ReadonlyMap<string, Vault>): readonly Blob[] {
  const ofUploads = new Set<string>();
  for (const { completed, imports } of vaults.values())
    for (const id of [...completed.keys(), ...imports.values()]) ofUploads.add(id);
  const last = new Map<string, Blob>();
  for (const blob of blobs) {
    const { archiveId, sequence } = blob.label;
    const known = last.get(archiveId);
    if (!isImport(blob) || (known && isBefore(sequence, blob.ref, known))) continue;
    last.set(archiveId, blob);
  }
  return blobs.filter((blob) => {
    const { archiveId } = blob.label;
    return !isImport(blob) || (last.get(archiveId) === blob && !ofUploads.has(archiveId));
  });
}

function isImport({ label }: Blob): boolean {
  return label.kind === 'archive' && label.arrivedMs !== undefined;
}

function isBefore(sequence: number, ref: string, other: Blob): boolean {
  return sequence < other.label.sequence || (sequence === other.label.sequence && ref < other.ref);
}

function toFound(
  vault: Vault,
  blobs: readonly Blob[],
  deleted: ReadonlySet<string>,
  nowMs: number,
): FoundVault {
  const archives = new Map<string, FoundArchive>();
  for (const { ref, label, size, treeHash } of blobs) {
    if (label.kind !== 'archive' || deleted.has(label.archiveId)) continue;
    archives.set(label.archiveId, { description: label.description ?? '', size, treeHash, refs: [ref] });
  }
  const ofUpload = Map.groupBy(
    blobs.filter(({ label }) => label.kind === 'part'),
    ({ label }) => label.uploadId ?? '',
  );
  for (const [id, completed] of vault.completed) {
    const parts = byPlace(ofUpload.get(completed.uploadId) ?? []);
    archives.set(id, { ...completed, refs: chooseParts(completed, parts) });
  }
  const uploads = new Map<string, FoundUpload>();
  for (const [id, description] of vault.uploads)
    uploads.set(id, { description, parts: byPlace(ofUpload.get(id) ?? []) });
  const settings = Object.fromEntries(SETTINGS.map((name) => [name, vault.settings[name]]));
  const lock = lockInForce(vault.lock.state, vault.lock.sinceMs, nowMs);
  return { settings: settings as FoundVault['settings'], lock, archives, uploads };
}

/** Parts by place; at one place the one that counts is last. */
function byPlace(blobs: readonly Blob[]): Map<number, FoundPart[]> {
  const ordered = [...blobs].sort((a, b) => a.label.sequence - b.label.sequence || (a.ref < b.ref ? -1 : 1));
  return Map.groupBy(ordered, ({ label }) => label.offset);
}

/** The parts that make up the archive; none if no choice fits. */
function chooseParts(
  { treeHash }: Completed,
  parts: ReadonlyMap<number, readonly FoundPart[]>,
): readonly string[] {
  const places = [...parts].sort(([a], [b]) => a - b).map(([, candidates]) => [...candidates].reverse());
  // A prefix of the places: parts beyond the archive's end are garbage.
  for (let count = places.length; count > 0; count--) {
    for (const choice of choices(places.slice(0, count)))
      if (foldOf(choice) === treeHash) return choice.map(({ ref }) => ref);
  }
  return [];
}

function* choices(places: readonly (readonly FoundPart[])[]): Generator<readonly FoundPart[]> {
  const [first, ...others] = places;
  if (first === undefined) yield [];
  else for (const part of first) for (const rest of choices(others)) yield [part, ...rest];
}
