import type { Job } from './job.ts';
import type { VaultKey } from './vault.ts';

/** What a vault's notification configuration may ask for. */
export const JOB_EVENTS = ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/** Where to send messages about a vault's finished jobs, and about which. */
export interface NotificationConfig {
  readonly topic: string;
  readonly events: readonly JobEvent[];
}

/** A message on its way to a topic. */
export interface Notification {
  readonly no: number;
  /** The same in every try, so that receivers recognize repeats. */
  readonly id: string;
  readonly topic: string;
  /** What `JobMessage` made of the job. */
  readonly message: string;
  readonly createdMs: number;
  /** Deliveries tried so far. */
  readonly tries: number;
  readonly state: 'waiting' | 'undeliverable';
  /** Why the last try failed; null before the first. */
  readonly reason: string | null;
}

/** Words the message about a finished job. operations/ has the form; app/ hands it to the catalog's writer. */
export type JobMessage = (job: Job, vault: VaultKey) => string;

/** Tries before a message counts as undeliverable: with the pauses below, over three days. */
export const MAX_TRIES = 25;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 4 * 3_600_000;

/** How long to wait after the n-th failed try (n ≥ 1), ms: doubling from 5 s to 4 h. */
export function pauseAfter(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
}
