/** Keeps anchors of the audit log's chains outside its folder: in the store's notes and in the catalog. */
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

/** Prefix of the notes that hold anchors; the chain's name follows. */
const NOTES = 'audit-';
/** The note that holds the greatest chain number. A catalog that was restored from a backup may know only lower ones. */
const COUNT_NOTE = 'count-of-audit-chains';
/** Prefix of the catalog's settings that hold anchors; the chain's number follows, nine digits. */
const SETTINGS = 'audit-chain-';
/** Prefix of the setting's value while its number is reserved, before the store has the chain's anchor. */
const RESERVED = 'reserved ';

interface AuditAnchorsDeps {
  readonly folder: string;
  readonly blobs: BlobStore;
  readonly catalog: Pick<Catalog, 'initSetting' | 'setSetting' | 'listSettings'>;
  readonly key: ChainKey;
  readonly clock: Clock;
}

/** Writes and reads the anchors of one installation. Several processes may call its methods at once. */
export class AuditAnchors {
  readonly #deps: AuditAnchorsDeps;
  readonly #numbers = new Map<string, number>();
  /** The last anchor written, by chain. */
  readonly #written = new Map<string, Anchor>();

  constructor(deps: AuditAnchorsDeps) {
    this.#deps = deps;
  }

  /**
   * Anchors a new chain: reserves a number in the catalog, writes the store's note, then the catalog's anchor. So a
   * backup that copies catalog, store and audit folder in this order never names a chain that the next copy lacks.
   * @throws StoreFailure and the catalog's errors; the chain must then not be used.
   */
  async begin(chain: string): Promise<void> {
    await this.#put(chain, this.#deps.key.beginning(chain), false);
  }

  /** Anchors a chain at its head on disk, unless it is anchored there already. @throws as `begin`. */
  async anchor({ chain, headOnDisk }: AuditLog, closed: boolean): Promise<void> {
    const last = this.#written.get(chain);
    if (last ? last.head.seq === headOnDisk.seq && last.closed === closed : headOnDisk.seq === 0) return;
    await this.#put(chain, headOnDisk, closed);
  }

  /** Whether a chain that ends at `end` reaches the store's anchor. */
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

  /** Numbers are consecutive, except for chains whose process ended before their first event. */
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

  /** Reads all anchors for `verifyAudit`, the catalog's first. */
  async remembered(): Promise<Remembered> {
    const { blobs, catalog, key } = this.#deps;
    const ofCatalog = new Map<string, string>();
    for (const { value } of await catalog.listSettings(SETTINGS)) {
      if (value.startsWith(RESERVED)) continue;
      const chain = chainOf(value);
      // A chain has two numbers if its note was removed; the anchor that goes further counts.
      const known = ofCatalog.get(chain);
      const open = (text: string) => openAnchor(key, text)?.head.seq ?? 0;
      if (known === undefined || open(value) >= open(known)) ofCatalog.set(chain, value);
    }
    const ofStore = new Map<string, string>();
    for (const chain of await this.chains()) ofStore.set(chain, (await blobs.note(`${NOTES}${chain}`)) ?? '');
    return { catalog: ofCatalog, store: ofStore };
  }

  /** Names of the chains that have a note in the store. */
  async chains(): Promise<string[]> {
    return (await this.#deps.blobs.noteNames(NOTES)).map((name) => name.slice(NOTES.length));
  }

  /**
   * Anchors a chain of an earlier run as closed, at its head. Leaves a head that is missing, changed or behind the
   * anchor for `audit verify` to report. Must not be called while the chain's process may run.
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
   * Makes the line for `audit verify --expect`: how far every chain goes now.
   * @throws Error when a chain's head is behind its anchor.
   */
  async headLine(): Promise<string> {
    const { key, clock, catalog, blobs } = this.#deps;
    // In this order: a chain that begins meanwhile has a greater number, or is reserved in the settings.
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
        throw new Error(`the head of the audit chain ${chain} is behind its anchor: run \`audit verify\``);
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

/** The settings that hold anchors in a catalog, from the store's notes: for a catalog that is rebuilt. */
export async function anchorSettings(blobs: BlobStore): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const name of await blobs.noteNames(NOTES)) {
    const text = (await blobs.note(name)) ?? '{}';
    const { number = 0 } = JSON.parse(text) as { readonly number?: number };
    if (number > 0) settings[settingName(number)] = text;
  }
  return settings;
}

function settingName(number: number): string {
  return `${SETTINGS}${String(number).padStart(9, '0')}`;
}

/** The chain that an anchor names, even if the anchor was changed: `audit verify` must check that chain too. */
function chainOf(text: string): string {
  return /"chain":"([a-z0-9]{1,64})"/.exec(text)?.[1] ?? 'unknown';
}
