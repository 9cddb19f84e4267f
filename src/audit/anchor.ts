/**
 * Anchors: how far a chain went, kept outside the audit folder. An earlier copy of a chain and its head proves itself;
 * it falls short of an anchor. Specified in docs/audit.md.
 */
import { z } from 'zod';
import type { ChainKey, Head } from './chain.ts';

/** How far a chain went at some time. */
export interface Anchor {
  readonly chain: string;
  /** Which chain of the installation it is, from 1; 0 for one of a version that did not number them. */
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

/** An anchor as text, one JSON object with a MAC over its other members. */
export function sealAnchor(key: ChainKey, { chain, number, head, atMs, closed }: Anchor): string {
  const at = new Date(atMs).toISOString();
  const members = { chain, number, records: head.seq, mac: head.mac, at, closed };
  return JSON.stringify({ ...members, seal: key.seal('anchor', JSON.stringify(members)) });
}

/** The anchor of such a text; undefined when the text was changed. */
export function openAnchor(key: ChainKey, text: string): Anchor | undefined {
  const { success, data } = FORM.safeParse(parseObject(text));
  if (!success) return undefined;
  const { seal, ...members } = data;
  const { chain, number, records, mac, at, closed } = members;
  // In the order in which it was sealed, whatever the order in the text.
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

/** The anchor that goes further; of two that go equally far, the one that says that the chain is closed. */
export function furtherOf(one: Anchor | undefined, other: Anchor | undefined): Anchor | undefined {
  if (!one || !other) return one ?? other;
  if (one.head.seq !== other.head.seq) return one.head.seq > other.head.seq ? one : other;
  return one.closed ? one : other;
}
