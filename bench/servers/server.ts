/** The interface of measured servers: Moraine, and those it is compared with. */
import type { Bodies, Body } from '../bodies.ts';
import type { Address, LoadRequest } from '../load.ts';
import type { LoadProcess } from '../load-process.ts';
import type { BenchOptions } from '../section.ts';

export interface BenchServer {
  readonly name: string;
  /** How its handling of an upload differs from Moraine's. */
  readonly note?: string;
  readonly address: Address;
  /** Process ids; their descendants count too. */
  readonly processes: readonly number[];
  /** Makes the requests that upload something large in pieces. */
  prepareLarge(pieces: readonly Body[]): Promise<LargeUpload>;
  /** Makes uploads of one request each, under new names. */
  prepareSmall(bodies: readonly Body[]): readonly LoadRequest[];
  /** Stores this many pieces as one body, or only one piece if the server cannot store more. */
  prepareDownload(bodies: Bodies, pieces: number, load: LoadProcess): Promise<Download>;
  /** Removes what `prepareLarge` stored, and waits until its disk space is free again. */
  removeLarge(): Promise<void>;
}

interface LargeUpload {
  readonly requests: readonly LoadRequest[];
  /** Called after the last response; its time counts. */
  finish(): Promise<void>;
}

interface Download {
  /** Makes the request. Called late, because signatures expire. */
  request(): LoadRequest;
  /** Length of the response's body. */
  readonly bytes: number;
}

/** Starts a server for one section. Returns undefined and prints the reason if it is not available. */
export type StartServer = (options: BenchOptions) => Promise<BenchServer | undefined>;

/** Formats the head of an HTTP/1.1 request. */
export function headOf(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Makes a request without a body. */
export function bodiless(head: string): LoadRequest {
  return { head, offset: 0, length: 0 };
}
