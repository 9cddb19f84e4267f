import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../src/treehash/index.ts';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../support/api.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { sha256Hex } from '../support/signer.ts';
import { storeFiles } from '../support/store-files.ts';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer({ flags: ['--workers', '2', '--log-level', 'silent'] });
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** Ids of the serving processes. */
async function servingProcesses(): Promise<number[]> {
  const { pid } = server.process;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

describe('several serving processes', () => {
  it("see each other's writes at once", async () => {
    for (let i = 0; i < 20; i++) {
      await api.createVault(`seen-${i}`);
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => api.call('GET', `/-/vaults/seen-${i}`)),
      );
      for (const answer of answers) assertJson(answer);
    }
  });

  it('accept concurrent parts of one upload, and make one archive from many Completes', async () => {
    const data = patternBytes(8 * MIB + 5);
    const id = await api.initiate('v', MIB, 'side by side');
    const parts = Array.from({ length: 9 }, (_, i) => data.subarray(i * MIB, (i + 1) * MIB));
    for (const answer of await Promise.all(parts.map((part, i) => api.putPart('v', id, i * MIB, part)))) {
      assertEmpty(answer, 204);
    }
    const done = await Promise.all(
      Array.from({ length: 10 }, () => api.complete('v', id, data.length, treeHash(data))),
    );
    for (const answer of done) assertEmpty(answer, 201);
    assert.equal(new Set(done.map((answer) => answer.headers['x-amz-archive-id'])).size, 1);
    assert.equal(assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives'], 1);
  });

  it('pass all tags and refusals on unchanged', async () => {
    const tags = '{"Tags":{"__proto__":"a","constructor":"b","ключ":"値"}}';
    assertEmpty(await api.call('POST', '/-/vaults/v/tags?operation=add', { body: tags }), 204);
    for (let i = 0; i < 6; i++) {
      const listed = assertJson(await api.call('GET', '/-/vaults/v/tags'))['Tags'] as object;
      assert.deepEqual(Object.entries(listed), [
        ['__proto__', 'a'],
        ['constructor', 'b'],
        ['ключ', '値'],
      ]);
    }
    const message = `Vault not empty or recently written to: ${api.vaultArn('v')}`;
    const refused = await api.call('DELETE', '/-/vaults/v');
    assertRefusal(refused, 400, 'InvalidParameterValueException', message);
    const id = await api.initiate('v', MIB);
    assertRefusal(
      await api.complete('v', id, 1, sha256Hex('x')),
      400,
      'InvalidParameterValueException',
      /has no parts/,
    );
  });
});

describe('a serving process that is killed', () => {
  it('is replaced, without loss of acknowledged writes', async () => {
    const before = await servingProcesses();
    assert.equal(before.length, 2);
    const count = Number(assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives']);
    await api.upload('v', 'acknowledged');
    process.kill(before[0] ?? 0, 'SIGKILL');
    const now = await eventually('two serving processes, one of them new', async () => {
      const pids = await servingProcesses();
      return pids.length === 2 && !pids.includes(before[0] ?? 0) && pids;
    });
    assert.ok(now.includes(before[1] ?? 0));
    await eventually('both answer', async () => {
      const answers = Array.from({ length: 8 }, () => api.call('GET', '/-/vaults/v'));
      return (await Promise.allSettled(answers)).every(({ status }) => status === 'fulfilled');
    });
    await api.upload('v', 'after it');
    assert.equal(assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives'], count + 2);
    assert.deepEqual((await storeFiles(server.data)).incoming, []);
  });
});

describe('a primary that is killed', () => {
  it('ends its serving processes, and the folder is free for the next server', async () => {
    const first = await startServer({ flags: ['--workers', '2', '--log-level', 'silent'] });
    await apiOf(first).createVault('kept');
    await first.kill();
    const second = await startServer({ data: first.data });
    try {
      assertJson(await apiOf(second).call('GET', '/-/vaults/kept'));
      await eventually('the old ones serve no more', async () => {
        return apiOf(first)
          .call('GET', '/-/vaults/kept')
          .then(
            () => false,
            () => true,
          );
      });
    } finally {
      await second.stop();
    }
  });
});
