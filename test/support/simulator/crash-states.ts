/**
 * Every crash of short sequences of operations: at each durable step of the last one, and again at each durable step of
 * the recovery, with whatever the disk kept.
 */
import { DiskStore } from '../../../src/blobs/disk/disk-store.ts';
import type { CatalogFile } from './catalog.ts';
import { type Content, contentOf } from './contents.ts';
import type { SimulatedDisk } from './disk.ts';
import { NO_HASH } from './engine.ts';
import { Exchange } from './exchange.ts';
import type { Survival } from './file-node.ts';
import { SimulatedFileSystem } from './file-system.ts';
import { requireBytes } from './inspect/bytes.ts';
import { readCatalog } from './inspect/catalog.ts';
import { compare } from './inspect/compare.ts';
import { requireNoLeaks } from './inspect/leaks.ts';
import { readStore } from './inspect/store.ts';
import { Installation } from './installation.ts';
import { type ArchiveModel, expect, Model, type UploadModel, type VaultModel, Violation } from './model.ts';
import { SimulatedProcess } from './process.ts';
import { Random } from './random.ts';
import { deletionOf, uploadOf } from './requests/archives.ts';
import type { AskContext, Asked } from './requests/asked.ts';
import { outputOf, retrievalOf } from './requests/jobs.ts';
import { toReply, toRequest } from './requests/on-the-wire.ts';
import { completionOfLock, lockOf, settingOf } from './requests/settings.ts';
import { abortOf, completionOf, partOf, startUploadIn } from './requests/uploads.ts';
import { createVaultNamed, deletionOfVault } from './requests/vaults.ts';
import { SimulatedServer } from './server.ts';
import { ALL, NOTHING, subset } from './survival.ts';

/** Long enough for the sweep, and for the confirmation of packs. */
const AFTERMATH_MS = 3000;

/** A mutating operation on what the base state has. */
export type StateOperation =
  | 'small upload'
  | 'large upload'
  | 'part'
  | 'replaced part'
  | 'complete'
  | 'abort'
  | 'delete archive'
  | 'create vault'
  | 'delete vault'
  | 'lock'
  | 'job';

type Ask = (world: StateWorld) => Asked | undefined;

const OPERATIONS: Readonly<Record<StateOperation, Ask>> = {
  'small upload': (world) => uploadOf(world.context, world.vault('red'), world.content('tiny')),
  'large upload': (world) => uploadOf(world.context, world.vault('red'), world.content('large')),
  part: (world) => world.openUpload && partOf(world.context, world.openUpload, 1, world.content('tiny')),
  'replaced part': (world) =>
    world.openUpload && partOf(world.context, world.openUpload, 0, world.content('part')),
  complete: (world) => world.openUpload && completionOf(world.openUpload, world.partsOf(world.openUpload)),
  abort: (world) => world.openUpload && abortOf(world.openUpload),
  'delete archive': (world) => world.archive && deletionOf(world.archive),
  'create vault': (world) => createVaultNamed(world.vault('blue')),
  'delete vault': (world) => deletionOfVault(world.vault('green')),
  lock: (world) => completionOfLock(world.vault('green'), world.lockId ?? 'Aaaaaaaaaaaaaaaaaaaaaaaa'),
  job: (world) => world.archive && retrievalOf(world.archive),
};

const STATE_OPERATIONS = Object.keys(OPERATIONS) as readonly StateOperation[];

/** All sequences of so many operations. */
export function* sequencesOf(length: number): Generator<readonly StateOperation[]> {
  if (length === 0) yield [];
  else
    for (const before of sequencesOf(length - 1))
      for (const last of STATE_OPERATIONS) yield [...before, last];
}

/** What the disk kept of what was not flushed. */
const DISKS: readonly (readonly [name: string, make: (seed: number) => Survival])[] = [
  ['nothing', () => NOTHING],
  ['all', () => ALL],
  ['some', (seed) => subset(new Random(seed))],
];

export interface StateTally {
  sequences: number;
  /** Crashes, in an operation or in a recovery, each of which was recovered from. */
  states: number;
}

/** An installation and its model, driven in the order of a plain program. */
class StateWorld {
  readonly model = new Model(['red', 'green', 'blue']);
  readonly installation: Installation;
  /** Names and ids: each process has a source of its own, as every process draws other names. */
  #random = new Random(11);
  #starts: number;
  server: SimulatedServer | undefined;

  /** @param starts how often a server was started before. */
  constructor(installation: Installation, starts: number) {
    this.installation = installation;
    this.#starts = starts;
  }

  get context(): AskContext {
    // Clients that go away would make states of their own.
    const random = Object.create(this.#random, { chance: { value: () => false } }) as Random;
    return { model: this.model, random };
  }

  vault(name: string): VaultModel {
    return this.model.vaults.find((vault) => vault.name === name) as VaultModel;
  }

  content(kind: Parameters<typeof contentOf>[0]): Content {
    return contentOf(kind, this.#random);
  }

  get openUpload(): UploadModel | undefined {
    return this.model.uploads.find(({ state }) => state.may('open'));
  }

  get archive(): ArchiveModel | undefined {
    return this.model.archives.find(({ isThere }) => isThere.may(true));
  }

  get lockId(): string | undefined {
    return [...this.vault('green').lock.possible].flatMap((lock) => lock.split(' ')[1] ?? [])[0];
  }

  partsOf(upload: UploadModel): Content[] {
    const places = [...upload.places].sort(([a], [b]) => a - b);
    return places.flatMap(([, place]) => place.only ?? []);
  }

  /** Starts a server; false if its process died on the way. */
  async start(dies?: number): Promise<boolean> {
    const process = new SimulatedProcess({ loop: this.installation.loop });
    this.#random = new Random(100 + this.#starts++);
    if (dies !== undefined) process.dieAt(dies, false);
    const server = new SimulatedServer({ installation: this.installation, process, random: this.#random });
    this.server = server;
    let outcome: unknown;
    await this.installation.loop.runAs(process, () => {
      server.start().then(
        () => {
          outcome = 'done';
        },
        (error: unknown) => {
          outcome = error;
        },
      );
    });
    while (outcome === undefined && !process.isDead && this.installation.loop.isBusy) await this.#turn();
    if (process.isDead) return false;
    if (outcome !== 'done') throw new Violation(`a start failed: ${String(outcome)}`);
    return true;
  }

  async #turn(): Promise<void> {
    await this.installation.loop.turn();
  }

  /** Sends a request and waits for the answer, and for all that follows. @returns false if the process died. */
  async ask(asked: Asked | undefined): Promise<boolean> {
    const { server } = this;
    if (asked === undefined || server?.pipeline === undefined) return true;
    const { loop } = this.installation;
    const exchange = new Exchange(loop, toRequest(asked.draft, this.installation.nowMs()));
    const { pipeline } = server;
    loop.post(() => exchange.begin('request', pipeline), server.process);
    await this.#idle(server);
    loop.pass(AFTERMATH_MS);
    await this.#idle(server);
    const { answer } = exchange;
    const status = answer?.isWhole ? answer.status : undefined;
    // A dying process may still tell of its own end.
    if (answer && status !== undefined && (status < 500 || !server.process.isDead))
      asked.answer(toReply(answer, status));
    else {
      expect(server.process.isDead, () => `no answer came: ${asked.name}`);
      asked.lose();
    }
    return !server.process.isDead;
  }

  async #idle(server: SimulatedServer): Promise<void> {
    while (this.installation.loop.isBusy && !server.process.isDead) await this.#turn();
  }

  /** Everything that operations could be about. */
  async prepare(): Promise<void> {
    await this.start();
    const { context } = this;
    for (const name of ['red', 'green']) await this.ask(createVaultNamed(this.vault(name)));
    const red = this.vault('red');
    for (const kind of ['tiny', 'large', 'tiny'] as const)
      await this.ask(uploadOf(context, red, this.content(kind)));
    for (let i = 0; i < 2; i++) await this.ask(startUploadIn(context, red));
    for (const upload of this.model.uploads)
      for (const kind of ['tiny', 'part'] as const)
        await this.ask(partOf(context, upload, 0, this.content(kind)));
    await this.ask(settingOf(red, 'tag a', 'value'));
    await this.ask(lockOf(this.vault('green')));
    if (this.archive) await this.ask(retrievalOf(this.archive));
    const [job] = red.jobs;
    if (job) await this.ask(outputOf({ vault: red, job }));
  }
}

/** Where a crash left an installation. */
interface CrashState {
  readonly disk: SimulatedDisk;
  /** Path of a copy of the catalog. */
  readonly catalog: string;
  readonly nowMs: number;
  readonly model: Model;
  /** Starts of a server before it. */
  readonly starts: number;
}

export interface CrashStatesDeps {
  /** A disk and a catalog that a server was started on once. */
  readonly disk: SimulatedDisk;
  readonly started: string;
  /** The catalog that the runs use, and where they keep copies. */
  readonly catalog: CatalogFile;
  readonly copy: string;
  readonly loopMs: number;
  readonly tally: StateTally;
  /** Whether the recovery crashes, too. */
  readonly twice: boolean;
}

export class CrashStates {
  readonly #deps: CrashStatesDeps;

  constructor(deps: CrashStatesDeps) {
    this.#deps = deps;
  }

  /** Runs a sequence with every crash of its last operation. @throws Violation. */
  async run(sequence: readonly StateOperation[]): Promise<void> {
    this.#deps.tally.sequences++;
    const steps = await this.#countSteps(sequence);
    for (let step = 0; step <= steps; step++) {
      const state = await this.#crashAt(sequence, step);
      for (const [name, survival] of DISKS) {
        try {
          await this.#recover(state, survival(step));
        } catch (error) {
          const where = `${sequence.join(', ')}: crash at step ${step} of the last, the disk kept ${name}`;
          throw new Violation(`${where}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  }

  async #countSteps(sequence: readonly StateOperation[]): Promise<number> {
    return this.#inWorld(this.#fresh(), async (world) => {
      const begin = await this.#before(world, sequence);
      await this.#last(world, sequence);
      return (world.server?.process.durableSteps ?? 0) - begin;
    });
  }

  /** @returns the state after a crash at this step; the power is not cut yet. */
  async #crashAt(sequence: readonly StateOperation[], step: number): Promise<CrashState> {
    return this.#inWorld(this.#fresh(), async (world) => {
      const begin = await this.#before(world, sequence);
      world.server?.process.dieAt(begin + step, false);
      await this.#last(world, sequence);
      world.server?.kill();
      const { installation, model } = world;
      this.#deps.catalog.copyTo(this.#deps.copy);
      const { disk, loop } = installation;
      return { disk, catalog: this.#deps.copy, nowMs: loop.nowMs, model, starts: 1 };
    });
  }

  /** Runs all operations but the last. @returns the durable steps so far. */
  async #before(world: StateWorld, sequence: readonly StateOperation[]): Promise<number> {
    await world.prepare();
    for (const name of sequence.slice(0, -1)) await world.ask(OPERATIONS[name](world));
    return world.server?.process.durableSteps ?? 0;
  }

  async #last(world: StateWorld, sequence: readonly StateOperation[]): Promise<void> {
    const last = sequence.at(-1);
    if (last) await world.ask(OPERATIONS[last](world));
  }

  /** Recovers from a crash, then from a crash at each durable step of that recovery. */
  async #recover(state: CrashState, survival: Survival): Promise<void> {
    const disk = state.disk.clone();
    disk.cutPower(survival);
    const cut = { ...state, disk };
    const steps = await this.#inWorld(this.#at(cut), async (world) => {
      await world.start();
      await this.#check(world, state.model);
      return world.server?.process.durableSteps ?? 0;
    });
    if (!this.#deps.twice) return;
    for (let step = 0; step < steps; step++) {
      await this.#inWorld(this.#at(cut), async (world) => {
        await world.start(step);
        world.server?.kill();
        world.installation.disk.cutPower(subset(new Random(step)));
        await world.start();
        await this.#check(world, state.model);
      });
    }
  }

  async #check({ installation }: StateWorld, model: Model): Promise<void> {
    this.#deps.tally.states++;
    const fs = new SimulatedFileSystem(installation.disk);
    const store = new DiskStore(installation.folder.store, new Random(1).bytes, NO_HASH, { fs });
    const { database } = installation.catalog.reading;
    const found = readCatalog(database, installation.nowMs());
    compare(model, found, false);
    await requireBytes(model, found, store);
    compare(model, await readStore(store, installation.nowMs()), false);
    await requireNoLeaks(database, store);
  }

  #fresh(): StateWorld {
    const { disk, started, loopMs } = this.#deps;
    return this.#at({ disk, catalog: started, nowMs: loopMs, starts: 0 });
  }

  /** A world on a copy of a disk and a catalog. */
  #at({ disk, catalog, nowMs, starts }: Omit<CrashState, 'model'>): StateWorld {
    this.#deps.catalog.replace(catalog);
    const installation = new Installation(disk.clone(), this.#deps.catalog);
    installation.loop.nowMs = nowMs;
    return new StateWorld(installation, starts);
  }

  async #inWorld<Result>(world: StateWorld, run: (world: StateWorld) => Promise<Result>): Promise<Result> {
    const { loop } = world.installation;
    loop.install();
    try {
      return await run(world);
    } finally {
      world.server?.kill();
      loop.uninstall();
    }
  }
}
