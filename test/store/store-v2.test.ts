/** This version serves a store and catalog made by the version before form 3, without loss. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { prepareDiskStore } from '../../src/blobs/disk/prepare.ts';
import { treeHash } from '../../src/treehash/index.ts';
import { adminOf } from '../support/admin.ts';
import { type Api, apiOf, assertJson } from '../support/api.ts';
import { jobsOf } from '../support/jobs.ts';
import { locksOf } from '../support/locks.ts';
import { OLD_STORE, OLD_STORE_START, oldStore } from '../support/old-store.ts';
import { MIB, repeatedBytes } from '../support/pattern.ts';
import { unlessPresent } from '../support/require.ts';
import { serverFor } from '../support/test-servers.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/read-store.py', import.meta.url));
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';
const skip = unlessPresent(spawnSync(PYTHON, ['--version']).status === 0, 'python3');

const { archives, deleted, upload } = OLD_STORE;

async function assertAllThere(api: Api): Promise<void> {
  const jobs = jobsOf(api);
  for (const { vault, id, size, from } of archives) {
    const { status, bytes } = await jobs.output(vault, await jobs.startRetrieval(vault, id));
    assert.equal(status, 200);
    assert.ok(bytes.equals(repeatedBytes(size, from)), `archive ${id}`);
  }
  for (const vault of ['photos', 'locked']) {
    const { ArchiveList } = JSON.parse(await jobs.inventory(vault)) as {
      ArchiveList: { ArchiveId: string; ArchiveDescription: string; Size: number }[];
    };
    const listed = ArchiveList.map((one) => [one.ArchiveId, one.ArchiveDescription, one.Size]);
    const kept = archives.filter((one) => one.vault === vault);
    assert.deepEqual(listed.sort(), kept.map((one) => [one.id, one.description, one.size]).sort());
  }
}

describe('a store of form 2 with its catalog', () => {
  it('is served with every archive under its id', async (t) => {
    const data = await oldStore(t);
    const server = await serverFor(t, { data, ...OLD_STORE_START });
    const api = apiOf({ ...server, accountId: OLD_STORE.accountId });
    await assertAllThere(api);
    assert.deepEqual(assertJson(await api.call('GET', '/-/vaults/photos/tags')), {
      Tags: { colour: 'blue' },
    });
    assert.equal(assertJson(await locksOf(api).get('locked'))['State'], 'Locked');
    assert.equal((await api.call('DELETE', `/-/vaults/photos/archives/${deleted}`)).status, 204);
    const rest = repeatedBytes(5, 9);
    assert.equal((await api.putPart('photos', upload, MIB, rest)).status, 204);
    const whole = Buffer.concat([repeatedBytes(MIB, 31), rest]);
    assert.equal((await api.complete('photos', upload, whole.length, treeHash(whole))).status, 201);
    const users = await adminOf(data).run('user', 'list');
    assert.deepEqual(
      users.map((line) => JSON.parse(line).name),
      ['alice'],
    );
    assert.match((await adminOf(data).run('audit', 'verify')).join('\n'), /nothing changed|OK/);
  });

  it('is served after an upgrade that was interrupted between form and identity', async (t) => {
    const data = await oldStore(t);
    await prepareDiskStore(join(data, 'store'));
    await assertAllThere(apiOf(await serverFor(t, { data, ...OLD_STORE_START })));
  });

  it('can be read by scripts/read-store.py before and after this version has written to it', {
    skip,
  }, async (t) => {
    const data = await oldStore(t);
    const listed = () => {
      const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, join(data, 'store')], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      return stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t')[1] ?? '');
    };
    const ids = archives.map(({ id }) => id);
    assert.deepEqual(listed().sort(), [...ids].sort());
    const server = await serverFor(t, { data, ...OLD_STORE_START });
    const api = apiOf(server);
    ids.push(await api.upload('photos', repeatedBytes(800, 1)));
    ids.push(await api.upload('locked', repeatedBytes(MIB, 1)));
    assert.equal((await api.call('DELETE', `/-/vaults/photos/archives/${ids.shift()}`)).status, 204);
    await server.kill();
    assert.deepEqual(listed().sort(), [...ids].sort());
  });

  it('is served again after this version has written to it', async (t) => {
    const data = await oldStore(t);
    const first = await serverFor(t, { data, ...OLD_STORE_START });
    await apiOf(first).upload('photos', repeatedBytes(800, 1));
    await apiOf(first).upload('photos', repeatedBytes(MIB, 1));
    await first.kill();
    const again = await serverFor(t, { data, ...OLD_STORE_START });
    const api = apiOf(again);
    const jobs = jobsOf(api);
    const listed = JSON.parse(await jobs.inventory('photos')) as { ArchiveList: { ArchiveId: string }[] };
    const kept = archives.filter(({ vault }) => vault === 'photos');
    assert.equal(listed.ArchiveList.length, kept.length + 2);
    for (const { vault, id, size, from } of archives) {
      const { bytes } = await jobs.output(vault, await jobs.startRetrieval(vault, id));
      assert.ok(bytes.equals(repeatedBytes(size, from)), `archive ${id}`);
    }
  });
});
