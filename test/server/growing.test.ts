/** A server whose load decides how many processes serve. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { apiOf, assertJson } from '../support/api.ts';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Connections of a flood, and requests on each. */
const WIDTH = 4;
const REQUESTS = 1000;
const skip = process.platform !== 'linux' || availableParallelism() < 2;

/** Ids of the processes that the server has started. */
async function others({ process: { pid } }: TestServer): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

describe('a server whose load decides how many processes serve', { skip }, () => {
  it('serves in one, then in more; all answer, and end together', async () => {
    const server = await startServer({ growing: true, flags: ['--log-level', 'debug'] });
    const api = apiOf(server);
    try {
      await api.createVault('v');
      assert.deepEqual(await others(server), []);
      const pids = await eventually('another process', async () => {
        await Promise.all(Array.from({ length: WIDTH }, () => flood(server)));
        const found = await others(server);
        return found.length > 0 && found;
      });
      let [uploads, width] = [0, 0];
      await eventually('an upload through it', async () => {
        // One more than before, so that a new connection is needed, which either process may get.
        const some = Array.from({ length: ++width }, () => api.upload('v', `archive ${uploads++}`));
        await Promise.all(some);
        return pids.some((pid) => server.errors().includes(`"process":${pid},`));
      });
      assert.equal(assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives'], uploads);
      assert.equal(await server.stop(), 0);
      for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    } finally {
      await server.kill();
    }
  });
});

/** Sends many requests at once, which cost this process less than the server. Resolves when the connection has ended. */
function flood({ url }: TestServer): Promise<void> {
  const { hostname: host, port } = new URL(url);
  const ask = (headers: string) => `GET /_moraine/health HTTP/1.1\r\nHost: h\r\n${headers}\r\n`;
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) });
    // The server may end the connection before it has answered all of them.
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(ask('').repeat(REQUESTS) + ask('Connection: close\r\n'));
  });
}
