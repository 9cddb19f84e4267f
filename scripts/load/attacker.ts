/** Puts one kind of load on a server. Runs in its own process, so that it does not delay the measuring process. */
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Api, apiOf } from '../../test/support/api.ts';
import type { Credentials } from '../../test/support/server.ts';
import { headText } from '../../test/support/wire.ts';

/** What the parent process orders: JSON in the first argument. */
export interface Orders extends Credentials {
  readonly attack: AttackName;
  readonly url: string;
  /** Target of a GetJobOutput of many MiB. */
  readonly bigOutput: string;
  /** Target of a GetJobOutput of one MiB. */
  readonly smallOutput: string;
  readonly seconds: number;
  readonly connections: number;
}

export type AttackName = 'downloads' | 'chunks-by-key' | 'chunks-unsigned' | 'flood' | 'clients' | 'soak';

const MIB = 1024 * 1024;
const CHUNK_BYTES_SENT = 60_000_000;
const BODY = Buffer.alloc(MIB, 'moraine');

const orders = JSON.parse(process.argv[2] ?? '{}') as Orders;
const api = apiOf(orders);
const { hostname, port } = new URL(orders.url);
const ends = performance.now() + orders.seconds * 1000;

const ATTACKS: Readonly<Record<AttackName, () => Promise<unknown>>> = {
  downloads: () => side(8, () => repeat(250, () => brokenDownload(30))),
  'chunks-by-key': () => side(10, () => tinyChunks(headByKey())),
  'chunks-unsigned': () => side(10, () => tinyChunks(headUnsigned())),
  flood: async () => {
    for (let round = 0; round < 3; round++) await flood(orders.connections);
  },
  clients: () => side(200, () => repeat(20, uploadAndDownload)),
  soak: () =>
    Promise.all([
      side(8, () => repeat(Infinity, () => brokenDownload(30))),
      side(30, () => repeat(Infinity, uploadAndDownload)),
      side(4, () => repeat(Infinity, () => output(orders.bigOutput))),
    ]),
};

await ATTACKS[orders.attack]();
process.exit(0);

/** Runs several copies of a task at once. */
function side(count: number, task: () => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: count }, task));
}

/** Repeats a task until the time is over. Ignores failures, because the server may refuse. */
async function repeat(times: number, task: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times && performance.now() < ends; i++) await task().catch(() => pause(10));
}

/** Requests the output, and cuts the connection after `ms`. */
async function brokenDownload(ms: number): Promise<void> {
  const target = orders.bigOutput;
  const outgoing = request({
    hostname,
    port,
    path: target,
    headers: api.headersOf('GET', target),
    agent: false,
  });
  outgoing.on('error', () => {}).on('response', (response) => response.on('error', () => {}).resume());
  outgoing.end();
  await pause(ms);
  outgoing.destroy();
}

function headByKey(): string {
  const target = '/-/vaults/load/jobs';
  const wrong: Partial<Parameters<Api['headersOf']>[2]> = {
    headers: { 'transfer-encoding': 'chunked' },
    signer: { secretAccessKey: 'not the secret' },
  };
  return headText('POST', target, api.headersOf('POST', target, wrong));
}

function headUnsigned(): string {
  return headText('POST', '/-/vaults/load/jobs', {
    host: `${hostname}:${port}`,
    'transfer-encoding': 'chunked',
  });
}

/** Sends a share of 60 MB as chunks of one byte. Connects again when the server ends the connection. */
async function tinyChunks(head: string): Promise<void> {
  const chunks = Buffer.from('1\r\n{\r\n'.repeat(10_000));
  for (let left = CHUNK_BYTES_SENT / 10; left > 0 && performance.now() < ends; ) {
    const socket = await opened();
    if (!socket) continue;
    socket.write(head);
    while (left > 0 && !socket.destroyed && socket.writable && performance.now() < ends) {
      left -= chunks.length;
      if (!socket.write(chunks))
        await Promise.race([event(socket, 'drain'), event(socket, 'close'), pause(5000)]);
      else await pause(0);
    }
    socket.destroy();
  }
}

/** Opens connections as fast as it can, holds them briefly, and closes them all. */
async function flood(count: number): Promise<void> {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect({ host: hostname, port: Number(port) });
    return socket.on('error', () => {}).resume();
  });
  await Promise.race([Promise.all(sockets.map((socket) => settled(socket))), pause(8000)]);
  await pause(2000);
  for (const socket of sockets) socket.destroy();
}

function settled(socket: Socket): Promise<unknown> {
  return Promise.race([event(socket, 'connect'), event(socket, 'close')]);
}

async function opened(): Promise<Socket | undefined> {
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => {}).resume();
  await settled(socket);
  return socket.destroyed ? undefined : socket;
}

function event(socket: Socket, name: string): Promise<void> {
  return new Promise((resolve) => socket.once(name, () => resolve()));
}

async function uploadAndDownload(): Promise<void> {
  await api.upload('load', BODY);
  await output(orders.smallOutput);
}

function output(target: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { hostname, port, path: target, headers: api.headersOf('GET', target) },
      (response) => {
        response.on('error', reject).on('end', resolve).resume();
      },
    );
    outgoing.on('error', reject).end();
  });
}
