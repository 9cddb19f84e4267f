/** Where the audit log's chains are remembered outside its folder: in the store's notes and in the catalog. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Anchor, furtherOf, openAnchor, sealAnchor } from '../audit/anchor.ts';
import { type AuditLog, headName } from '../audit/audit-log.ts';
import type { ChainKey, Head } from '../audit/chain.ts';
import { isOfCommands } from '../audit/command-chain.ts';
import { digestOf, formatHeadLine, type Position } from '../audit/head-line.ts';
import type { Remembered } from '../audit/verify.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { undefinedIfMissing } from '../durable/errors.ts';

/** What the names of notes that remember audit chains begin with; the chain's name follows. */
const NOTES = 'audit-';
/** The greatest number that was given to a chain. An older catalog, restored from a backup, may know less. */
const COUNT_NOTE = 'count-of-audit-chains';
/** What the names of settings that remember audit chains begin with; the chain's number follows, nine digits. */
const SETTINGS = 'audit-chain-';
/** What a number is reserved with, before the store remembers the chain. */
const RESERVED = 'reserved ';

interface AuditAnchorsDeps {
  readonly folder: string;
  readonly blobs: BlobStore;
  readonly catalog: Pick<Catalog, 'initSetting' | 'setSetting' | 'listSettings'>;
  readonly key: ChainKey;
  readonly clock: Clock;
}

/** Writes and reads the anchors of one installation. All methods may be called in several processes at once. */
export class AuditAnchors {
  readonly #deps: AuditAnchorsDeps;
  readonly #numbers = new Map<string, number>();
  /** What was anchored last, by chain. */
  readonly #written = new Map<string, Anchor>();

  constructor(deps: AuditAnchorsDeps) {
    this.#deps = deps;
  }

  /**
   * Remembers a new chain: a number in the catalog, then the store's note, then the catalog's anchor. A copy that is
   * made in the order catalog, store, audit therefore never knows a chain that its next part lacks.
   * @throws StoreFailure and what the catalog throws; then the chain must not be used.
   */
  async begin(chain: string): Promise<void> {
    await this.#put(chain, this.#deps.key.beginning(chain), false);
  }

  /** Anchors the chain where its head on disk is, unless it is anchored there already. @throws as `begin`. */
  async anchor({ chain, headOnDisk }: AuditLog, closed: boolean): Promise<void> {
    const last = this.#written.get(chain);
    if (last ? last.head.seq === headOnDisk.seq && last.closed === closed : headOnDisk.seq === 0) return;
    await this.#put(chain, headOnDisk, closed);
  }

  /** Whether a chain that ends here goes as far as the store's anchor says. */
  async reaches(chain: string, end: Head): Promise<boolean> {
    const anchor = openAnchor(this.#deps.key, (await this.#deps.blobs.note(`${NOTES}${chain}`)) ?? '');
    return anchor !== undefined && anchor.head.seq <= end.seq;
  }

  async #put(chain: string, head: Head, closed: boolean): Promise<void> {
    const { blobs, catalog, key, clock } = this.#deps;
    const number = await this.#numberOf(chain);
    const anchor: Anchor = { chain, number, head, closed, atMs: clock.now() };
    const text = sealAnchor(key, anchor);
    await blobs.putNote(`${NOTES}${chain}`, text);
    await catalog.setSetting({ name: settingName(number), value: text });
    this.#written.set(chain, anchor);
  }

  /** Numbers have no gap but for chains whose process ended before their first record. */
  async #numberOf(chain: string): Promise<number> {
    const { blobs, catalog, key } = this.#deps;
    const known =
      this.#numbers.get(chain) ?? openAnchor(key, (await blobs.note(`${NOTES}${chain}`)) ?? '')?.number ?? 0;
    if (known > 0) return known;
    const value = `${RESERVED}${chain}`;
    let number = Number((await blobs.note(COUNT_NOTE)) ?? 0) + 1;
    while ((await catalog.initSetting({ name: settingName(number), value })) !== value) number++;
    await blobs.putNote(COUNT_NOTE, String(number));
    this.#numbers.set(chain, number);
    return number;
  }

  /** What store and catalog remember now, as `verifyAudit` takes it. The catalog is read first. */
  async remembered(): Promise<Remembered> {
    const { blobs, catalog, key } = this.#deps;
    const ofCatalog = new Map<string, string>();
    for (const { value } of await catalog.listSettings(SETTINGS)) {
      if (value.startsWith(RESERVED)) continue;
      const chain = chainOf(value);
      // A chain has two numbers if its note was taken away: the anchor that goes further counts.
      const known = ofCatalog.get(chain);
      const open = (text: string) => openAnchor(key, text)?.head.seq ?? 0;
      if (known === undefined || open(value) >= open(known)) ofCatalog.set(chain, value);
    }
    const ofStore = new Map<string, string>();
    for (const chain of await this.chains()) ofStore.set(chain, (await blobs.note(`${NOTES}${chain}`)) ?? '');
    return { catalog: ofCatalog, store: ofStore };
  }

  /** Names of the chains that the store remembers. */
  async chains(): Promise<string[]> {
    return (await this.#deps.blobs.noteNames(NOTES)).map((name) => name.slice(NOTES.length));
  }

  /**
   * Anchors a chain that an earlier run left, at its head, as closed. A head that is missing, changed or behind the
   * anchor is left to `audit verify`. Not for chains whose process may still run.
   * @throws as `begin`.
   */
  async close(chain: string): Promise<void> {
    const { blobs, key } = this.#deps;
    if (isOfCommands(chain)) return;
    const anchor = openAnchor(key, (await blobs.note(`${NOTES}${chain}`)) ?? '');
    if (anchor?.closed) return;
    const head = await this.#headOf(chain);
    if (head && head.seq >= (anchor?.head.seq ?? 0)) await this.#put(chain, head, true);
  }

  async #headOf(chain: string): Promise<Head | undefined> {
    const text = await readFile(join(this.#deps.folder, headName(chain)), 'utf8').catch(undefinedIfMissing);
    return text === undefined ? undefined : this.#deps.key.openHead(chain, text);
  }

  /**
   * The line that `audit verify --expect` takes: where every chain stands now.
   * @throws Error when a chain's head falls short of its anchor.
   */
  async headLine(): Promise<string> {
    const { key, clock, catalog, blobs } = this.#deps;
    // In this order: whatever begins meanwhile has a greater number, or stands reserved in the settings.
    const counted = Number((await blobs.note(COUNT_NOTE)) ?? 0);
    const settings = await catalog.listSettings(SETTINGS);
    const upTo = Math.max(counted, ...settings.map(({ name }) => Number(name.slice(SETTINGS.length))));
    const { store, catalog: ofCatalog } = await this.remembered();
    const reserved = settings.filter(({ value }) => value.startsWith(RESERVED));
    const open = new Map(reserved.map(({ name }) => [Number(name.slice(SETTINGS.length)), 0]));
    const positions: Position[] = [];
    for (const chain of new Set([...store.keys(), ...ofCatalog.keys()])) {
      const anchor = furtherOf(
        openAnchor(key, store.get(chain) ?? ''),
        openAnchor(key, ofCatalog.get(chain) ?? ''),
      );
      if (!anchor || anchor.number === 0 || anchor.number > upTo) continue;
      const head = anchor.closed ? anchor.head : await this.#headOf(chain);
      if (!head || head.seq < anchor.head.seq)
        throw new Error(`the head of the audit chain ${chain} falls short of its anchor: run audit verify`);
      if (!anchor.closed) open.set(anchor.number, head.seq);
      positions.push({ number: anchor.number, chain, head });
    }
    return formatHeadLine({
      atMs: clock.now(),
      upTo,
      chains: positions.filter(({ head }) => head.seq > 0).length,
      records: positions.reduce((sum, { head }) => sum + head.seq, 0),
      open: new Map([...open].sort(([a], [b]) => a - b)),
      digest: digestOf(positions),
    });
  }
}

function settingName(number: number): string {
  return `${SETTINGS}${String(number).padStart(9, '0')}`;
}

/** The chain that an anchor names, sealed or not: a changed one must still be looked at. */
function chainOf(text: string): string {
  return /"chain":"([a-z0-9]{1,64})"/.exec(text)?.[1] ?? 'unknown';
}
