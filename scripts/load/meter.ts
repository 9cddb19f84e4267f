/** Measures the memory and open files of a server, and how fast it answers health requests. Linux. */
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServerGroup } from '../../test/support/server-group.ts';

const HEALTH_PAUSE_MS = 50;
const HEALTH_LIMIT_MS = 10_000;
const SAMPLE_MS = 250;

/** Sums over all processes of a server. */
export interface Holding {
  /** Proportional set size: shared memory counts once. */
  readonly pssMiB: number;
  readonly descriptors: number;
}

export async function holdingOf(server: ServerGroup): Promise<Holding> {
  let [kib, descriptors] = [0, 0];
  for (const pid of await server.processes()) {
    const memory = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    kib += Number(/^Pss:\s+(\d+) kB$/m.exec(memory)?.[1] ?? 0);
    descriptors += (await readdir(`/proc/${pid}/fd`).catch(() => [])).length;
  }
  return { pssMiB: Math.round(kib / 1024), descriptors };
}

export interface Watched {
  readonly peak: Holding;
  /** 99th percentile of the time of a health answer, ms; Infinity if more than one in a hundred failed. */
  readonly healthP99Ms: number;
  readonly answers: number;
  readonly failures: number;
}

/** Watches a server while `load` runs. Each health request uses a new connection. */
export async function watch(server: ServerGroup, load: Promise<unknown>): Promise<Watched> {
  let running = true;
  const times: number[] = [];
  let peak: Holding = { pssMiB: 0, descriptors: 0 };
  const asking = (async () => {
    while (running) {
      times.push(await healthMs(server.url));
      await pause(HEALTH_PAUSE_MS);
    }
  })();
  const sampling = (async () => {
    while (running) {
      const { pssMiB, descriptors } = await holdingOf(server);
      peak = {
        pssMiB: Math.max(peak.pssMiB, pssMiB),
        descriptors: Math.max(peak.descriptors, descriptors),
      };
      await pause(SAMPLE_MS);
    }
  })();
  await load;
  running = false;
  await Promise.all([asking, sampling]);
  times.sort((a, b) => a - b);
  const healthP99Ms = times[Math.ceil(times.length * 0.99) - 1] ?? Infinity;
  return {
    peak,
    healthP99Ms,
    answers: times.length,
    failures: times.filter((ms) => ms === Infinity).length,
  };
}

/** Time of a health answer, including the connection; Infinity if none came. */
export function healthMs(url: string): Promise<number> {
  const began = performance.now();
  return new Promise((resolve) => {
    const failed = (): void => resolve(Infinity);
    const outgoing = request(
      `${url}/_moraine/health`,
      { agent: false, timeout: HEALTH_LIMIT_MS },
      (response) => {
        response.on('error', failed).resume();
        response.on('end', () => resolve(response.statusCode === 200 ? performance.now() - began : Infinity));
      },
    );
    outgoing.on('error', failed).on('timeout', () => outgoing.destroy());
    outgoing.on('close', failed).end();
  });
}
