/** Checks that after a start the server has everything that it acknowledged, and nothing else. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { POSTGRES, SQLITE } from '../../../src/catalog/engine.ts';
import { openPostgresCatalog } from '../../../src/catalog/postgres.ts';
import { openSqliteCatalog } from '../../../src/catalog/sqlite.ts';
import type { StoredArchive } from '../../../src/domain/archive-catalog.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { VaultKey } from '../../../src/domain/vault.ts';
import { jobMessage } from '../../../src/operations/jobs/job-description.ts';
import type { Api } from '../api.ts';
import { eventually } from '../poll.ts';
import { PATIENT_MS } from '../postgres.ts';
import { storeFiles } from '../store-files.ts';
import { readBlobFile } from '../store-reader.ts';
import {
  type ArchiveEntry,
  type Content,
  type Ledger,
  placesInOrder,
  type UploadEntry,
  VAULT,
} from './ledger.ts';
import { claimHeaders, completed } from './load.ts';

/** A catalog and a store on disk; a server may be running on them. */
export interface OnDisk {
  readonly catalog: Catalog;
  /** SQL for the lower-case hex digits of a column of raw bytes. */
  readonly hexOf: (column: string) => string;
  /** Runs a query on the catalog's database, and returns the rows. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** The store's folder. */
  readonly store: string;
}

/** @param url of the catalog's database; by default it is a file of the data folder. */
export async function openOnDisk(data: string, url?: string): Promise<OnDisk> {
  const store = join(data, 'store');
  if (url !== undefined) {
    const catalog = await openPostgresCatalog({
      url,
      journal: () => Promise.reject(new Error('only for reading')),
      jobMessage,
      limitMs: PATIENT_MS,
      onError: () => {},
    });
    const query = async (sql: string) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query(sql)).rows;
      } finally {
        await client.end();
      }
    };
    return { catalog, store, query, hexOf: POSTGRES.hexOf };
  }
  const path = join(data, 'catalog.sqlite');
  const refuses = {
    run: () => Promise.reject(new Error('only for reading')),
    commitNumber: () => 0,
    close: async () => {},
  };
  const query = async (sql: string) => {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      return database.prepare(sql).all();
    } finally {
      database.close();
    }
  };
  return { catalog: openSqliteCatalog(path, refuses), store, query, hexOf: SQLITE.hexOf };
}

export class Checks {
  readonly #api: Api;
  readonly #ledger: Ledger;
  readonly #disk: OnDisk;

  constructor(api: Api, ledger: Ledger, disk: OnDisk) {
    this.#api = api;
    this.#ledger = ledger;
    this.#disk = disk;
  }

  /** Checks that must hold after each start. @param reads whether to repeat earlier reads. */
  async run(reads: 'new' | 'all'): Promise<void> {
    await this.#nothingHalfWritten();
    await this.#vaults();
    for (const upload of this.#ledger.uploads.values()) await this.#upload(upload, reads);
    for (const archive of this.#ledger.archives.values()) await this.#archive(archive, reads);
  }

  /** Asserts that `incoming/` has only unconfirmed blobs, because the server does not wait for confirmations. */
  async #nothingHalfWritten(): Promise<void> {
    const { store: folder } = this.#disk;
    for (const name of await readdir(join(folder, 'incoming'))) {
      // This server began the pack after its start; the packs of the previous one must be confirmed.
      const isNew = name.endsWith('.open') && !this.#ledger.markers.has(name);
      const there = await readdir(join(folder, 'blobs', name.slice(-2))).catch((): string[] => []);
      this.#ledger.expect(isNew || there.includes(name), `half-written after the start: ${name}`);
    }
    await eventually(
      'nothing incoming',
      async () => (await storeFiles(join(folder, '..'))).incoming.length === 0,
    );
  }

  #key(name: string): VaultKey {
    return { account: this.#api.accountId, region: this.#api.region, name };
  }

  async #vaults(): Promise<void> {
    for (const vault of this.#ledger.vaults) {
      const isThere = (await this.#disk.catalog.findVault(this.#key(vault.name))) !== undefined;
      if (vault.state === 'kept') this.#ledger.expect(isThere, `vault ${vault.name} is lost`);
      if (vault.state === 'deleted') this.#ledger.expect(!isThere, `vault ${vault.name} is back`);
      vault.state = isThere ? 'kept' : 'deleted';
    }
  }

  async #upload(upload: UploadEntry, reads: 'new' | 'all'): Promise<void> {
    upload.isTaken = false;
    if (upload.state === 'completing') await this.#repeatComplete(upload);
    else if (upload.state === 'completed' && (reads === 'all' || Math.random() < 0.05))
      await this.#repeatComplete(upload);
    else if (upload.state !== 'completed') await this.#openUpload(upload);
  }

  /** Repeats requests that got no answer, and answered ones, which must get the same answer again. */
  async #repeatComplete(upload: UploadEntry): Promise<void> {
    const { claim, archiveId, id } = upload;
    if (!claim) return;
    const answer = await this.#api.call('POST', this.#targetOf(upload), { headers: claimHeaders(claim) });
    const found = answer.headers['x-amz-archive-id'];
    if (answer.status !== 201 || found === undefined) {
      this.#ledger.violated(`a repeated Complete of ${id} answered ${answer.status}: ${answer.text}`);
    } else if (archiveId === null) completed(this.#ledger, upload, found);
    else this.#ledger.expect(found === archiveId, `a repeated Complete of ${id} gave another archive id`);
  }

  async #openUpload(upload: UploadEntry): Promise<void> {
    const answer = await this.#api.call('GET', this.#targetOf(upload));
    if (answer.status === 404) {
      this.#ledger.expect(upload.state !== 'open', `upload ${upload.id} is lost`);
      upload.state = 'aborted';
      return;
    }
    this.#ledger.expect(upload.state !== 'aborted', `upload ${upload.id} is back`);
    this.#ledger.expect(answer.status === 200, `ListParts answered ${answer.status}: ${answer.text}`);
    upload.state = 'open';
    const parts = answer.json()['Parts'] as { RangeInBytes: string; SHA256TreeHash: string }[];
    const found = new Map(parts.map((part) => [Number(part.RangeInBytes.split('-')[0]), part]));
    for (const [first, place] of placesInOrder(upload)) {
      const part = found.get(first);
      const possible = [...(place.acknowledged ? [place.acknowledged] : []), ...place.sent];
      const content = possible.find(({ treeHash }) => treeHash === part?.SHA256TreeHash);
      const isRight = part === undefined ? place.acknowledged === null : content !== undefined;
      this.#ledger.expect(isRight, `part ${first} of ${upload.id} is lost or changed`);
      if (!content) upload.places.delete(first);
      else
        Object.assign(place, {
          acknowledged: content,
          sent: [],
          wasRead: place.wasRead && content === place.acknowledged,
        });
    }
    await this.#partBlobs(upload);
  }

  async #partBlobs(upload: UploadEntry): Promise<void> {
    const { catalog } = this.#disk;
    const vault = await catalog.findVault(this.#key(VAULT));
    const row = await catalog.findUpload(vault?.no ?? 0, upload.id);
    const refs = await catalog.partRefs(row?.no ?? 0, 10_000);
    const places = placesInOrder(upload);
    this.#ledger.expect(refs.length === places.length, `upload ${upload.id} has ${refs.length} parts`);
    for (const [i, ref] of refs.entries()) {
      const place = places[i]?.[1];
      if (place?.acknowledged) await this.#blob(ref, place.acknowledged, !place.wasRead);
      if (place) place.wasRead = true;
    }
  }

  async #archive(archive: ArchiveEntry, reads: 'new' | 'all'): Promise<void> {
    const { catalog } = this.#disk;
    const vault = await catalog.findVault(this.#key(VAULT));
    const found = await catalog.findArchive(vault?.no ?? 0, archive.id);
    if (archive.state === 'kept') this.#ledger.expect(found !== undefined, `archive ${archive.id} is lost`);
    if (archive.state === 'deleted')
      this.#ledger.expect(found === undefined, `archive ${archive.id} is back`);
    archive.state = found ? 'kept' : 'deleted';
    if (!found || (reads === 'new' && archive.wasRead)) return;
    const isSame = found.treeHash === archive.treeHash && found.size === archive.size;
    this.#ledger.expect(isSame, `archive ${archive.id} is changed`);
    await this.#segments(found);
    archive.wasRead = true;
  }

  async #segments(archive: StoredArchive): Promise<void> {
    const span = { first: 0, last: archive.size - 1 };
    const { rows } = await this.#disk.catalog.listSegments(archive, span, { after: null, limit: 10_000 });
    let size = 0;
    for (const segment of rows) {
      await this.#blob(segment.ref, segment, true);
      size += segment.size;
    }
    this.#ledger.expect(size === archive.size, `archive ${archive.id} has segments of ${size} bytes`);
  }

  /** Asserts that the blob is whole and holds these bytes. Blobs never change, so each is read once. */
  async #blob(ref: string, { treeHash, size }: Content, reads: boolean): Promise<void> {
    try {
      const known = reads ? undefined : this.#ledger.blobs.get(ref);
      const blob = known ?? (await readBlobFile(this.#disk.store, ref));
      this.#ledger.blobs.set(ref, { treeHash: blob.treeHash, size: blob.size });
      const isSame = blob.treeHash === treeHash && blob.size === size;
      this.#ledger.expect(isSame, `blob ${ref} has other content`);
    } catch (error) {
      this.#ledger.violated(`blob ${ref}: ${String(error)}`);
    }
  }

  #targetOf({ id }: UploadEntry): string {
    return `/-/vaults/${VAULT}/multipart-uploads/${id}`;
  }
}
