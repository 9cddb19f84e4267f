/** The chore that goes on with tasks. Only the primary runs it. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { Ids } from '../domain/ids.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import type { Logger } from '../log.ts';
import { authorizeTask } from '../protocol/authorize-task.ts';
import { PolicyCache } from '../protocol/policy-cache.ts';
import { runTasks } from '../workers/run-tasks.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { logChoreFailure } from './chores.ts';
import { systemRandom } from './system.ts';

const TASKS_PAUSE_MS = 500;
/** A pause takes as many times as long as the step before it, so that the writes of clients come first. */
const PAUSE_RATIO = 3;
/** A step that waited long, as for a database that was away, is not followed by a longer pause. */
const LONGEST_PAUSE_MS = 1000;

interface TaskRunnerDeps {
  readonly config: Pick<Config, 'inventoryIntervalMs'>;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly trustedTime: TrustedTime;
  readonly masterKey: Buffer;
  readonly log: Logger;
}

/** Runs at once after a start: an earlier process may have ended in the middle of a task. */
export function startTaskRunner(deps: TaskRunnerDeps): Scheduled {
  const { config, catalog, blobs, clock, trustedTime, masterKey, log } = deps;
  const authorization = { catalog, trustedTime, policies: new PolicyCache() };
  const run = () =>
    runTasks({
      ...{ catalog, blobs, clock, ids: new Ids(masterKey, systemRandom) },
      inventoryMode: config.inventoryIntervalMs === null ? 'live' : 'periodic',
      authorize: (task) => authorizeTask(task, authorization),
      pause: pacer(() => performance.now()),
    });
  return repeat(TASKS_PAUSE_MS, run, logChoreFailure(log, 'go on with tasks'), 0);
}

/** A pause after each step, of a length that follows from how long the step took. @param now ms, any zero. */
function pacer(now: () => number): () => Promise<void> {
  let begun = now();
  return async () => {
    await wait(Math.min(LONGEST_PAUSE_MS, Math.ceil((now() - begun) * PAUSE_RATIO)));
    begun = now();
  };
}
