/** What an installation holds, as its catalog or its store alone tells it. */
import { LOCK_TRIAL_MS } from '../../../../src/domain/vault-lock.ts';
import type { Setting } from '../model.ts';

export interface FoundPart {
  readonly treeHash: string;
  readonly ref: string;
}

export interface FoundArchive {
  readonly description: string;
  readonly treeHash: string;
  readonly size: number;
  /** Blobs in order. */
  readonly refs: readonly string[];
}

export interface FoundUpload {
  readonly description: string;
  /** Several at a place where the store has several. The last one counts. */
  readonly parts: ReadonlyMap<number, readonly FoundPart[]>;
}

export interface FoundVault {
  readonly settings: Readonly<Record<Setting, string | null>>;
  readonly lock: 'none' | 'trial' | 'locked';
  readonly archives: ReadonlyMap<string, FoundArchive>;
  /** Open ones by id. */
  readonly uploads: ReadonlyMap<string, FoundUpload>;
}

export interface Found {
  /** Where it was found, for messages. */
  readonly where: 'the catalog' | 'the store';
  readonly vaults: ReadonlyMap<string, FoundVault>;
}

/** The lock in force. @param state as catalog and journal have it. @param sinceMs when it was initiated. */
export function lockInForce(state: unknown, sinceMs: number, nowMs: number): FoundVault['lock'] {
  if (state === 'Locked') return 'locked';
  return state === 'InProgress' && sinceMs + LOCK_TRIAL_MS > nowMs ? 'trial' : 'none';
}

/** The name in an access policy of the simulator. */
export function sidOf(policy: string | null): string | null {
  return /"Sid":"(\w+)"/.exec(policy ?? '')?.[1] ?? null;
}

/** The last piece of a topic's ARN. */
export function topicOf(arn: string | null): string | null {
  return arn?.split(':').at(-1) ?? null;
}
