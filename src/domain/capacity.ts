import { Refusal } from './errors.ts';

/** A provisioned capacity unit: for a month, no Expedited retrieval is refused for lack of capacity. */
export interface CapacityUnit {
  /** 24 characters. */
  readonly id: string;
  readonly startMs: number;
  readonly expiresMs: number;
}

/** Units an account may have at a time (limits of the API). */
const MAX_UNITS = 2;
/** The window in which Expedited retrievals without a unit are counted. */
export const EXPEDITED_WINDOW_MS = 300_000;

/** One calendar month later, to the second; the last day of the month where the day is missing. */
export function expiryOf(startMs: number): number {
  const start = new Date(startMs);
  const lastDay = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 2, 0)).getUTCDate();
  const day = Math.min(start.getUTCDate(), lastDay);
  const [h, m, s] = [start.getUTCHours(), start.getUTCMinutes(), start.getUTCSeconds()];
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, day, h, m, s);
}

/** @throws Refusal limit-reached when two units are in force. */
export function requireUnitAvailable(inForce: number): void {
  if (inForce < MAX_UNITS) return;
  throw new Refusal(
    'limit-reached',
    `The account has ${inForce} provisioned capacity units; the limit is ${MAX_UNITS}.`,
  );
}

/** @throws Refusal no-capacity when Expedited is scarce and this one would be too many. */
export function requireExpeditedCapacity(
  capacity: number | null,
  startedInWindow: number,
  unitsInForce: number,
): void {
  if (capacity === null || unitsInForce > 0 || startedInWindow < capacity) return;
  throw new Refusal(
    'no-capacity',
    'There is insufficient capacity for Expedited retrievals at the moment. Try again later, use Standard or Bulk, or purchase provisioned capacity.',
  );
}
