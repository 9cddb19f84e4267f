/** Memory of other processes, from /proc. Linux. */
import { readFileSync } from 'node:fs';

/** The most that was ever resident, MiB; what it shares with others counts. */
export function peakMiB(pid: number): number {
  return field(pid, 'status', 'VmHWM') / 1024;
}

/** Resident now, MiB; what it shares with others counts. */
export function residentMiB(pid: number): number {
  return field(pid, 'status', 'VmRSS') / 1024;
}

/** Resident now, MiB; of what it shares with others only its part counts, so that processes can be summed up. */
export function proportionalMiB(pid: number): number {
  return field(pid, 'smaps_rollup', 'Pss') / 1024;
}

/** KiB. @throws Error for a process that has ended. */
function field(pid: number, file: 'status' | 'smaps_rollup', name: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]);
}
