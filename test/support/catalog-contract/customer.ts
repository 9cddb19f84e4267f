/** Shared by the sections of the catalog's contract: shortcuts that fill accounts, and assertions. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { NewArchive } from '../../../src/domain/archive-catalog.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { Refusal, type RefusalKind } from '../../../src/domain/errors.ts';
import type { Garbage } from '../../../src/domain/garbage-catalog.ts';
import type { NewImport, NewImportUpload } from '../../../src/domain/import-catalog.ts';
import type { Page, Paging } from '../../../src/domain/page.ts';
import { NUMBERS_PER_MS } from '../../../src/domain/sequence.ts';
import type { DeclaredArchive, Part, Upload } from '../../../src/domain/upload.ts';
import type { NewPart } from '../../../src/domain/upload-catalog.ts';
import {
  type InventoryMode,
  policyVersionOf,
  type Vault,
  type VaultKey,
  type VaultState,
} from '../../../src/domain/vault.ts';
import { foldDigests } from '../../../src/treehash/index.ts';

export const MIB = 1_048_576;
export const START_MS = 1_700_000_000_000;
const REGION = 'us-east-1';

let lastNumber = 0;
/** Returns a different number each time. */
export const unique = (): number => ++lastNumber;

/** A SHA-256 that differs for each text. */
export function hashOf(text: string | number): string {
  return createHash('sha256').update(String(text)).digest('hex');
}

/** The tree hash over parts in order. */
function foldHashes(hashes: readonly string[]): string {
  return Buffer.from(foldDigests(Buffer.from(hashes.join(''), 'hex'))).toString('hex');
}

/** Lists all pages, and asserts that each but the last is full. */
export async function allPages<Row, Key>(
  list: (page: Paging<Key>) => Promise<Page<Row>>,
  keyOf: (row: Row) => Key,
  limit = 1000,
): Promise<Row[]> {
  const all: Row[] = [];
  for (let after: Key | null = null; ; ) {
    const { rows, more } = await list({ after, limit });
    all.push(...rows);
    const last = rows.at(-1);
    if (!more || last === undefined) {
      assert.equal(more, false, 'an empty page has a marker');
      return all;
    }
    assert.equal(rows.length, limit, 'a page before the last is not full');
    after = keyOf(last);
  }
}

/** Everything on the garbage list. */
export function allGarbage(catalog: Catalog): Promise<Garbage[]> {
  return allPages(
    (page: Paging<number>) => catalog.listGarbage(page),
    ({ no }) => no,
  );
}

/** Asserts that the write is refused with this kind. */
export async function refused(kind: RefusalKind, write: Promise<unknown>): Promise<void> {
  await assert.rejects(write, (error) => {
    assert.ok(error instanceof Refusal, `not a refusal: ${String(error)}`);
    assert.equal(error.kind, kind, error.message);
    return true;
  });
}

/** How many of the writes succeeded; asserts that all others were refused with this kind. */
export async function countDone(kind: RefusalKind, writes: readonly Promise<unknown>[]): Promise<number> {
  const settled = await Promise.allSettled(writes);
  for (const one of settled) if (one.status === 'rejected') await refused(kind, Promise.reject(one.reason));
  return settled.filter(({ status }) => status === 'fulfilled').length;
}

/** An account that belongs to one test, and shortcuts that fill it. */
export class Customer {
  readonly catalog: Catalog;
  readonly account: string;

  constructor(catalog: Catalog) {
    this.catalog = catalog;
    this.account = String(unique()).padStart(12, '0');
  }

  get owner() {
    return { account: this.account, region: REGION };
  }

  key(name = 'photos'): VaultKey {
    return { ...this.owner, name };
  }

  async makeVault(name = 'photos', { nowMs = START_MS, limit = 1000 } = {}): Promise<VaultState> {
    await this.catalog.createVault({ key: this.key(name), nowMs, limit });
    return this.vault(name);
  }

  /** A vault of the account in its current state. */
  async vault(name = 'photos'): Promise<VaultState> {
    const vault = await this.catalog.findVaultState(this.key(name));
    assert.ok(vault, `there is no vault ${name}`);
    return vault;
  }

  async deleteVault(name = 'photos', mode: InventoryMode = 'live'): Promise<boolean> {
    const key = this.key(name);
    const vault = await this.catalog.findVault(key);
    const authorized = vault && { no: vault.no, policyVersion: policyVersionOf(vault) };
    return this.catalog.deleteVault({ key, authorized, nowMs: START_MS, mode });
  }

  /** The current version of a vault's policies and tags. */
  async #policyVersion(vaultNo: number): Promise<number> {
    const { rows } = await this.catalog.listVaults(this.owner, { after: null, limit: 1000 });
    return policyVersionOf(rows.find(({ no }) => no === vaultNo) ?? { policies: null });
  }

  /** The number of a deleted vault, which is never reused. */
  async goneVault(): Promise<number> {
    const { no } = await this.makeVault('gone');
    assert.equal(await this.deleteVault('gone'), true);
    return no;
  }

  newArchive(vaultNo: number, changes: Partial<NewArchive> = {}): NewArchive {
    const id = `archive-${unique()}`;
    const facts = { description: null, createdMs: START_MS, size: 12, treeHash: hashOf(id) };
    const sequence = START_MS * NUMBERS_PER_MS + unique();
    return { vaultNo, id, ...facts, ref: `blob-of-${id}`, sequence, ...changes };
  }

  async addArchive(vault: Vault, changes: Partial<NewArchive> = {}): Promise<NewArchive> {
    const archive = this.newArchive(vault.no, changes);
    await this.catalog.addArchive(archive);
    return archive;
  }

  /** An import of an archive, with a creation date long ago. */
  newImport(vaultNo: number, changes: Partial<NewImport> = {}): NewImport {
    return { ...this.newArchive(vaultNo, { createdMs: 1000 }), arrivedMs: START_MS, ...changes };
  }

  /** Claims the id of an import for its bytes. */
  claim({ id: archiveId, vaultNo, size, treeHash }: NewImport, token = `token-${unique()}`) {
    return this.catalog.claimArchiveId({ archiveId, vaultNo, size, treeHash, token });
  }

  async importArchive(vault: Vault, changes: Partial<NewImport> = {}): Promise<NewImport> {
    const archive = this.newImport(vault.no, changes);
    await this.claim(archive);
    assert.equal(await this.catalog.importArchive(archive), 'added');
    return archive;
  }

  /** The start of a multipart import. */
  newImportUpload(vault: Vault, changes: Partial<NewImportUpload> = {}): NewImportUpload {
    const no = unique();
    const facts = { id: `upload-${no}`, archiveId: `archive-${no}`, description: null, partSize: MIB };
    const times = { createdMs: START_MS, givenMs: 1000 };
    return { vaultNo: vault.no, ...facts, ...times, importedBy: this.account, ...changes };
  }

  async deleteArchive(
    { vaultNo, id }: Pick<NewArchive, 'vaultNo' | 'id'>,
    nowMs = START_MS,
  ): Promise<boolean> {
    const policyVersion = await this.#policyVersion(vaultNo);
    return this.catalog.deleteArchive({ vaultNo, id, nowMs, mode: 'live', policyVersion });
  }

  async startUpload(vault: Vault, { createdMs = START_MS, partSize = MIB } = {}): Promise<Upload> {
    const id = `upload-${unique()}`;
    const facts = { archiveId: `archive-of-${id}`, description: `the words of ${id}`, partSize, createdMs };
    await this.catalog.startUpload({ vaultNo: vault.no, id, ...facts });
    const upload = await this.catalog.findUpload(vault.no, id);
    assert.ok(upload);
    return upload;
  }

  /** Part `index` of an upload: of full size unless `changes` say otherwise. */
  newPart(upload: Upload, index: number, changes: Partial<NewPart> = {}): NewPart {
    const no = unique();
    const hashes = { treeHash: hashOf(`part ${no}`), linearHash: hashOf(`linear ${no}`) };
    const place = { first: index * upload.partSize, size: upload.partSize };
    return { ...place, ...hashes, sequence: no, ref: `blob-of-part-${no}`, ...changes };
  }

  async putPart(
    upload: Upload,
    index: number,
    changes: Partial<NewPart> = {},
    nowMs = START_MS,
  ): Promise<NewPart> {
    const part = this.newPart(upload, index, changes);
    await this.catalog.putPart({ uploadNo: upload.no, uploadId: upload.id, part, nowMs });
    return part;
  }

  /** An upload of `full` whole parts and one of 7 bytes. */
  async uploadOf(vault: Vault, full: number): Promise<{ upload: Upload; declared: DeclaredArchive }> {
    const upload = await this.startUpload(vault);
    const parts: Part[] = [];
    for (let i = 0; i < full; i++) parts.push(await this.putPart(upload, i));
    parts.push(await this.putPart(upload, full, { size: 7 }));
    return { upload, declared: declare(parts) };
  }

  complete(
    { vaultNo, id }: Pick<Upload, 'vaultNo' | 'id'>,
    declared: DeclaredArchive,
    { nowMs = START_MS, rememberedSinceMs = 0 } = {},
  ) {
    return this.catalog.completeUpload({ vaultNo, uploadId: id, declared, nowMs, rememberedSinceMs });
  }

  async abort({ vaultNo, id }: Upload, { nowMs = START_MS, rememberedSinceMs = 0 } = {}): Promise<void> {
    const policyVersion = await this.#policyVersion(vaultNo);
    return this.catalog.abortUpload({ vaultNo, uploadId: id, nowMs, rememberedSinceMs, policyVersion });
  }
}

/** What a client that uploaded these parts declares at Complete. */
export function declare(parts: readonly Pick<Part, 'size' | 'treeHash'>[]): DeclaredArchive {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { size, treeHash: foldHashes(parts.map((part) => part.treeHash)) };
}

/** Makes an account that no other test uses. */
export type NewCustomer = () => Customer;
