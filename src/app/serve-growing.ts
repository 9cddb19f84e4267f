/** Serves in one process until the load asks for more. The others end by themselves when they are not needed. */
import type { Server } from 'node:http';
import type { Logger } from '../log.ts';
import { spreadConnections } from '../protocol/server.ts';
import { type LoadReading, LoadWatch } from './load-watch.ts';
import type { Serving, ServingProcesses } from './serving-processes.ts';

interface GrowingDeps {
  /** What serves in this process. */
  readonly here: Serving & { readonly server: Server };
  /** None of them is started yet. */
  readonly processes: ServingProcesses;
  /** Most other processes. */
  readonly most: number;
  /** Reads the load of this process. */
  readLoad(): LoadReading;
  readonly log: Logger;
}

/** Serves here, and in more processes while this one is busy. */
export function serveGrowing({ here, processes, most, readLoad, log }: GrowingDeps): Serving {
  const load = new LoadWatch(readLoad, () => performance.now());
  let isStarting = false;
  let stopping = false;
  const grow = async (): Promise<void> => {
    const count = processes.count();
    const more = Math.min(most - count, count + 1);
    if (more <= 0 || isStarting || stopping) return;
    isStarting = true;
    try {
      await processes.start(more);
      // Clients keep connections open for long: they would all stay here.
      spreadConnections(here.server);
      log.info({ processes: processes.count() }, 'started serving processes for the load');
    } catch (err) {
      if (!stopping) log.error({ err }, 'cannot start a serving process for the load');
    } finally {
      isStarting = false;
    }
  };
  const look = (): void => {
    if (load.isBusy()) void grow();
  };
  for (const event of ['request', 'checkContinue'] as const) here.server.on(event, look);
  return {
    address: here.address,
    stopWriting(reason) {
      here.stopWriting(reason);
      processes.stopWriting(reason);
    },
    renewTls(pair) {
      here.renewTls(pair);
      processes.renewTls(pair);
    },
    async stop() {
      stopping = true;
      await Promise.all([here.stop(), processes.stop()]);
    },
  };
}
