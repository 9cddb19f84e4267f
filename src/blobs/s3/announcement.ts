/**
 * Announcements: before a process uses names for new blobs and packs, it stores where they come from. So a start after a
 * crash looks only at these few names for what is unfinished or unconfirmed. Specified in docs/format.md.
 */
import { hash } from 'node:crypto';
import { NoteDamaged, type WriterStamp } from '../../domain/blob-store.ts';
import { decodeStamped, encodeStamped } from '../disk/stamped-text.ts';
import { INCOMING } from './keys.ts';

/** Names of one announcement: costs one more request for so many blobs, and bounds what a start looks at. */
export const NAMES_AT_ONCE = 64;

const SEED_KEY = /^incoming\/([0-9a-f]{32})$/;

/** An announcement, as its object has it. */
export interface Announcement {
  /** The names derive from it; 32 hex digits. */
  readonly seed: string;
  /** How many names derive from it. */
  readonly names: number;
  /** The names, by number, that need no more attention: confirmed, removed or never used. */
  readonly settled: ReadonlySet<number>;
  /** When a later start closed it, ms since 1970; null while its process may use its names. */
  readonly closedMs: number | null;
}

/** An announcement and the stamp of its last writer. */
export interface ReadAnnouncement extends Announcement {
  readonly writer: WriterStamp;
}

export function announcementKey(seed: string): string {
  return `${INCOMING}${seed}`;
}

/** Derives a name. They are as random as the seed, so the keys of objects are well spread. */
export function nameOf(seed: string, number: number): string {
  return hash('sha256', `${seed} ${number}`, 'hex').slice(0, 32);
}

export function encodeAnnouncement({ names, settled, closedMs }: Announcement, stamp: WriterStamp): Buffer {
  const text = JSON.stringify({ names, settled: [...settled].sort((a, b) => a - b), closedMs });
  return Buffer.from(encodeStamped(text, stamp));
}

/** Undefined for the key of anything else. @throws NoteDamaged. */
export function decodeAnnouncement(key: string, content: Buffer): ReadAnnouncement | undefined {
  const seed = SEED_KEY.exec(key)?.[1];
  if (seed === undefined) return undefined;
  const { text, writer } = decodeStamped(key, content.toString());
  if (writer === undefined) throw new NoteDamaged(key, 'its end is missing');
  const { names, settled, closedMs } = JSON.parse(text) as {
    names: number;
    settled: readonly number[];
    closedMs: number | null;
  };
  return { seed, names, settled: new Set(settled), closedMs, writer };
}
