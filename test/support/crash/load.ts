/** Clients that concurrently send all kinds of requests until the server dies. */
import { randomBytes } from 'node:crypto';
import { foldDigests, treeHash } from '../../../src/treehash/index.ts';
import type { Api } from '../api.ts';
import type { Answer } from '../request.ts';
import { hashHeaders } from '../request.ts';
import { type Content, type Ledger, placesInOrder, type UploadEntry, VAULT } from './ledger.ts';
import type { Registers } from './registers.ts';
import type { Random } from './seeded.ts';

const MIB = 1_048_576;
const PARTS_AT_MOST = 4;
/** Number of archives beyond which clients mostly delete, so that the disk does not fill. */
const ARCHIVES_KEPT = 120;

/** Share of acts that change settings or start jobs. */
const SETTINGS = 0.25;

export class Load {
  readonly #api: Api;
  readonly #ledger: Ledger;
  readonly #registers: Registers;
  readonly #random: Random;
  #stopped = false;

  constructor(api: Api, ledger: Ledger, registers: Registers, random: Random) {
    this.#api = api;
    this.#ledger = ledger;
    this.#registers = registers;
    this.#random = random;
  }

  /** Makes what the first round needs. */
  async prepare(): Promise<void> {
    await this.createVault(VAULT);
    await this.#registers.prepare(this.#api);
  }

  /** Runs this number of clients; resolves when all have noticed that the server is gone. */
  async run(clients: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, () => this.#client()));
  }

  /** Call this before the kill: from now on lost connections are expected. */
  stop(): void {
    this.#stopped = true;
  }

  async #client(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#act();
      } catch (error) {
        // A request without an answer proves nothing. Before the kill, a missing answer is a violation.
        if (!this.#stopped) this.#ledger.violated(`a request broke before the kill: ${String(error)}`);
        return;
      }
    }
  }

  #act(): Promise<void> {
    if (this.#random() < SETTINGS) return this.#registers.act(this.#api);
    const tooMany = this.#ledger.keptArchives().length > ARCHIVES_KEPT;
    const dice = this.#random();
    if (dice < (tooMany ? 0.05 : 0.35)) return this.#uploadArchive();
    if (dice < (tooMany ? 0.5 : 0.42)) return this.#deleteArchive();
    if (dice < 0.54) return this.#vault();
    return this.#multipart();
  }

  async #uploadArchive(): Promise<void> {
    const body = this.#body(this.#random() < 0.1 ? 3 * MIB : 100_000);
    const content = { treeHash: treeHash(body), size: body.length };
    this.#ledger.sent.add(content.treeHash);
    const answer = await this.#call(201, 'POST', `/-/vaults/${VAULT}/archives`, hashHeaders(body), body);
    const id = answer.headers['x-amz-archive-id'] ?? '';
    this.#ledger.archives.set(id, { id, ...content, state: 'kept', wasRead: false });
    this.#ledger.acknowledged('archive');
  }

  async #deleteArchive(): Promise<void> {
    const archive = this.#pick(this.#ledger.keptArchives());
    if (!archive) return;
    archive.state = 'deleting';
    await this.#call(204, 'DELETE', `/-/vaults/${VAULT}/archives/${archive.id}`);
    archive.state = 'deleted';
    this.#ledger.acknowledged('deletion', `archive-deleted ${archive.id}`);
  }

  async #vault(): Promise<void> {
    const kept = this.#ledger.vaults.filter(({ state, name }) => state === 'kept' && name !== VAULT);
    const old = this.#random() < 0.5 ? this.#pick(kept) : undefined;
    if (old) {
      old.state = 'deleting';
      await this.#call(204, 'DELETE', `/-/vaults/${old.name}`);
      old.state = 'deleted';
      this.#ledger.acknowledged('vault deleted', `vault-deleted ${old.name}`);
      return;
    }
    await this.createVault(`v${this.#ledger.vaults.length}`);
  }

  async createVault(name: string): Promise<void> {
    const entry = { name, state: 'asked' as 'asked' | 'kept' };
    this.#ledger.vaults.push(entry);
    await this.#call(201, 'PUT', `/-/vaults/${name}`);
    entry.state = 'kept';
    this.#ledger.acknowledged('vault', `vault-created ${name}`);
  }

  async #multipart(): Promise<void> {
    const free = this.#ledger.uploadsIn('open').filter(({ isTaken }) => !isTaken);
    const upload = (this.#random() < 0.8 ? this.#pick(free) : undefined) ?? (await this.#startUpload());
    upload.isTaken = true;
    const dice = this.#random();
    if (dice < 0.07) await this.#abort(upload);
    else if (dice < 0.35 && isContiguous(upload)) await this.#complete(upload);
    else await this.#putParts(upload);
    upload.isTaken = false;
  }

  async #startUpload(): Promise<UploadEntry> {
    const headers = { 'x-amz-part-size': String(MIB) };
    const answer = await this.#call(201, 'POST', `/-/vaults/${VAULT}/multipart-uploads`, headers);
    const id = answer.headers['x-amz-multipart-upload-id'] ?? '';
    const upload: UploadEntry = {
      id,
      places: new Map(),
      state: 'open',
      claim: null,
      archiveId: null,
      isTaken: true,
    };
    this.#ledger.uploads.set(id, upload);
    this.#ledger.acknowledged('upload', `upload-started ${id}`);
    return upload;
  }

  /** Sends one or two parts concurrently: the next ones, one that a crash prevented, or one sent before. */
  async #putParts(upload: UploadEntry): Promise<void> {
    const next = firstMissing(upload);
    const again = isContiguous(upload) && (next >= PARTS_AT_MOST || this.#random() < 0.2);
    const index = again ? Math.floor(this.#random() * next) : next;
    const alone = again || !isContiguous(upload) || index + 1 >= PARTS_AT_MOST;
    await Promise.all((alone ? [index] : [index, index + 1]).map((each) => this.#putPart(upload, each)));
  }

  async #putPart(upload: UploadEntry, index: number): Promise<void> {
    const body = this.#body(MIB, MIB);
    const content = { treeHash: treeHash(body), size: body.length };
    const first = index * MIB;
    const place = upload.places.get(first) ?? { acknowledged: null, sent: [], wasRead: false };
    upload.places.set(first, place);
    place.sent.push(content);
    const headers = { ...hashHeaders(body), 'content-range': `bytes ${first}-${first + body.length - 1}/*` };
    await this.#call(204, 'PUT', this.#targetOf(upload), headers, body);
    Object.assign(place, { acknowledged: content, sent: [], wasRead: false });
    this.#ledger.acknowledged('part');
  }

  async #complete(upload: UploadEntry): Promise<void> {
    upload.claim = claimOf(upload);
    upload.state = 'completing';
    const answer = await this.#call(201, 'POST', this.#targetOf(upload), claimHeaders(upload.claim));
    completed(this.#ledger, upload, answer.headers['x-amz-archive-id'] ?? '');
    this.#ledger.acknowledged('completion', `upload-completed ${upload.id}`);
  }

  async #abort(upload: UploadEntry): Promise<void> {
    upload.state = 'aborting';
    await this.#call(204, 'DELETE', this.#targetOf(upload));
    upload.state = 'aborted';
    this.#ledger.acknowledged('abort', `upload-ended ${upload.id}`);
  }

  #targetOf({ id }: UploadEntry): string {
    return `/-/vaults/${VAULT}/multipart-uploads/${id}`;
  }

  /** @throws Error without an answer, or with an unexpected one, which is a violation. */
  async #call(
    status: number,
    method: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    body: Uint8Array = Buffer.alloc(0),
  ): Promise<Answer> {
    const answer = await this.#api.call(method, target, { headers, body });
    if (answer.status === status) return answer;
    this.#ledger.violated(`${method} ${target} answered ${answer.status}: ${answer.text}`);
    throw new Error(`an answer of ${answer.status}`);
  }

  /** Bytes that no other call returns. */
  #body(most: number, least = 1): Buffer {
    const size = least + Math.floor(this.#random() * (most - least + 1));
    const body = Buffer.alloc(size, Math.floor(this.#random() * 256));
    randomBytes(Math.min(size, 16)).copy(body);
    return body;
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}

function firstMissing({ places }: UploadEntry): number {
  let index = 0;
  while (places.has(index * MIB)) index++;
  return index;
}

/** Whether there are parts, and none is missing between them. */
function isContiguous(upload: UploadEntry): boolean {
  return upload.places.size > 0 && firstMissing(upload) === upload.places.size;
}

/** What an upload's client declares at Complete. */
function claimOf(upload: UploadEntry): Content {
  const parts = placesInOrder(upload).flatMap(([, { acknowledged }]) => acknowledged ?? []);
  const roots = Buffer.from(parts.map((part) => part.treeHash).join(''), 'hex');
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { size, treeHash: Buffer.from(foldDigests(roots)).toString('hex') };
}

export function claimHeaders({ size, treeHash: hash }: Content): Record<string, string> {
  return { 'x-amz-archive-size': String(size), 'x-amz-sha256-tree-hash': hash };
}

/** Records that the upload has become an archive. */
export function completed(ledger: Ledger, upload: UploadEntry, archiveId: string): void {
  Object.assign(upload, { state: 'completed', archiveId });
  const { claim } = upload;
  if (claim) ledger.archives.set(archiveId, { id: archiveId, ...claim, state: 'kept', wasRead: false });
}
