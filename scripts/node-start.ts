/** How fast this machine starts programs just now: what the time of a start is compared with. */
import { spawnSync } from 'node:child_process';

const RUNS = 3;

/** Of several runs of `node -e 0` the median, in ms: one that was held up by others says nothing of the machine. */
export function measureNodeStart(): number {
  const times = Array.from({ length: RUNS }, () => {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
}
