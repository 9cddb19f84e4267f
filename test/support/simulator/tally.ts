/** How much was simulated. */
import type { FaultKind } from './faults.ts';

export interface Tally {
  seeds: number;
  requests: number;
  /** Requests that ended with a 500, for want of something. */
  shortages: number;
  starts: number;
  crashes: number;
  powerCuts: number;
  /** Other servers on the same folders. */
  secondServers: number;
  /** Older catalogs that were put back. */
  olderCatalogs: number;
  rebuilds: number;
  turns: number;
  readonly faults: Partial<Record<FaultKind, number>>;
}

export function newTally(): Tally {
  return {
    seeds: 0,
    requests: 0,
    shortages: 0,
    starts: 0,
    crashes: 0,
    powerCuts: 0,
    secondServers: 0,
    olderCatalogs: 0,
    rebuilds: 0,
    turns: 0,
    faults: {},
  };
}

export function addTally(to: Tally, { faults, ...counts }: Tally): void {
  for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][]) to[name] += count;
  for (const [kind, count] of Object.entries(faults) as [FaultKind, number][])
    to.faults[kind] = (to.faults[kind] ?? 0) + count;
}
