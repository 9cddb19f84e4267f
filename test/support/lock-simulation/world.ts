/** The inside of a server for the lock simulation: the real catalog, operations and locks, with adjustable clocks. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { repairStore } from '../../../src/app/repair-store.ts';
import { confirmTrustedTime, TrustedClock } from '../../../src/app/trusted-clock.ts';
import { GroupWriter } from '../../../src/catalog/group-writer.ts';
import { readsOver } from '../../../src/catalog/reads.ts';
import { openSqliteWriter } from '../../../src/catalog/sqlite.ts';
import { sqliteSource } from '../../../src/catalog/sqlite-dialect.ts';
import { writesOver } from '../../../src/catalog/writes.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { notFound, Refusal, Shortage } from '../../../src/domain/errors.ts';
import { Ids } from '../../../src/domain/ids.ts';
import type { Action } from '../../../src/domain/policy/extension-actions.ts';
import { NO_PROGRESS } from '../../../src/domain/scrub-progress.ts';
import { Sequencer } from '../../../src/domain/sequence.ts';
import { OLDER_CATALOG_SETTING } from '../../../src/domain/setting-catalog.ts';
import type { ClockReading } from '../../../src/domain/trusted-time.ts';
import { ClockWentBack } from '../../../src/domain/trusted-time.ts';
import type { VaultKey } from '../../../src/domain/vault.ts';
import { createLogger } from '../../../src/log.ts';
import { jobMessage } from '../../../src/operations/jobs/job-description.ts';
import type { OperationDeps, UploadBody } from '../../../src/operations/operation.ts';
import { OPERATIONS as ALL_OPERATIONS } from '../../../src/operations/table.ts';
import { authorizeRequest } from '../../../src/protocol/authorize-request.ts';
import { authorizeTask } from '../../../src/protocol/authorize-task.ts';
import { PolicyCache } from '../../../src/protocol/policy-cache.ts';
import { authorityOf } from '../../../src/protocol/request-authority.ts';
import { ApiError } from '../../../src/protocol/wire-error.ts';
import { runTasks } from '../../../src/workers/run-tasks.ts';
import { sweepGarbage } from '../../../src/workers/sweep-garbage.ts';
import { MemoryStore } from '../memory-store.ts';

const ACCOUNT = '111122223333';
const OPERATIONS = new Map(ALL_OPERATIONS.map((one) => [one.name, one]));
const QUIET = createLogger('silent');
const BYTES = Buffer.from('bytes');
const MASTER_KEY = Buffer.alloc(32, 7);

/** Settings of the simulated servers, small so that time errors stay far below the locks' ages. */
export const MAX_STOP_LEAP_MS = 3_600_000;

/** Folder for the catalogs of a run, in memory if the system has such a folder. */
export class Shop {
  readonly folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'moraine-locks-'));
  readonly template = join(this.folder, 'template.sqlite');

  static async open(): Promise<Shop> {
    const shop = new Shop();
    const writer = await openSqliteWriter(shop.template, { journal: async () => {}, jobMessage });
    await writer.close();
    return shop;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** True time, and what the machine's clocks show. */
class Clocks {
  /** True time. */
  realMs = Date.UTC(2026, 0, 1);
  /** Error of the wall clock. */
  wallErrorMs = 0;
  #bootMs = this.realMs;

  read = (): ClockReading => ({
    wallMs: this.realMs + this.wallErrorMs,
    steadyMs: this.realMs - this.#bootMs,
  });

  /** Starts a new process, whose steady clock begins again. */
  boot(): void {
    this.#bootMs = this.realMs - 12_345;
  }
}

interface Running {
  readonly catalog: Catalog;
  readonly trustedClock: TrustedClock;
  readonly context: OperationDeps;
  readonly maySweep: boolean;
}

/** The result of an operation: the reply's headers or the refusal. */
export type Ended =
  | { readonly headers: Readonly<Record<string, string>> }
  | { readonly refused: ApiError | Refusal | Shortage };

/** One installation. */
export class World {
  readonly clocks = new Clocks();
  readonly blobs = new MemoryStore();
  readonly #path: string;
  readonly #copy: string;
  readonly #shelf = new PolicyCache();
  #running: Running | undefined;
  hasCopy = false;

  constructor(shop: Shop) {
    this.#path = join(shop.folder, 'catalog.sqlite');
    this.#copy = join(shop.folder, 'copy.sqlite');
    copyFileSync(shop.template, this.#path);
  }

  get isUp(): boolean {
    return this.#running !== undefined;
  }

  /** Starts like `serve`. @returns false when the server refuses to start because the clock went back. */
  async start(): Promise<boolean> {
    this.clocks.boot();
    const catalog = this.#openCatalog();
    const { maySweep } = await repairStore(catalog, this.blobs, QUIET, { nowMs: 0 });
    const { blobs } = this;
    try {
      const options = { blobs, read: this.clocks.read, maxStopLeapMs: MAX_STOP_LEAP_MS, keeps: true };
      const trustedClock = await TrustedClock.open(options);
      this.#running = { catalog, trustedClock, maySweep, context: this.#context(catalog, trustedClock) };
      return true;
    } catch (error) {
      await catalog.close();
      if (error instanceof ClockWentBack) return false;
      throw error;
    }
  }

  #openCatalog(): Catalog {
    const database = new DatabaseSync(this.#path);
    database.exec('pragma journal_mode = memory; pragma synchronous = off;');
    const source = sqliteSource(database);
    const writer = new GroupWriter(database, source, {
      journal: (entries) => this.blobs.appendEntries(entries),
      jobMessage,
      generation: 0,
      commitNumber: 0,
    });
    return {
      ...readsOver(source),
      ...writesOver(writer),
      knownCommitNumber: () => writer.commitNumber(),
      failure: () => undefined,
      async close() {
        await writer.close();
        await source.db.destroy();
        database.close();
      },
    };
  }

  #context(catalog: Catalog, trustedClock: TrustedClock): OperationDeps {
    const clock = { now: () => trustedClock.latestMs() };
    return {
      catalog,
      blobs: this.blobs,
      clock,
      ids: new Ids(MASTER_KEY, randomBytes),
      sequence: new Sequencer(clock),
      scrubs: { progress: async () => NO_PROGRESS, keyOf: (ref: string) => ref },
      settings: {
        completeMemoryMs: 86_400_000,
        inventoryMode: 'live',
        directReads: 'on',
        expeditedCapacity: null,
        damageTopic: null,
        dueTime: (_pace, nowMs) => nowMs,
      },
    };
  }

  /** @param keep whether the server stores the latest time once more, as it does every 20 s; false for a crash. */
  async stop(keep: boolean): Promise<void> {
    if (!this.#running) return;
    if (keep) await this.#running.trustedClock.keep();
    await this.#running.catalog.close();
    this.#running = undefined;
  }

  /** Copies the catalog of a stopped server. */
  copyCatalog(): void {
    copyFileSync(this.#path, this.#copy);
    this.hasCopy = true;
  }

  restoreCatalog(): void {
    copyFileSync(this.#copy, this.#path);
  }

  async keepTime(): Promise<void> {
    await this.#running?.trustedClock.keep();
  }

  async sweep(): Promise<void> {
    if (this.#running?.maySweep) await sweepGarbage(this.#running.catalog, this.blobs);
  }

  /** Goes on with tasks as the primary does. */
  async runTasks(): Promise<void> {
    if (!this.#running?.maySweep) return;
    const { catalog, trustedClock: trustedTime, context } = this.#running;
    const authorization = { catalog, trustedTime, policies: this.#shelf };
    await runTasks({
      ...{ catalog, blobs: this.blobs, clock: context.clock, ids: context.ids, inventoryMode: 'live' },
      authorize: (task) => authorizeTask(task, authorization),
      pause: async () => {},
    }).catch((error) => {
      if (!(error instanceof Shortage)) throw error;
    });
  }

  /** Whether readers see the archive; undefined if its vault is gone. */
  async sees(vault: string, id: string): Promise<boolean | undefined> {
    const found = await this.catalog.findVault({ account: ACCOUNT, region: 'us-east-1', name: vault });
    return found && (await this.catalog.findArchive(found.no, id)) !== undefined;
  }

  async hasVault(name: string): Promise<boolean> {
    return (await this.catalog.findVault({ account: ACCOUNT, region: 'us-east-1', name })) !== undefined;
  }

  async acceptCatalog(): Promise<void> {
    await this.#running?.catalog.setSetting({ name: OLDER_CATALOG_SETTING, value: 'false' });
  }

  confirmTime(): Promise<void> {
    return confirmTrustedTime(this.blobs, this.clocks.read().wallMs);
  }

  get catalog(): Catalog {
    if (!this.#running) throw new Error('the server is down');
    return this.#running.catalog;
  }

  /** A request of the owner's root: authorized, then run. */
  async ask(name: Action, vault: string, input: Record<string, unknown> = {}): Promise<Ended> {
    const running = this.#running;
    const operation = OPERATIONS.get(name);
    if (!running || !operation) throw new Error('the server is down');
    const { context: deps, trustedClock } = running;
    const vaultKey: VaultKey = { account: ACCOUNT, region: 'us-east-1', name: vault };
    try {
      const ask = {
        caller: { kind: 'root', arn: `arn:aws:iam::${ACCOUNT}:root`, accountId: ACCOUNT } as const,
        identity: [],
        operation,
        vaultKey,
        archiveId: operation.archiveId?.(String(input['id']), new Map()),
        conditionValues: () => ({}),
      };
      const authorization = { catalog: deps.catalog, trustedTime: trustedClock, policies: this.#shelf };
      const found = await authorizeRequest(ask, authorization);
      if (operation.vault === 'must-exist' && !found) throw notFound(vault);
      const authority = authorityOf(ask, authorization);
      const facts = { vaultKey, vault: found, authority, id: '', body: body(), ...input };
      const { headers = {} } = await operation.run(facts as never, deps);
      return { headers };
    } catch (error) {
      if (error instanceof ApiError || error instanceof Refusal || error instanceof Shortage)
        return { refused: error };
      throw error;
    }
  }
}

function body(): UploadBody {
  return {
    length: BYTES.length,
    async store(blobs, describe) {
      const writer = await blobs.create(BYTES.length);
      await writer.write([BYTES]);
      const digests = await writer.digest();
      return { ...digests, ref: await writer.finish(await describe(digests)) };
    },
  };
}
