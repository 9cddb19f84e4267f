/**
 * The line that an operator keeps away from the server: how far every chain went when it was printed. It detects even
 * earlier copies of audit log, store and catalog together.
 */
import { createHash } from 'node:crypto';
import type { Head } from './chain.ts';

/** The content of a head line. */
export interface HeadLine {
  /** When it was printed, ms since the epoch. */
  readonly atMs: number;
  /** The line covers chains 1 to this number. */
  readonly upTo: number;
  /** How many of them had events. */
  readonly chains: number;
  /** Number of their events. */
  readonly records: number;
  /** Chains that may have grown since: number → events at that time. All others were closed. */
  readonly open: ReadonlyMap<number, number>;
  /** SHA-256 over the position of each chain, 64 hex digits. */
  readonly digest: string;
}

/** How far one chain went. */
export interface Position {
  readonly number: number;
  readonly chain: string;
  readonly head: Head;
}

const FORM =
  /^moraine-audit-1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\d{1,9}) (\d{1,9}) (\d{1,15}) (-|\d+:\d+(?:,\d+:\d+)*) ([0-9a-f]{64})$/;

/** Formats a head line. */
export function formatHeadLine({ atMs, upTo, chains, records, open, digest }: HeadLine): string {
  const grown = [...open].map(([number, seq]) => `${number}:${seq}`).join(',');
  return ['moraine-audit-1', new Date(atMs).toISOString(), upTo, chains, records, grown || '-', digest].join(
    ' ',
  );
}

/**
 * Parses a head line; undefined for any text that `formatHeadLine` does not make, such as one with a day that does not
 * exist. Ignores white space around it.
 */
export function parseHeadLine(text: string): HeadLine | undefined {
  const [, at = '', upTo, chains, records, grown = '', digest = ''] = FORM.exec(text.trim()) ?? [];
  if (upTo === undefined || Number.isNaN(Date.parse(at))) return undefined;
  const pairs = grown === '-' ? [] : grown.split(',').map((pair) => pair.split(':').map(Number));
  const line: HeadLine = {
    atMs: Date.parse(at),
    upTo: Number(upTo),
    chains: Number(chains),
    records: Number(records),
    open: new Map(pairs as [number, number][]),
    digest,
  };
  return formatHeadLine(line) === text.trim() ? line : undefined;
}

/** SHA-256 over the positions, independent of their order. Chains without events do not count. */
export function digestOf(positions: readonly Position[]): string {
  const hash = createHash('sha256');
  const lines = positions
    .filter(({ head }) => head.seq > 0)
    .toSorted((a, b) => a.number - b.number || (a.chain < b.chain ? -1 : 1));
  for (const { number, chain, head } of lines) hash.update(`${number} ${chain} ${head.seq} ${head.mac}\n`);
  return hash.digest('hex');
}
