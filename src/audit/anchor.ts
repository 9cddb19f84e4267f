/**
 * Anchors: how far a chain went, kept outside the audit folder. An earlier copy of a chain and its head is valid in
 * itself, but does not reach the anchor. docs/audit.md specifies the form.
 */
import * as z from 'zod';
import type { ChainKey, Head } from './chain.ts';

/** How far a chain went at some time. */
export interface Anchor {
  readonly chain: string;
  /** Number of the chain within the installation, from 1; 0 if an earlier version wrote it without a number. */
  readonly number: number;
  readonly head: Head;
  /** When it was written, ms since the epoch. */
  readonly atMs: number;
  /** Whether the process that wrote the chain has ended, so that the chain grows no more. */
  readonly closed: boolean;
}

const FORM = z.strictObject({
  chain: z.string(),
  number: z.number(),
  records: z.number(),
  mac: z.string(),
  at: z.iso.datetime(),
  closed: z.boolean(),
  seal: z.string(),
});

/** Formats an anchor as a JSON object with a MAC over its other members. */
export function sealAnchor(key: ChainKey, { chain, number, head, atMs, closed }: Anchor): string {
  const at = new Date(atMs).toISOString();
  const members = { chain, number, records: head.seq, mac: head.mac, at, closed };
  return JSON.stringify({ ...members, seal: key.seal('anchor', JSON.stringify(members)) });
}

/** Parses an anchor; undefined if the text was changed. */
export function openAnchor(key: ChainKey, text: string): Anchor | undefined {
  const { success, data } = FORM.safeParse(parseObject(text));
  if (!success) return undefined;
  const { seal, ...members } = data;
  const { chain, number, records, mac, at, closed } = members;
  // The members in the order of `sealAnchor`, in case their order in the text differs.
  const sealed = JSON.stringify({ chain, number, records, mac, at, closed });
  if (!key.proves('anchor', sealed, seal)) return undefined;
  return { chain, number, head: { seq: records, mac }, atMs: Date.parse(at), closed };
}

function parseObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The anchor that goes further. If both go equally far, a closed one wins. */
export function furtherOf(one: Anchor | undefined, other: Anchor | undefined): Anchor | undefined {
  if (!one || !other) return one ?? other;
  if (one.head.seq !== other.head.seq) return one.head.seq > other.head.seq ? one : other;
  return one.closed ? one : other;
}
