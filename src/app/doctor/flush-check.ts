import { join } from 'node:path';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, ok, warning } from './finding.ts';
import { withScratch } from './scratch.ts';

const FLUSHES = 31;
const PIECE_BYTES = 4096;
/** No disk keeps bytes in less: even the fastest with a protected cache take longer through a file system. */
const LEAST_MS = 0.05;

type Deps = Pick<DoctorDeps, 'folder' | 'fs' | 'random'> & {
  readonly machine: Pick<Machine, 'preciseMs' | 'isInMemory'>;
};

/** Whether a flush takes as long as a disk needs. */
export const flushCheck: Check<Deps> = {
  name: 'flushes',
  async run(deps) {
    const { folder, fs, machine } = deps;
    const place = (await fs.stat(folder.store).catch(() => undefined)) ? folder.store : folder.path;
    if (await machine.isInMemory(place)) {
      return [
        warning('in-memory', {
          found: `${place} is on a tmpfs, which is in memory`,
          means: 'everything is lost when the machine stops',
          advice: 'give --data a folder on a disk, unless the server is only for tests',
        }),
      ];
    }
    const median = await withScratch(deps, place, (area) => measure(deps, join(area, 'flushed')));
    const found = `the median of ${FLUSHES} flushes of 4 KiB below ${place} took ${(median * 1000).toFixed(0)} µs`;
    if (median >= LEAST_MS) return [ok(found)];
    return [
      warning('fast-flushes', {
        found,
        means:
          'no disk is that fast: something reports bytes as flushed that are not, and a power cut loses archives',
        advice:
          'look for a virtual disk with an unsafe cache (cache=unsafe), a library such as eatmydata, or a container on a ' +
          'file system that ignores fsync',
      }),
    ];
  },
};

/** The median time of a write and its flush, ms. */
async function measure({ fs, random, machine }: Deps, path: string): Promise<number> {
  const file = await fs.open(path, 'create', 0o600);
  try {
    const times: number[] = [];
    for (let i = 0; i < FLUSHES; i++) {
      await file.writeAt(i * PIECE_BYTES, random(PIECE_BYTES));
      const begun = machine.preciseMs();
      await file.flushData();
      times.push(machine.preciseMs() - begun);
    }
    return times.sort((a, b) => a - b)[(FLUSHES - 1) / 2] as number;
  } finally {
    await file.close();
  }
}
