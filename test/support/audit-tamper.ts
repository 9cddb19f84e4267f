/** Tampers with audit logs at random, and checks that verification detects it. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealAnchor } from '../../src/audit/anchor.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { ChainKey } from '../../src/audit/chain.ts';
import { wholeEnd } from '../../src/audit/command-chain.ts';
import type { HeadLine } from '../../src/audit/head-line.ts';
import { type Remembered, type Verified, verifyAudit } from '../../src/audit/verify.ts';
import { seeded } from './lock-simulation/sequence.ts';

const KEY = new ChainKey(Buffer.alloc(32, 5));

/** A folder of logs, and the anchors of its chains in store and catalog. */
export class AuditFolder {
  readonly path: string;
  readonly begun: string[] = [];
  /** Anchors by chain; of a chain without one, only the start is known. */
  readonly anchors = { store: new Map<string, string>(), catalog: new Map<string, string>() };

  readonly #earlier = new Map<string, Buffer>();

  readonly #remember = async (chain: string): Promise<void> => {
    this.begun.push(chain);
  };

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<AuditFolder> {
    return new AuditFolder(await mkdtemp(join(tmpdir(), 'moraine-audit-')));
  }

  open(chain: string, rotateBytes?: number, begun = this.#remember): AuditLog {
    const options = { folder: this.path, chain, key: KEY, begun };
    return new AuditLog(rotateBytes === undefined ? options : { ...options, rotateBytes });
  }

  /** Reopens a closed chain for appending. */
  async reopen(chain: string): Promise<AuditLog> {
    const continues = await wholeEnd(this.path, KEY, chain);
    if (!continues) throw new Error(`the chain ${chain} does not end at its head`);
    return new AuditLog({ folder: this.path, chain, key: KEY, begun: this.#remember, continues });
  }

  /** Remembers a chain's current files, for `setBack`. */
  async keepEarlier(chain: string): Promise<void> {
    for (const name of (await this.names()).filter((one) => one.startsWith(`${chain}.`)))
      this.#earlier.set(name, await readFile(this.file(name)));
  }

  /** Restores the remembered files of a chain and removes later ones. */
  async setBack(chain: string): Promise<void> {
    for (const name of (await this.names()).filter((one) => one.startsWith(`${chain}.`))) {
      const bytes = this.#earlier.get(name);
      await (bytes ? writeFile(this.file(name), bytes) : rm(this.file(name)));
    }
  }

  /** Writes a closed chain of events. */
  async fill(chain: string, records: number, rotateBytes?: number): Promise<void> {
    const log = this.open(chain, rotateBytes);
    for (let i = 0; i < records; i++) {
      await log.append({ eventName: `Event${i}`, text: 'ü'.repeat(i % 50), note: 'a\u2028b\r\n' });
    }
    await log.close();
  }

  /** Anchors a chain at its head on disk, in the named places. */
  anchor(log: AuditLog, atMs: number, places: readonly ('store' | 'catalog')[] = ['store', 'catalog']): void {
    const { chain, headOnDisk: head } = log;
    const anchor = { chain, number: this.begun.indexOf(chain) + 1, head, atMs, closed: false };
    for (const place of places) this.anchors[place].set(chain, sealAnchor(KEY, anchor));
  }

  verify(expected?: HeadLine): Promise<Verified> {
    const { store, catalog } = this.anchors;
    const begun = this.begun.map((chain) => [chain, store.get(chain) ?? '{}'] as const);
    const remembered: Remembered = { store: new Map(begun), catalog };
    return verifyAudit(this.path, KEY, remembered, expected);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  async names(): Promise<string[]> {
    return (await readdir(this.path)).sort();
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true });
  }
}

/** A way of tampering; returns a description of what it did. */
type Tamper = (folder: AuditFolder, random: () => number) => Promise<string>;

const pick = <Item>(items: readonly Item[], random: () => number): Item =>
  items[Math.floor(random() * items.length)] as Item;

async function logs(folder: AuditFolder): Promise<string[]> {
  return (await folder.names()).filter((name) => name.endsWith('.log'));
}

async function linesOf(folder: AuditFolder, name: string): Promise<string[]> {
  return (await readFile(folder.file(name), 'utf8')).split('\n').slice(0, -1);
}

async function writeLines(folder: AuditFolder, name: string, lines: readonly string[]): Promise<void> {
  await writeFile(folder.file(name), lines.map((line) => `${line}\n`).join(''));
}

const TAMPERS: Readonly<Record<string, Tamper>> = {
  async editByte(folder, random) {
    const name = pick(await folder.names(), random);
    const bytes = await readFile(folder.file(name));
    const at = Math.floor(random() * bytes.length);
    bytes[at] = ((bytes[at] ?? 0) + 1 + Math.floor(random() * 255)) % 256;
    await writeFile(folder.file(name), bytes);
    return `byte ${at} of ${name} is now ${bytes[at]}`;
  },
  async editLineFeed(folder, random) {
    const name = pick(await logs(folder), random);
    const bytes = await readFile(folder.file(name));
    const places = [...bytes.keys()].filter((at) => bytes[at] === 0x0a);
    const at = pick(places, random);
    bytes[at] = pick([0x0d, 0x20, 0x0b, 0x00], random);
    await writeFile(folder.file(name), bytes);
    return `line feed ${at} of ${name} is now ${bytes[at]}`;
  },
  async removeRecord(folder, random) {
    const name = pick(await logs(folder), random);
    const lines = await linesOf(folder, name);
    const at = Math.floor(random() * lines.length);
    await writeLines(folder, name, lines.toSpliced(at, 1));
    return `line ${at} of ${name} removed`;
  },
  async swapTwo(folder, random) {
    const [one, two] = [pick(await logs(folder), random), pick(await logs(folder), random)];
    const lines = { [one]: await linesOf(folder, one), [two]: await linesOf(folder, two) };
    const places = [one, two].flatMap((name) => (lines[name] ?? []).map((_, at) => ({ name, at })));
    const a = pick(places, random);
    const others = places.filter(({ name, at }) => name !== a.name || at !== a.at);
    const b = pick(others, random);
    const [first, second] = [lines[a.name]?.[a.at] ?? '', lines[b.name]?.[b.at] ?? ''];
    (lines[a.name] ?? [])[a.at] = second;
    (lines[b.name] ?? [])[b.at] = first;
    for (const [name, changed] of Object.entries(lines)) await writeLines(folder, name, changed);
    return `${a.name}:${a.at} and ${b.name}:${b.at} swapped`;
  },
  async cutTail(folder, random) {
    const name = pick(await folder.names(), random);
    const { length } = await readFile(folder.file(name));
    const left = Math.floor(random() * length);
    await truncate(folder.file(name), left);
    return `${name} cut to ${left} of ${length}`;
  },
  async cutRecords(folder, random) {
    const name = pick(await logs(folder), random);
    const lines = await linesOf(folder, name);
    const left = Math.floor(random() * lines.length);
    await writeLines(folder, name, lines.slice(0, left));
    return `${name} cut to ${left} of ${lines.length} lines`;
  },
  async removeFile(folder, random) {
    const name = pick(await folder.names(), random);
    await rm(folder.file(name));
    return `${name} removed`;
  },
  async removeChain(folder, random) {
    const chain = pick(folder.begun, random);
    for (const name of (await folder.names()).filter((one) => one.startsWith(`${chain}.`)))
      await rm(folder.file(name));
    return `the chain ${chain} removed`;
  },
  async emptyHeadAndCut(folder, random) {
    const chain = pick(folder.begun, random);
    await writeFile(folder.file(`${chain}.head`), '');
    for (const name of (await logs(folder)).filter((one) => one.startsWith(`${chain}.`)))
      await rm(folder.file(name));
    return `the head of ${chain} emptied, its lines removed`;
  },
  async earlierCopy(folder, random) {
    const chain = pick(folder.begun, random);
    await folder.setBack(chain);
    return `an earlier copy of ${chain} and its head`;
  },
  async repeatRecord(folder, random) {
    const name = pick(await logs(folder), random);
    const lines = await linesOf(folder, name);
    const at = Math.floor(random() * lines.length);
    await writeLines(folder, name, lines.toSpliced(at, 0, lines[at] ?? ''));
    return `line ${at} of ${name} repeated`;
  },
  async headOfAnother(folder, random) {
    const [one, two] = [pick(folder.begun, random), pick(folder.begun, random)];
    const other = one === two ? (folder.begun.find((name) => name !== one) ?? '') : two;
    await writeFile(folder.file(`${one}.head`), await readFile(folder.file(`${other}.head`)));
    return `${one} has the head of ${other}`;
  },
};

export interface Trials {
  readonly count: number;
  /** By kind. */
  readonly found: Readonly<Record<string, number>>;
  readonly missed: readonly string[];
}

/** Tampers repeatedly with a valid log, each time with a fresh copy. */
export async function tamperTrials(count: number, seed: number): Promise<Trials> {
  const random = seeded(seed);
  const folder = await AuditFolder.make();
  const found: Record<string, number> = {};
  const missed: string[] = [];
  try {
    for (const chain of ['one', 'two', 'three']) {
      await folder.fill(chain, 20, 2000);
      await folder.keepEarlier(chain);
      const log = await folder.reopen(chain);
      for (let i = 0; i < 5; i++) await log.append({ eventName: `Later${i}` });
      await log.close();
      folder.anchor(log, 0);
    }
    const good = await copyOf(folder);
    if ((await folder.verify()).problems.length > 0) throw new Error('the untouched log has faults');
    for (let i = 0; i < count; i++) {
      const [kind, tamper] = pick(Object.entries(TAMPERS), random);
      const what = await tamper(folder, random);
      if ((await folder.verify()).problems.length > 0) found[kind] = (found[kind] ?? 0) + 1;
      else missed.push(`${kind}: ${what}`);
      for (const [name, bytes] of good) await writeFile(folder.file(name), bytes);
    }
  } finally {
    await folder.remove();
  }
  return { count, found, missed };
}

async function copyOf(folder: AuditFolder): Promise<ReadonlyMap<string, Buffer>> {
  const names = await folder.names();
  const pairs = names.map(async (name) => [name, await readFile(folder.file(name))] as const);
  return new Map(await Promise.all(pairs));
}
