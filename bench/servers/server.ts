/** What is measured side by side: Moraine, and what stands beside it. */
import type { Bodies, Body } from '../bodies.ts';
import type { Address, LoadRequest } from '../load.ts';
import type { LoadProcess } from '../load-process.ts';
import type { BenchOptions } from '../section.ts';

export interface BenchServer {
  readonly name: string;
  /** What it does less or otherwise than Moraine with an upload. */
  readonly note?: string;
  readonly address: Address;
  /** Process ids; what descends from them belongs to the server too. */
  readonly processes: readonly number[];
  /** Lays out the upload of something large in pieces. */
  prepareLarge(pieces: readonly Body[]): Promise<LargeUpload>;
  /** Lays out uploads of one request each, under new names. */
  prepareSmall(bodies: readonly Body[]): readonly LoadRequest[];
  /** Stores so many pieces as one, or one alone where that is too much for it. */
  prepareDownload(bodies: Bodies, pieces: number, load: LoadProcess): Promise<Download>;
  /** Removes what `prepareLarge` has stored, and waits until it is gone from the disk. */
  removeLarge(): Promise<void>;
}

export interface LargeUpload {
  readonly requests: readonly LoadRequest[];
  /** What is still to be done after the last answer; its time counts. */
  finish(): Promise<void>;
}

export interface Download {
  /** Signed when it is laid out: signatures go stale. */
  request(): LoadRequest;
  /** Of the answer's body. */
  readonly bytes: number;
}

/** Starts a server for one section. Undefined where it cannot be had here; says why. */
export type StartServer = (options: BenchOptions) => Promise<BenchServer | undefined>;

/** Head of an HTTP/1.1 request. */
export function headOf(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A request without a body. */
export function bodiless(head: string): LoadRequest {
  return { head, offset: 0, length: 0 };
}
