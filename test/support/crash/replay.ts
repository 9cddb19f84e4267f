/** Compares the contents of the store (journal entries and labels of blobs) with the catalog. */
import { blobNames, type ReadBlob, type ReadEntry, readBlobFile, readEntries } from '../store-reader.ts';
import type { OnDisk } from './checks.ts';
import type { Ledger } from './ledger.ts';

const ID_OF: Readonly<Record<string, string>> = {
  'vault-created': 'vault',
  'vault-deleted': 'vault',
  'upload-started': 'uploadId',
  'upload-completed': 'uploadId',
  'upload-ended': 'uploadId',
  'archive-deleted': 'archiveId',
};

/** Checks that the journal has the entry of each acknowledged change. Call this after the kill, before the start. */
export async function checkJournal({ store }: OnDisk, ledger: Ledger): Promise<void> {
  const found = new Set<string>();
  for (const { entry } of await readEntries(store)) {
    const type = String(entry['type']);
    found.add(`${type} ${entry[ID_OF[type] ?? ''] as string}`);
  }
  for (const fact of ledger.entries) ledger.expect(found.has(fact), `the journal lacks: ${fact}`);
}

/** Names of all that exists, in one form for catalog and store. */
interface Contents {
  readonly vaults: Set<string>;
  readonly archives: Set<string>;
  readonly uploads: Set<string>;
}

/** Checks, after a stop, that rows and blobs match, and that the store alone yields the catalog's contents. */
export async function checkStore(disk: OnDisk, ledger: Ledger): Promise<number> {
  const blobs = await readAll(disk, ledger);
  for (const [ref, { label }] of blobs) {
    ledger.expect(await disk.catalog.namesBlob(label, ref), `no row names blob ${ref} (${label.kind})`);
  }
  const named = await disk.query(
    'select ref from archives where ref is not null union all select ref from parts',
  );
  for (const { ref } of named) {
    ledger.expect(blobs.has(String(ref)), `a row names blob ${String(ref)}, which does not exist`);
  }
  compare(ledger, await catalogContents(disk), storeContents(await readEntries(disk.store), blobs));
  await checkArchives(ledger, disk);
  return blobs.size;
}

async function readAll({ store }: OnDisk, ledger: Ledger): Promise<Map<string, ReadBlob>> {
  const blobs = new Map<string, ReadBlob>();
  for (const ref of await blobNames(store)) {
    try {
      blobs.set(ref, await readBlobFile(store, ref));
    } catch (error) {
      ledger.violated(`blob ${ref}: ${String(error)}`);
    }
  }
  return blobs;
}

async function catalogContents({ query }: OnDisk): Promise<Contents> {
  const texts = async (sql: string) => new Set((await query(sql)).map(({ text }) => String(text)));
  return {
    vaults: await texts('select name as text from vaults'),
    archives: await texts('select id as text from archives'),
    uploads: await texts("select id as text from uploads where state = 'open'"),
  };
}

function storeContents(entries: readonly ReadEntry[], blobs: ReadonlyMap<string, ReadBlob>): Contents {
  const contents: Contents = { vaults: new Set(), archives: new Set(), uploads: new Set() };
  for (const { label } of blobs.values())
    if (label.kind === 'archive') contents.archives.add(label.archiveId);
  for (const { entry } of entries) replay(contents, entry as Record<string, string>);
  // A deletion is final wherever its entry is, because a Complete that is repeated later changes nothing.
  for (const { entry } of entries) {
    if (entry['type'] === 'archive-deleted') contents.archives.delete(String(entry['archiveId']));
  }
  return contents;
}

function replay({ vaults, archives, uploads }: Contents, entry: Readonly<Record<string, string>>): void {
  const { type, vault = '', uploadId = '', archiveId = '' } = entry;
  if (type === 'vault-created') vaults.add(vault);
  if (type === 'vault-deleted') vaults.delete(vault);
  if (type === 'upload-started') uploads.add(uploadId);
  if (type === 'upload-ended' || type === 'upload-completed') uploads.delete(uploadId);
  if (type === 'upload-completed') archives.add(archiveId);
}

function compare(ledger: Ledger, catalog: Contents, store: Contents): void {
  for (const kind of ['vaults', 'archives', 'uploads'] as const) {
    for (const name of minus(catalog[kind], store[kind])) {
      ledger.violated(`the catalog has ${kind} that the store lacks: ${name}`);
    }
    for (const name of minus(store[kind], catalog[kind])) {
      ledger.violated(`the store has ${kind} that the catalog lacks: ${name}`);
    }
  }
}

function minus(one: ReadonlySet<string>, other: ReadonlySet<string>): string[] {
  return [...one].filter((name) => !other.has(name));
}

/** Checks that archives without a known client come from uploads that got no answer. */
async function checkArchives(ledger: Ledger, { query, hexOf }: OnDisk): Promise<void> {
  for (const { id, hash } of await query(`select id, ${hexOf('tree_hash')} as hash from archives`)) {
    const isKnown = ledger.archives.has(String(id)) || ledger.sent.has(String(hash));
    ledger.expect(isKnown, `an archive that no client uploaded: ${String(id)}`);
  }
}
