/** Measures how fast this machine starts programs now, to compare the time of a server's start with it. */
import { spawnSync } from 'node:child_process';

const RUNS = 3;

/** Median time of several runs of `node -e 0`, ms. A single run may be delayed by other processes. */
export function measureNodeStart(): number {
  const times = Array.from({ length: RUNS }, () => {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
}
