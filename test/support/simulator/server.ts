/** The server's own parts over a simulated installation, put together as `app/serve.ts` does. */

import { rememberCatalog } from '../../../src/app/catalog-place.ts';
import { startPrimaryChores } from '../../../src/app/chores.ts';
import { CommitKeeper } from '../../../src/app/commit-keeper.ts';
import { readOrMakeMasterKey } from '../../../src/app/data-folder.ts';
import { claimMode } from '../../../src/app/emulator.ts';
import { createDueTime } from '../../../src/app/job-settings.ts';
import { repairStore } from '../../../src/app/repair-store.ts';
import { openServerClocks } from '../../../src/app/server-clocks.ts';
import { StampSource } from '../../../src/app/stamp-source.ts';
import { planStart, type StartPlan } from '../../../src/app/start-plan.ts';
import { startGuards } from '../../../src/app/write-guard.ts';
import { DiskStore } from '../../../src/blobs/disk/disk-store.ts';
import { writeIdentity } from '../../../src/blobs/disk/identity.ts';
import { prepareDiskStore } from '../../../src/blobs/disk/prepare.ts';
import type { Config } from '../../../src/config/read.ts';
import type { BlobStore, JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Clock } from '../../../src/domain/clock.ts';
import { Ids } from '../../../src/domain/ids.ts';
import { NO_PROGRESS } from '../../../src/domain/scrub-progress.ts';
import { Sequencer } from '../../../src/domain/sequence.ts';
import type { TrustedTime } from '../../../src/domain/trusted-time.ts';
import type { FileSystem } from '../../../src/durable/file-system.ts';
import { createLogger } from '../../../src/log.ts';
import { API } from '../../../src/operations/table.ts';
import type { PipelineDeps } from '../../../src/protocol/handle.ts';
import { PolicyCache } from '../../../src/protocol/policy-cache.ts';
import { createRouter } from '../../../src/protocol/route.ts';
import { createSigningKeys } from '../../../src/protocol/signature/keys.ts';
import { UnprovenBodies } from '../../../src/protocol/unproven-bodies.ts';
import { UnsignedDenials } from '../../../src/protocol/unsigned-denials.ts';
import { finishDueInventories, finishDueRetrievals } from '../../../src/workers/finish-jobs.ts';
import { noteOlderCatalog } from '../../../src/workers/older-catalog.ts';
import { repeat, type Scheduled } from '../../../src/workers/schedule.ts';
import { sendNotifications } from '../../../src/workers/send-notifications.ts';
import { openSimulatedCatalog } from './catalog.ts';
import { SIMULATED_HASH } from './engine.ts';
import { SimulatedFileSystem } from './file-system.ts';
import type { Installation } from './installation.ts';
import type { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';

export const ACCOUNT = '111122223333';
const DAY_MS = 86_400_000;
/** Longer than in the server, because a simulation passes minutes. */
const WORK_PAUSE_MS = 3000;
/** Small, so that a simulation has several packs. */
const PACK_BYTES = 24_000;
const QUIET = createLogger('silent');
const ROUTER = createRouter(API);

/** The settings of simulated servers. */
export const CONFIG = {
  catalogUrl: undefined,
  catalogTimeoutMs: 1000,
  emulator: false,
  acceptEmptyStore: false,
  acceptCatalog: false,
  keepAsideMs: 7 * DAY_MS,
  completeMemoryMs: DAY_MS,
  uploadExpiryMs: 3 * DAY_MS,
  inventoryIntervalMs: null,
  maxStopLeapMs: 1000 * DAY_MS,
} as Config;

/** A planted bug: what it puts in the place of a part of the server. */
export interface PlantedBug {
  readonly name: string;
  fs?(fs: FileSystem): FileSystem;
  catalog?(catalog: Catalog, blobs: BlobStore): Catalog;
  journal?(append: (entries: readonly JournalEntry[]) => Promise<void>): typeof append;
  /** The store as a start sees it when it repairs. */
  repaired?(blobs: BlobStore): BlobStore;
  plan?(plan: StartPlan): StartPlan;
  /** Whether a rebuild removes what no row names before there are rows. */
  readonly sweepsDuringRebuild?: boolean;
}

export interface ServerDeps {
  readonly installation: Installation;
  readonly process: SimulatedProcess;
  /** Ids, names and keys. */
  readonly random: Random;
  readonly bug?: PlantedBug | undefined;
}

/** Begins a start. The loop must run until it settles. */
export class SimulatedServer {
  readonly #deps: ServerDeps;
  readonly #fs: FileSystem;
  #pipeline: PipelineDeps | undefined;
  #catalog: Catalog | undefined;
  #blobs: DiskStore | undefined;
  #chores: Scheduled[] = [];
  #keeper: CommitKeeper | undefined;
  #fenced: string | undefined;
  /** Whether the start found its catalog older than the store. */
  isOlder = false;

  constructor(deps: ServerDeps) {
    this.#deps = deps;
    const fs = new SimulatedFileSystem(deps.installation.disk, deps.process);
    this.#fs = deps.bug?.fs?.(fs) ?? fs;
  }

  get process(): SimulatedProcess {
    return this.#deps.process;
  }

  /** What answers requests; undefined before the start has ended. */
  get pipeline(): PipelineDeps | undefined {
    return this.#pipeline;
  }

  get catalog(): Catalog {
    return required(this.#catalog);
  }

  get blobs(): DiskStore {
    return required(this.#blobs);
  }

  /** Why it writes nothing more; undefined while it does. */
  failure(): string | undefined {
    return this.#fenced ?? this.#blobs?.failure()?.message;
  }

  /** As `openFolders`, `openPrimary` and `serve` do. @throws what a start throws. */
  async start(): Promise<void> {
    const { installation, process, random, bug } = this.#deps;
    const { folder, claims } = installation;
    const fs = this.#fs;
    claims.claim(folder, process);
    const found = await planStart(CONFIG, folder, random.bytes, fs);
    const plan = bug?.plan?.(found) ?? found;
    const masterKey = await readOrMakeMasterKey(folder, random.bytes, fs);
    await fs.makeFolder(folder.store);
    await prepareDiskStore(folder.store, fs);
    await writeIdentity(folder.store, plan.identity, plan.storeNumber, fs);
    const stampSource = new StampSource(plan.identity.generation);
    const { stamp, onWrite } = stampSource;
    const options = { fs, stamp, onWrite, packBytes: PACK_BYTES };
    const blobs = new DiskStore(folder.store, random.bytes, SIMULATED_HASH, options);
    this.#blobs = blobs;
    if (plan.older) await noteOlderCatalog(blobs, installation.nowMs());
    const catalog = await this.#openCatalog(blobs);
    stampSource.follow(catalog);
    const { storeId, catalogId, generation } = plan.identity;
    await catalog.claimGeneration({ storeId, catalogId, generation });
    await rememberCatalog(folder, { place: plan.catalogPlace, catalogId }, fs);
    const keeper = new CommitKeeper({ catalog, blobs, stampSource, countsCommits: true }, plan.storeNumber);
    this.#keeper = keeper;
    await claimMode(catalog, CONFIG.emulator);
    const nowMs = installation.nowMs();
    const repaired = bug?.repaired?.(blobs) ?? blobs;
    const { maySweep } = await repairStore(catalog, repaired, QUIET, { nowMs, ...plan });
    this.isOlder = !maySweep;
    await keeper.keep().catch(() => {});
    const read = () => ({ wallMs: installation.nowMs(), steadyMs: installation.loop.nowMs });
    const deps = { config: CONFIG, catalog, blobs, log: QUIET };
    const { clock, trustedTime, keeping } = await openServerClocks(deps, read);
    const chores = maySweep ? startPrimaryChores({ ...deps, clock }) : [];
    const watched = { blobs, catalog, keeper, stampSource, claims: { watch: () => claims.watch(folder) } };
    this.#chores = [
      ...keeping,
      ...chores,
      ...this.#startWork(catalog, blobs, clock),
      ...startGuards(watched, QUIET, {
        onFenced: ({ reason }) => this.#fence(reason),
        onFailed: (reason) => {
          this.#fenced = reason;
        },
      }),
    ];
    this.#pipeline = this.#makePipeline(catalog, blobs, { clock, trustedTime, masterKey });
  }

  async #openCatalog(blobs: DiskStore): Promise<Catalog> {
    const { installation, process, bug } = this.#deps;
    const append = (entries: readonly JournalEntry[]) => blobs.appendEntries(entries);
    this.#catalog = await openSimulatedCatalog(installation.catalog, {
      process,
      journal: bug?.journal?.(append) ?? append,
      failure: () => blobs.failure(),
    });
    return this.#catalog;
  }

  #startWork(catalog: Catalog, blobs: BlobStore, clock: Clock): Scheduled[] {
    const deps = { catalog, blobs, clock };
    const notifier = { deliver: async () => {} };
    const work = [
      () => finishDueRetrievals(deps),
      () => finishDueInventories(deps),
      () => sendNotifications({ catalog, clock, notifier }),
    ];
    return work.map((task) => repeat(WORK_PAUSE_MS, task, () => {}));
  }

  #fence(reason: string): void {
    this.#fenced = reason;
    this.#blobs?.stopWriting(reason);
    for (const chore of this.#chores) void chore.stop();
  }

  #makePipeline(
    catalog: Catalog,
    blobs: BlobStore,
    {
      clock,
      trustedTime,
      masterKey,
    }: { readonly clock: Clock; readonly trustedTime: TrustedTime; readonly masterKey: Buffer },
  ): PipelineDeps {
    const { installation, random, bug } = this.#deps;
    const served = bug?.catalog?.(catalog, blobs) ?? catalog;
    return {
      router: ROUTER,
      authenticator: {
        find: async () => ({ caller: ROOT, identity: [], secret: null }),
        keys: createSigningKeys(),
        idleMs: 60_000,
        unproven: new UnprovenBodies(1 << 24),
      },
      operationDeps: {
        catalog: served,
        blobs,
        clock,
        ids: new Ids(masterKey, random.bytes),
        sequence: new Sequencer(clock),
        scrubs: { progress: async () => NO_PROGRESS, keyOf: (ref: string) => ref },
        settings: {
          completeMemoryMs: CONFIG.completeMemoryMs,
          inventoryMode: 'live',
          directReads: 'on',
          expeditedCapacity: null,
          dueTime: createDueTime('instant', 1),
          damageTopic: null,
        },
      },
      trustedTime,
      policies: new PolicyCache(),
      wallClock: { now: () => installation.nowMs() },
      audit: { append: async () => {}, ready: async () => {} },
      denials: new UnsignedDenials(1 << 24),
      onDone: () => {},
    };
  }

  /** Stops as the server does: requests under way must have ended. */
  async stop(): Promise<void> {
    this.#pipeline = undefined;
    for (const chore of this.#chores) await chore.stop();
    if (!this.#blobs?.failure()) await this.#keeper?.keep().catch(() => {});
    await this.#catalog?.close();
    await this.#blobs?.close();
    this.#deps.installation.claims.release(this.process);
  }

  /** Ends the process, as `kill -9` does. */
  kill(): void {
    this.process.kill();
    this.#pipeline = undefined;
    this.#deps.installation.loop.bury();
  }
}

/** Root of the account: its signature is not checked. */
const ROOT = { kind: 'root', arn: `arn:aws:iam::${ACCOUNT}:root`, accountId: ACCOUNT } as const;

function required<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new Error('the server has not come that far');
  return part;
}
