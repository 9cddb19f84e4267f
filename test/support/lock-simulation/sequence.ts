/**
 * Random sequences of events in an installation, checked against a plain model of what a completed lock protects. The
 * model uses true time, which the machine's clocks need not show.
 */

import type { Action } from '../../../src/domain/policy/extension-actions.ts';
import { STRAY_MS } from '../../../src/domain/trusted-time.ts';
import { denyDelete } from '../locks.ts';
import { type Ended, MAX_STOP_LEAP_MS, type Shop, World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MOST_ACTIONS = 20;
/** The longest true time of a stop. */
const STOP_MS = 30 * MINUTE;
/** How much older archives may seem after one run of the server and the stop before it. */
const ERROR_PER_START_MS = MAX_STOP_LEAP_MS + STOP_MS + STRAY_MS;

/** What a lock protects: archives younger than this many days, or all under a legal hold. */
type Rule = { readonly days: number } | 'legal-hold';

interface ArchiveModel {
  readonly id: string;
  readonly vault: VaultModel;
  readonly storedMs: number;
  /** Whether the deletion was legitimate. */
  deleted: boolean;
}

/** A vault from its creation to its deletion; a later vault of the same name is another. */
interface VaultModel {
  readonly name: string;
  /** The completed lock's rule, permanent. */
  locked: Rule | undefined;
  /** The lock in progress, with its id. */
  tried: { readonly rule: Rule; readonly id: string } | undefined;
  held: boolean;
}

/** What a catalog contains; restored together with it. */
interface Memory {
  readonly vaults: ReadonlyMap<string, VaultModel>;
  readonly archives: ReadonlySet<ArchiveModel>;
  readonly held: ReadonlyMap<VaultModel, boolean>;
}

/** How often each relevant event happened, which reveals runs without attempts. */
export interface Tally {
  sequences: number;
  actions: number;
  imports: number;
  deletions: number;
  /** Archives that tasks deleted. */
  emptied: number;
  refusedDeletions: number;
  protectedAttempts: number;
  locks: number;
  starts: number;
  refusedStarts: number;
  restoredCatalogs: number;
  violations: string[];
}

export function newTally(): Tally {
  return {
    sequences: 0,
    actions: 0,
    imports: 0,
    deletions: 0,
    emptied: 0,
    refusedDeletions: 0,
    protectedAttempts: 0,
    locks: 0,
    starts: 0,
    refusedStarts: 0,
    restoredCatalogs: 0,
    violations: [],
  };
}

/** Pseudo-random numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Runs one sequence; adds faults to the tally. */
export async function runSequence(shop: Shop, seed: number, tally: Tally): Promise<void> {
  const sequence = new Sequence(new World(shop), seed, tally);
  await sequence.run();
  tally.sequences++;
}

class Sequence {
  readonly #world: World;
  readonly #random: () => number;
  readonly #seed: number;
  readonly #tally: Tally;
  readonly #log: string[] = [];
  #vaults = new Map<string, VaultModel>();
  #archives = new Set<ArchiveModel>();
  /** Archives whose bytes must be kept, whichever catalog is in place. */
  readonly #everStored = new Set<ArchiveModel>();
  #copy: Memory | undefined;
  #starts = 0;
  #restored = false;
  /** How far trusted time is ahead because an operator confirmed a wrong clock. */
  #confirmedErrorMs = 0;

  constructor(world: World, seed: number, tally: Tally) {
    this.#world = world;
    this.#random = seeded(seed);
    this.#seed = seed;
    this.#tally = tally;
  }

  async run(): Promise<void> {
    await this.#start();
    await this.#prepare();
    const count = 4 + Math.floor(this.#random() * (MOST_ACTIONS - 3));
    for (let i = 0; i < count; i++) {
      this.#tally.actions++;
      await this.#act();
    }
    await this.#world.stop(true);
    await this.#checkBytes();
    await this.#checkOrder();
  }

  /** Begins most sequences with a vault of protected archives, so that few runs are wasted. */
  async #prepare(): Promise<void> {
    if (this.#random() < 0.3) return;
    await this.#createVault('a');
    await this.#upload('a');
    await this.#initiate('a');
    if (this.#random() < 0.8) await this.#complete('a');
    await this.#upload('a');
  }

  async #act(): Promise<void> {
    const vault = this.#random() < 0.75 ? 'a' : 'b';
    const total = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
    let at = this.#random() * total;
    const found = ACTIONS.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    const [, name, needsServer] = found ?? ACTIONS[0];
    this.#log.push(`${name} ${vault}`);
    if (needsServer && !this.#world.isUp) return;
    await this[name](vault);
  }

  async createVault(name: string): Promise<void> {
    await this.#createVault(name);
  }

  async #createVault(name: string): Promise<void> {
    const ended = await this.#ask('CreateVault', name);
    if ('refused' in ended || this.#vaults.has(name)) return;
    this.#vaults.set(name, { name, locked: undefined, tried: undefined, held: false });
  }

  async deleteVault(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    const ended = await this.#ask('DeleteVault', name);
    if ('refused' in ended || !vault) return;
    for (const archive of this.#in(vault)) this.#lose(archive, 'the deletion of its vault');
    // The lock ends with its vault, in every copy of the catalog too.
    vault.locked = undefined;
    this.#vaults.delete(name);
  }

  async upload(name: string): Promise<void> {
    await this.#upload(name);
  }

  /** Imports an archive that says it is old, or one again that is there. */
  async importArchive(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    const there = vault ? this.#in(vault).filter(({ id }) => id.startsWith('import-')) : [];
    const [again] = this.#random() < 0.3 ? this.#pick(there) : [];
    const importDate = this.#world.clocks.realMs - 400 * DAY;
    const importId = again?.id ?? `import-${this.#everStored.size}`;
    await this.#upload(name, { importId, importDate }, again);
  }

  /** @param again the archive that is there already. */
  async #upload(name: string, input: Record<string, unknown> = {}, again?: ArchiveModel): Promise<void> {
    const vault = this.#vaults.get(name);
    const ended = await this.#ask('UploadArchive', name, { description: null, ...input });
    if ('refused' in ended || !vault || again) return;
    if (input['importId'] !== undefined) this.#tally.imports++;
    const id = ended.headers['x-amz-archive-id'] ?? '';
    const archive = { id, vault, storedMs: this.#world.clocks.realMs, deleted: false };
    this.#archives.add(archive);
    this.#everStored.add(archive);
  }

  async deleteArchive(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    const [archive] = vault ? this.#pick(this.#in(vault)) : [];
    if (archive) await this.#delete(archive);
  }

  /** Deletes all archives, like a client that empties a vault. */
  async deleteAll(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    if (vault) await Promise.all(this.#in(vault).map((archive) => this.#delete(archive)));
  }

  async #delete(archive: ArchiveModel): Promise<void> {
    const why = this.#protection(archive);
    if (why !== undefined) this.#tally.protectedAttempts++;
    const ended = await this.#ask('DeleteArchive', archive.vault.name, { id: archive.id });
    if ('refused' in ended) {
      this.#tally.refusedDeletions++;
      return;
    }
    this.#tally.deletions++;
    if (why !== undefined) this.#violated(`${archive.id.slice(0, 8)} was deleted: ${why}`);
    archive.deleted = true;
    this.#archives.delete(archive);
  }

  /** Empties the vault by a task, which may begin at once or end after a grace. */
  async emptyVault(name: string): Promise<void> {
    await this.#byTask(() => this.#startEmptying(name));
  }

  async forceDelete(name: string): Promise<void> {
    await this.#byTask(() => this.#ask('moraine:DeleteVault', name));
  }

  async runTasks(): Promise<void> {
    await this.#byTask(() => this.#world.runTasks());
  }

  /** Goes on with tasks while the lock, the tags or an upload change their vault. */
  async raceTasks(name: string): Promise<void> {
    const changes = [() => this.#complete(name), () => this.hold(name), () => this.#initiate(name)];
    const change = changes[Math.floor(this.#random() * 4)] ?? (() => this.#upload(name));
    await this.#byTask(async () => {
      await Promise.all([this.#startEmptying(name), change(), this.#world.runTasks()]);
    });
  }

  #startEmptying(name: string): Promise<Ended> {
    const graceSeconds = this.#random() < 0.4 ? Math.floor((this.#random() * 3 * DAY) / 1000) : 0;
    return this.#ask('moraine:EmptyVault', name, { dryRun: false, graceSeconds });
  }

  /** Does what may delete by a task; what was protected before must still be there. */
  async #byTask(act: () => Promise<unknown>): Promise<void> {
    const storedMs = this.#world.clocks.realMs;
    const protections = new Map([...this.#archives].map((one) => [one, this.#protection(one)]));
    // An archive that is uploaded meanwhile may be in the set of the task.
    const ofNew = new Map(
      [...this.#vaults.values()].map((vault) => [vault, this.#protection({ vault, storedMs })]),
    );
    await act();
    if (!this.#world.isUp) return;
    for (const archive of [...this.#archives]) {
      if (archive.deleted || (await this.#world.sees(archive.vault.name, archive.id))) continue;
      const why = protections.has(archive) ? protections.get(archive) : ofNew.get(archive.vault);
      this.#tally.emptied++;
      if (why !== undefined) this.#violated(`${archive.id.slice(0, 8)} was deleted by a task: ${why}`);
      archive.deleted = true;
      this.#archives.delete(archive);
    }
    for (const [name, vault] of [...this.#vaults]) {
      if (await this.#world.hasVault(name)) continue;
      for (const archive of this.#in(vault)) this.#lose(archive, 'the deletion of its vault by a task');
      vault.locked = undefined;
      this.#vaults.delete(name);
    }
  }

  /** Deletes while the lock, the tags or the vault change; protected archives must survive. */
  async race(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    if (!vault) return;
    const changes = [() => this.complete(name), () => this.hold(name), () => this.initiate(name)];
    const change = changes[Math.floor(this.#random() * 4)] ?? (() => this.hold(name));
    const first = this.#random() < 0.7 ? change() : undefined;
    await Promise.all(this.#in(vault).map((archive) => this.#delete(archive)));
    await (first ?? change());
  }

  async initiate(name: string): Promise<void> {
    await this.#initiate(name);
  }

  async #initiate(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    const days = [2, 30, 365][Math.floor(this.#random() * 4)];
    const rule: Rule = days === undefined ? 'legal-hold' : { days };
    const ended = await this.#ask('InitiateVaultLock', name, { policy: JSON.stringify(policyOf(rule)) });
    if ('refused' in ended || !vault) return;
    vault.tried = { rule, id: ended.headers['x-amz-lock-id'] ?? '' };
    if (vault.locked) this.#violated(`the lock of ${name} was replaced`);
  }

  async complete(name: string): Promise<void> {
    await this.#complete(name);
  }

  async #complete(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    const tried = vault?.tried;
    const id = this.#random() < 0.9 ? (tried?.id ?? 'x') : 'wrong';
    const ended = await this.#ask('CompleteVaultLock', name, { id });
    if ('refused' in ended || !vault || !tried || vault.locked) return;
    vault.locked = tried.rule;
    this.#tally.locks++;
  }

  async abort(name: string): Promise<void> {
    const ended = await this.#ask('AbortVaultLock', name);
    const vault = this.#vaults.get(name);
    if (!('refused' in ended) && vault?.locked) this.#violated(`the lock of ${name} was aborted`);
  }

  async hold(name: string): Promise<void> {
    const ended = await this.#ask('AddTagsToVault', name, { tags: { LegalHold: 'true' } });
    const vault = this.#vaults.get(name);
    if (!('refused' in ended) && vault) vault.held = true;
  }

  async release(name: string): Promise<void> {
    const vault = this.#vaults.get(name);
    const ended =
      this.#random() < 0.5
        ? await this.#ask('RemoveTagsFromVault', name, { keys: ['LegalHold'] })
        : await this.#ask('AddTagsToVault', name, { tags: { LegalHold: 'no' } });
    if (!('refused' in ended) && vault) vault.held = false;
  }

  async accessPolicy(name: string): Promise<void> {
    const policy = JSON.stringify({
      Statement: { Effect: 'Allow', Principal: '*', Action: 'glacier:*', Resource: '*' },
    });
    await this.#ask('SetVaultAccessPolicy', name, { policy });
  }

  async dropAccessPolicy(name: string): Promise<void> {
    await this.#ask('DeleteVaultAccessPolicy', name);
  }

  async sweep(): Promise<void> {
    await this.#world.sweep();
  }

  async acceptCatalog(): Promise<void> {
    await this.#world.acceptCatalog();
  }

  async restart(): Promise<void> {
    await this.#stop();
    this.#pass(STOP_MS);
    await this.#start();
  }

  async copyCatalog(): Promise<void> {
    await this.#stop();
    this.#world.copyCatalog();
    const held = new Map([...this.#vaults.values()].map((vault) => [vault, vault.held]));
    this.#copy = { vaults: new Map(this.#vaults), archives: new Set(this.#archives), held };
    await this.#start();
  }

  async restoreCatalog(): Promise<void> {
    if (!this.#copy) return;
    await this.#stop();
    this.#world.restoreCatalog();
    this.#tally.restoredCatalogs++;
    this.#restored = true;
    this.#vaults = new Map(this.#copy.vaults);
    this.#archives = new Set(this.#copy.archives);
    // The restored catalog determines the tags, but not a completed lock.
    for (const [vault, held] of this.#copy.held) vault.held = held;
    await this.#start();
  }

  async passTime(): Promise<void> {
    this.#pass([MINUTE, HOUR, 23 * HOUR, 25 * HOUR, 3 * DAY, 40 * DAY][Math.floor(this.#random() * 6)] ?? 0);
    await this.#world.keepTime();
  }

  /** An operator sets the machine's clock. */
  async moveClock(): Promise<void> {
    this.#setClock();
    if (this.#random() < 0.5) await this.#world.keepTime();
  }

  #setClock(): void {
    const { clocks } = this.#world;
    const by = [MINUTE, 4 * MINUTE, HOUR, 3 * DAY, 400 * DAY][Math.floor(this.#random() * 5)] ?? 0;
    clocks.wallErrorMs += this.#random() < 0.65 ? by : -by;
  }

  /** Moves the clock in many small steps, each too small to be detected. */
  async creep(): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      this.#world.clocks.wallErrorMs += 4 * MINUTE;
      this.#world.clocks.realMs += 20_000;
      await this.#world.keepTime();
    }
  }

  async rightClock(): Promise<void> {
    this.#world.clocks.wallErrorMs = 0;
    await this.#world.keepTime();
  }

  /** `moraine lock confirm-time`: the operator's confirmation is accepted, even if it is wrong. */
  async confirmTime(): Promise<void> {
    const { wallErrorMs } = this.#world.clocks;
    this.#confirmedErrorMs = Math.max(this.#confirmedErrorMs, Math.abs(wallErrorMs));
    await this.#world.confirmTime();
    await this.#world.keepTime();
  }

  #pass(ms: number): void {
    this.#world.clocks.realMs += Math.floor(this.#random() * ms);
  }

  /** Stops the server; an operator may set the clock meanwhile. */
  async #stop(): Promise<void> {
    await this.#world.stop(this.#random() < 0.7);
    if (this.#random() < 0.3) this.#setClock();
  }

  async #start(): Promise<void> {
    this.#starts++;
    this.#tally.starts++;
    if (await this.#world.start()) return;
    this.#tally.refusedStarts++;
    // Only a correct clock helps.
    this.#world.clocks.wallErrorMs = Math.max(0, this.#world.clocks.wallErrorMs);
    await this.#world.start();
  }

  #ask(name: Action, vault: string, input?: Record<string, unknown>): Promise<Ended> {
    return this.#world.isUp
      ? this.#world.ask(name, vault, input)
      : Promise.resolve({ refused: new Error('down') as never });
  }

  #in(vault: VaultModel): ArchiveModel[] {
    return [...this.#archives].filter((archive) => archive.vault === vault && !archive.deleted);
  }

  #pick<Item>(items: readonly Item[]): Item[] {
    return items.slice(Math.floor(this.#random() * items.length)).slice(0, 1);
  }

  /** Why the archive must not be deleted, or undefined. */
  #protection({ vault, storedMs }: Pick<ArchiveModel, 'vault' | 'storedMs'>): string | undefined {
    const rule = vault.locked;
    if (rule === undefined) return undefined;
    if (rule === 'legal-hold') return vault.held ? 'its vault is under a legal hold' : undefined;
    const ageMs = this.#world.clocks.realMs - storedMs;
    const errorMs = this.#starts * ERROR_PER_START_MS + 2 * this.#confirmedErrorMs;
    return ageMs + errorMs < rule.days * DAY
      ? `it is ${(ageMs / DAY).toFixed(2)} days old, of ${rule.days}`
      : undefined;
  }

  #lose(archive: ArchiveModel, how: string): void {
    const why = this.#protection(archive);
    if (why !== undefined) this.#violated(`${archive.id.slice(0, 8)} was lost by ${how}: ${why}`);
    archive.deleted = true;
    this.#archives.delete(archive);
  }

  /**
   * Checks that the store has the bytes of every archive that was not legitimately deleted, whatever happened to the
   * catalog.
   */
  async #checkBytes(): Promise<void> {
    const kept = new Set<string>();
    for await (const ref of this.#world.blobs.list()) {
      kept.add((await this.#world.blobs.describe(ref)).label.archiveId);
    }
    for (const { id, deleted } of this.#everStored) {
      if (!deleted && !kept.has(id)) this.#violated(`the bytes of ${id.slice(0, 8)} are gone`);
    }
  }

  /**
   * Checks that the journal has all entries in the order of their commits, after races too. It does not record that a
   * catalog was restored.
   */
  async #checkOrder(): Promise<void> {
    if (this.#restored) return;
    const [held, kept] = [new Set<unknown>(), new Set<unknown>()];
    // A restart appends the last entry again.
    const facts = new Map<number, Readonly<Record<string, unknown>>>();
    for await (const { seq, body } of this.#world.blobs.journalEntries()) facts.set(seq, body);
    for (const [, entry] of [...facts].sort(([a], [b]) => a - b)) {
      const { type, vault, tags, state, policy } = entry;
      if (type === 'vault-created') for (const set of [held, kept]) set.delete(vault);
      if (type === 'vault-tags') {
        if ((tags as Record<string, string>)['LegalHold'] === 'true') held.add(vault);
        else held.delete(vault);
      }
      if (type === 'vault-lock' && state === 'Locked' && String(policy).includes('LegalHold'))
        kept.add(vault);
      const deletes = type === 'archive-deleted' || type === 'archives-deleted';
      if (deletes && held.has(vault) && kept.has(vault)) {
        this.#violated('an archive was deleted after a legal hold was committed');
      }
    }
  }

  #violated(what: string): void {
    this.#tally.violations.push(`seed ${this.#seed}: ${what}\n  ${this.#log.join(', ')}`);
  }
}

function policyOf(rule: Rule): unknown {
  if (rule === 'legal-hold')
    return denyDelete({ StringLike: { 'glacier:ResourceTag/LegalHold': ['true', ''] } });
  return denyDelete({ NumericLessThan: { 'glacier:ArchiveAgeInDays': String(rule.days) } });
}

type ActionName = {
  [Name in keyof Sequence]: Sequence[Name] extends (vault: string) => Promise<void> ? Name : never;
}[keyof Sequence];

/** How often each action happens, and whether it needs a running server. */
const ACTIONS: readonly [
  readonly [number, ActionName, boolean],
  ...(readonly [number, ActionName, boolean])[],
] = [
  [3, 'createVault', true],
  [2, 'deleteVault', true],
  [6, 'upload', true],
  [3, 'importArchive', true],
  [8, 'deleteArchive', true],
  [4, 'deleteAll', true],
  [4, 'race', true],
  [4, 'emptyVault', true],
  [1, 'forceDelete', true],
  [4, 'runTasks', true],
  [3, 'raceTasks', true],
  [3, 'initiate', true],
  [4, 'complete', true],
  [2, 'abort', true],
  [3, 'hold', true],
  [3, 'release', true],
  [1, 'accessPolicy', true],
  [1, 'dropAccessPolicy', true],
  [3, 'sweep', true],
  [1, 'acceptCatalog', true],
  [3, 'restart', false],
  [2, 'copyCatalog', false],
  [3, 'restoreCatalog', false],
  [6, 'passTime', false],
  [6, 'moveClock', false],
  [1, 'creep', false],
  [2, 'rightClock', false],
  [1, 'confirmTime', false],
];
