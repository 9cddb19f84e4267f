/** Memory of other processes, from /proc. Linux. */
import { readFileSync } from 'node:fs';

/** Peak resident memory of a process, MiB, including shared memory. */
export function peakMiB(pid: number): number {
  return field(pid, 'status', 'VmHWM') / 1024;
}

/** Resident memory of a process, MiB, including shared memory. */
export function residentMiB(pid: number): number {
  return field(pid, 'status', 'VmRSS') / 1024;
}

/** Resident memory of a process, MiB, with only its share of shared memory, so that processes can be summed up. */
export function proportionalMiB(pid: number): number {
  return field(pid, 'smaps_rollup', 'Pss') / 1024;
}

/** Reads a value, KiB. @throws Error for a process that has ended. */
function field(pid: number, file: 'status' | 'smaps_rollup', name: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
}
