/** The loopback itself, as a server. */
import { fileURLToPath } from 'node:url';
import type { Body } from '../bodies.ts';
import type { Address, LoadRequest } from '../load.ts';
import { freeAddress, startProgram } from '../programs.ts';
import type { BenchOptions } from '../section.ts';
import { headOf } from './server.ts';

const PROGRAM = fileURLToPath(new URL('../discard-server.ts', import.meta.url));

export interface DiscardServer {
  readonly address: Address;
  readonly processes: readonly number[];
  request(body: Body): LoadRequest;
}

export async function startDiscard(options: BenchOptions): Promise<DiscardServer> {
  const address = await freeAddress();
  const pid = await startProgram(options, process.execPath, [PROGRAM, String(address.port)], address);
  return {
    address,
    processes: [pid],
    request: ({ offset, length }) => ({
      head: headOf('PUT', '/', { 'content-length': String(length) }),
      offset,
      length,
    }),
  };
}
