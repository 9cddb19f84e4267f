/** What happens to a server in a simulation, decided by the seed alone. */
import type { FaultKind } from './faults.ts';
import { Random } from './random.ts';
import { type RequestKind, WEIGHTS } from './requests/kinds.ts';

/** Each event has a seed of its own, so that it does the same when others are left out. */
export type SimulationEvent = { readonly seed: number } & (
  | { readonly kind: 'request'; readonly client: number; readonly asks: RequestKind }
  /** The process ends at once, and perhaps the power, too. */
  | { readonly kind: 'crash'; readonly power: boolean }
  /** A stop and a start. */
  | { readonly kind: 'restart' }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'fault'; readonly fault: FaultKind; readonly steps: number }
  /** Another server starts on the same folders: with the claims held, or after somebody removed them. */
  | { readonly kind: 'second server'; readonly claimsRemoved: boolean }
  | { readonly kind: 'backup' }
  /** The catalog's last backup is put back, and an operator perhaps accepts that. */
  | { readonly kind: 'older catalog'; readonly accepts: boolean }
  /** The catalog is rebuilt from the store, after a stop or a crash. */
  | { readonly kind: 'rebuild'; readonly power: boolean }
);

const LEAST_REQUESTS = 108;
const MORE_REQUESTS = 30;
const CLIENTS = 4;
const FAULTS: Readonly<Record<FaultKind, number>> = {
  'read error': 2,
  'write error': 3,
  'failed flush': 2,
  'full disk': 3,
  'no descriptors': 2,
  'bad sector': 2,
};
const SECOND_MS = 1000;
const DAY_MS = 86_400_000;

/** The events of a seed: at least 100 requests and 2 crashes. */
export function eventsOf(seed: number): SimulationEvent[] {
  const random = new Random(seed);
  const requests = LEAST_REQUESTS + random.below(MORE_REQUESTS);
  const events = Array.from({ length: requests }, (): SimulationEvent => requestOf(random));
  // Vaults first, so that few requests are wasted.
  for (let i = 0; i < 2; i++)
    events.unshift({ kind: 'request', client: i, asks: 'createVault', seed: random.seed() });
  const insert = (event: SimulationEvent, from = 0): void => {
    const least = Math.floor(events.length * from);
    events.splice(least + random.below(events.length - least), 0, event);
  };
  for (let i = 2 + random.below(2); i > 0; i--) insertCrash(events, random);
  for (let i = random.below(3); i > 0; i--) insert({ kind: 'restart', seed: random.seed() });
  for (let i = random.below(5); i > 0; i--) insert(timeOf(random));
  for (let i = random.below(4); i > 0; i--) insert(faultOf(random));
  if (random.chance(0.15))
    insert({ kind: 'second server', claimsRemoved: random.chance(0.7), seed: random.seed() });
  if (random.chance(0.2)) insertOlderCatalog(events, random);
  if (random.chance(0.15)) insert({ kind: 'rebuild', power: random.chance(0.5), seed: random.seed() });
  return events;
}

function requestOf(random: Random): SimulationEvent {
  const asks = random.weighted(WEIGHTS);
  return { kind: 'request', client: random.below(CLIENTS), asks, seed: random.seed() };
}

function timeOf(random: Random): SimulationEvent {
  const longest = random.pick([SECOND_MS, 20 * SECOND_MS, 15 * 60 * SECOND_MS, DAY_MS, 9 * DAY_MS]) ?? 0;
  return { kind: 'time', ms: 1 + Math.floor(random.next() * longest), seed: random.seed() };
}

function faultOf(random: Random): SimulationEvent {
  const fault = random.weighted(FAULTS);
  return { kind: 'fault', fault, steps: 1 + random.below(12), seed: random.seed() };
}

/** A crash, after which the disk may fail while the server recovers. */
function insertCrash(events: SimulationEvent[], random: Random): void {
  const crash: SimulationEvent = { kind: 'crash', power: random.chance(0.8), seed: random.seed() };
  const more = random.chance(0.3) ? [faultOf(random)] : [];
  events.splice(random.below(events.length), 0, crash, ...more);
}

function insertOlderCatalog(events: SimulationEvent[], random: Random): void {
  const backup = random.below(Math.floor(events.length * 0.7));
  events.splice(backup, 0, { kind: 'backup', seed: random.seed() });
  const back = backup + 1 + random.below(events.length - backup);
  events.splice(back, 0, { kind: 'older catalog', accepts: random.chance(0.5), seed: random.seed() });
}
