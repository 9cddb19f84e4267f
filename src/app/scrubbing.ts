/** Scrubs the store in the primary. */
import { setTimeout } from 'node:timers/promises';
import type { DiskStore } from '../blobs/disk/disk-store.ts';
import type { Config } from '../config/read.ts';
import type { Catalog } from '../domain/catalog.ts';
import { type Damage, damagedSpan, isFileDamage } from '../domain/damage.ts';
import type { EndedPass } from '../domain/scrub-progress.ts';
import type { Logger } from '../log.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { Scrubber } from '../workers/scrub.ts';
import { ScrubPace } from '../workers/scrub-pace.ts';
import { logChoreFailure } from './chores.ts';
import { AuditInUse, withCommandAudit } from './command-audit.ts';
import type { DataFolder } from './data-folder.ts';
import { ProcessorUse } from './processor-use.ts';
import { systemClock, systemRandom } from './system.ts';

/** How soon a command such as `scrub now` takes effect. */
const LOOK_PAUSE_MS = 2000;
/** Findings of this time share an event of the audit log. */
const EVENT_PAUSE_MS = 10_000;
/** How many findings of that time have a line of the log each: a failing disk may lose millions of them. */
const LINES_AT_ONCE = 100;
/** How many damaged blobs an event names. */
const REFS_PER_EVENT = 20;

interface ScrubbingDeps {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly blobs: DiskStore;
  readonly folder: DataFolder;
  readonly masterKey: Buffer;
  readonly log: Logger;
}

/** Starts the scrub. Only the primary may. */
export function startScrub(deps: ScrubbingDeps): Scheduled {
  const { config, catalog, blobs, log } = deps;
  const use = new ProcessorUse();
  const random = () => systemRandom(4).readUInt32LE() / 2 ** 32;
  const onError = logChoreFailure(log, 'scrub the store');
  const reports = new DamageReports(deps);
  const scrubber = new Scrubber({
    catalog,
    blobs,
    store: blobs,
    clock: systemClock,
    topic: config.damageTopic,
    pace: new ScrubPace({ periodMs: config.scrubPeriodMs, random, isBusy: () => use.isBusy() }),
    wait: (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => {}),
    onDamage: async (found) => reports.add(found),
    onPassing: (ref) =>
      log.warn(
        { ref },
        'a blob seemed damaged, and was whole when it was read again: look at disk and memory',
      ),
    onPassEnded: (pass) => logPass(log, pass),
    onError,
  });
  const looking = repeat(LOOK_PAUSE_MS, () => scrubber.look(), onError);
  const writing = repeat(EVENT_PAUSE_MS, () => reports.write(), onError);
  const running = scrubber.run();
  return {
    async stop() {
      scrubber.stop();
      await looking.stop();
      await running;
      await writing.stop();
      await reports.write().catch(onError);
    },
  };
}

/** Tells log and audit log of found damage: a few lines and events for any number of findings. */
class DamageReports {
  readonly #deps: ScrubbingDeps;
  #count = 0;
  #refs: string[] = [];
  /** Since the last call of `write`. */
  #lines = 0;

  constructor(deps: ScrubbingDeps) {
    this.#deps = deps;
  }

  add(found: readonly Damage[]): void {
    const { log, blobs } = this.#deps;
    for (const damage of found)
      if (this.#lines++ < LINES_AT_ONCE) log.error(describeDamage(blobs, damage), 'stored bytes are damaged');
    this.#count += found.length;
    this.#refs = [...this.#refs, ...found.map(({ ref }) => ref)].slice(0, REFS_PER_EVENT);
  }

  /** Writes an event about all that was added since the last one. @throws the I/O error; a later call tries again. */
  async write(): Promise<void> {
    const [count, refs, leftOut] = [this.#count, this.#refs, this.#lines - LINES_AT_ONCE];
    if (count === 0) return;
    if (leftOut > 0)
      this.#deps.log.error({ leftOut }, 'more stored bytes are damaged; `moraine damage ls` lists them');
    this.#lines = 0;
    const deps = { ...this.#deps, clock: systemClock, random: systemRandom };
    const event = { eventName: 'DamageFound', account: null, parameters: { count, refs } } as const;
    try {
      // Does not wait for commands: the process does nothing else while it waits.
      await withCommandAudit(deps, 'server', (auditChange) => auditChange(event), 0);
    } catch (error) {
      if (error instanceof AuditInUse) return;
      throw error;
    }
    this.#count -= count;
    this.#refs = this.#refs.slice(refs.length);
  }
}

/** Describes damage for a line of the log. */
function describeDamage(blobs: Pick<DiskStore, 'fileOf'>, damage: Damage): Record<string, unknown> {
  const { ref, kind, owner } = damage;
  return {
    file: isFileDamage(damage) ? ref : blobs.fileOf(ref),
    ref,
    kind,
    ...(owner ? { vault: owner.name, archiveId: owner.archiveId, bytes: damagedSpan(damage) } : {}),
  };
}

function logPass(log: Logger, { startedMs, endedMs, bytes, blobs, orphans }: EndedPass): void {
  log.info(
    { started: new Date(startedMs), ms: endedMs - startedMs, bytes, blobs },
    'the whole store was scrubbed',
  );
  if (orphans.count > 0)
    log.warn({ ...orphans }, 'the store has blobs that nothing names; `moraine scrub status` shows them');
}
