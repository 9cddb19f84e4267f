import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { connectionBound } from '../../src/app/descriptors.ts';
import { adminOf } from '../support/admin.ts';
import { type Api, apiOf, assertJson, assertRefusal } from '../support/api.ts';
import { jobsOf } from '../support/jobs.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { sendRaw } from '../support/request.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { type ServerGroup, startGroup } from '../support/server-group.ts';
import { headText, Wire } from '../support/wire.ts';

const DESCRIPTORS = 256;
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;

async function isWell(url: string): Promise<boolean> {
  return sendRaw(url, { method: 'GET', target: '/_moraine/health' }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

async function openFiles(pids: readonly number[]): Promise<number> {
  const counts = pids.map(async (pid) => (await readdir(`/proc/${pid}/fd`).catch(() => [])).length);
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

describe('more connections than file descriptors', { skip: process.platform !== 'linux' }, () => {
  let data: string;
  let server: ServerGroup;
  before(async () => {
    data = await temporaryFolder();
    server = await startGroup(data, ['--workers', '2'], DESCRIPTORS);
    await apiOf(server).createVault('v');
  });
  after(async () => {
    await server.kill();
    await rm(data, { recursive: true });
  });

  const flood = (count: number): Socket[] => {
    const { hostname, port } = new URL(server.url);
    return Array.from({ length: count }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      return socket.on('error', () => {}).resume();
    });
  };

  it('do not keep out clients that send requests, and free all descriptors when closed', async () => {
    const idle = await openFiles(await server.processes());
    for (let round = 0; round < 2; round++) {
      const sockets = flood(4 * DESCRIPTORS);
      await eventually('as many connections as allowed', async () => {
        const held = (await openFiles(await server.processes())) - idle;
        return held >= connectionBound(DESCRIPTORS);
      });
      await eventually('health while they are open', () => isWell(server.url));
      for (const socket of sockets) socket.destroy();
      await eventually('health when they are closed', () => isWell(server.url));
    }
    const api = apiOf(server);
    // Several calls, so that each serving process accepts connections.
    for (let i = 0; i < 4; i++) assertJson(await api.call('GET', '/-/vaults/v'));
    await eventually(
      'the descriptors of all connections are free',
      async () => (await openFiles(await server.processes())) <= idle + 16,
    );
  });

  it('make the primary replace a serving process that has no free descriptor', {
    skip: unlessPresent(hasPrlimit, 'prlimit'),
  }, async () => {
    const children = async (): Promise<number[]> => {
      const { pid } = server.process;
      const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      return text.trim().split(' ').map(Number);
    };
    const [poor = 0, ...others] = await children();
    await promisify(execFile)('prlimit', ['--pid', String(poor), '--nofile=4:4']);
    await eventually('another process in its place', async () => {
      void isWell(server.url);
      const now = await children();
      return !now.includes(poor) && now.length === 1 + others.length;
    });
    await eventually('health', () => isWell(server.url));
    assert.match(server.errors(), /a serving process ends, because it has no file descriptors/);
  });
});

describe('a hostile client', () => {
  let server: TestServer;
  let api: Api;
  before(async () => {
    server = await startServer({ flags: ['--log-level', 'warn'] });
    api = apiOf(server);
    await api.createVault('v');
  });
  after(() => server.stop());

  const target = '/-/vaults/v/jobs';
  const chunked = { 'transfer-encoding': 'chunked' };

  it('is refused and disconnected when it sends a body in too many chunks', async () => {
    const wire = await Wire.open(server.url);
    const signer = { secretAccessKey: 'not the secret' };
    wire.write(headText('POST', target, api.headersOf('POST', target, { headers: chunked, signer })));
    wire.write('1\r\n{\r\n'.repeat(5000));
    const answer = await wire.answer();
    assertRefusal(answer, 400, 'BadRequest', 'The request body comes in more than 4096 chunks');
    await wire.untilClosed();
  });

  it('is cut off early without a signature', async () => {
    const wire = await Wire.open(server.url);
    wire.write(headText('POST', target, { host: 'localhost', ...chunked }));
    const sending = setInterval(() => wire.write('1\r\n{\r\n'.repeat(1000)), 1);
    try {
      await wire.untilClosed();
    } finally {
      clearInterval(sending);
      wire.destroy();
    }
    assert.ok(await isWell(server.url));
  });

  it('can send any body in chunks of a reasonable size', async () => {
    const wire = await Wire.open(server.url);
    wire.write(
      headText(
        'PUT',
        '/-/vaults/chunked',
        api.headersOf('PUT', '/-/vaults/chunked', { headers: chunked, body: 'xyz' }),
      ),
    );
    for (const char of 'xyz') wire.write(`1\r\n${char}\r\n`);
    wire.write('0\r\n\r\n');
    assert.notEqual((await wire.answer()).status, 400);
    wire.destroy();
  });

  it('leaves no file open when it disconnects during downloads', async () => {
    const job = await jobsOf(api).startRetrieval('v', await api.upload('v', patternBytes(8 * MIB)));
    const output = `/-/vaults/v/jobs/${job}/output`;
    const pids = [server.process.pid ?? 0];
    const idle = await openFiles(pids);
    for (let i = 0; i < 100; i++) {
      const wire = await Wire.open(server.url);
      wire.write(headText('GET', output, api.headersOf('GET', output)));
      if (i % 2 === 0) wire.destroy();
      else wire.socket.resetAndDestroy();
    }
    await eventually('no more files than before', async () => (await openFiles(pids)) <= idle + 4);
    assert.equal(server.errors(), '');
  });
});

describe('refusals of requests without a valid signature', () => {
  it('are audited ten times per reason; a stop audits the number of the others', async () => {
    const data = await temporaryFolder();
    const server = await startServer({ data });
    const api = apiOf(server);
    const signer = { secretAccessKey: 'not the secret' };
    try {
      for (let i = 0; i < 25; i++) {
        await api.call('GET', '/-/vaults', { signer });
        await sendRaw(server.url, { method: 'GET', target: '/-/vaults' });
      }
      assert.equal(await server.stop(), 0);
      const lines = await adminOf(data).run('audit', 'export');
      const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      const counts = new Map<unknown, number>();
      for (const { errorCode } of events) counts.set(errorCode, (counts.get(errorCode) ?? 0) + 1);
      assert.equal(counts.get('InvalidSignatureException'), 10);
      assert.equal(counts.get('MissingAuthenticationTokenException'), 10);
      const counted = events.filter(({ eventName }) => eventName === 'UnsignedDenialsCounted');
      assert.deepEqual(
        counted.map(({ additionalEventData }) => {
          const { count, kinds } = additionalEventData as { count: number; kinds: unknown };
          return { count, kinds };
        }),
        [
          {
            count: 30,
            kinds: {
              'InvalidSignatureException from 127.0.0.1': 15,
              'MissingAuthenticationTokenException from 127.0.0.1': 15,
            },
          },
        ],
      );
    } finally {
      await server.kill();
      await rm(data, { recursive: true });
    }
  });
});
