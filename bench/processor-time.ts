/** Processor time of other processes, from /proc. Linux. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks per second: the kernel reports times to programs in hundredths. */
const TICKS_PER_SECOND = 100;

interface Process {
  readonly parent: number;
  readonly seconds: number;
}

/** Seconds that these processes and their descendants have used so far. Ended ones count if they were waited for. */
export function processorSeconds(roots: readonly number[]): number {
  const all = readProcesses();
  const counts = (pid: number): boolean => {
    if (roots.includes(pid)) return true;
    const parent = all.get(pid)?.parent ?? 0;
    return parent > 0 && counts(parent);
  };
  let seconds = 0;
  for (const [pid, process] of all) if (counts(pid)) seconds += process.seconds;
  return seconds;
}

function readProcesses(): Map<number, Process> {
  const all = new Map<number, Process>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const process = readProcess(name);
    if (process) all.set(Number(name), process);
  }
  return all;
}

/** Reads a process; undefined if it has ended. */
function readProcess(pid: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain anything. State and parent follow it; fields 14 to 17 are the times.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), seconds: ticks / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}
