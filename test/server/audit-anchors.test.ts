/** Audit logs replaced by earlier copies, and backups made while the server runs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type Api, apiOf } from '../support/api.ts';
import { type Ended, runMoraine } from '../support/command.ts';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const verify = (data: string, ...more: string[]): Promise<Ended> =>
  runMoraine(['audit', 'verify', '--data', data, ...more]);

async function folderFor(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a server over the folder, makes these vaults and stops it. */
async function session(data: string, vaults: readonly string[], during?: () => Promise<void>): Promise<void> {
  const server = await startServer({ data });
  for (const name of vaults) await apiOf(server).createVault(name);
  await during?.();
  assert.equal(await server.stop(), 0);
}

describe('an earlier copy of the audit log', () => {
  it('is detected by the anchors in store and catalog', async (t) => {
    const data = await folderFor(t);
    const copy = join(await folderFor(t), 'audit');
    const audit = join(data, 'audit');
    const server = await startServer({ data });
    const api = apiOf(server);
    await api.createVault('a');
    await cp(audit, copy, { recursive: true });
    for (const name of ['b', 'c', 'd']) await api.createVault(name);
    assert.equal(await server.stop(), 0);
    assert.equal((await verify(data)).code, 0);
    await rm(audit, { recursive: true });
    await cp(copy, audit, { recursive: true });
    const { code, output } = await verify(data);
    assert.equal(code, 6, output);
    assert.match(output, /ends at event 1, but the anchor of \S+ in the store says 4/);
  });

  it('is detected when it lacks a whole chain', async (t) => {
    const data = await folderFor(t);
    const copy = join(await folderFor(t), 'audit');
    const audit = join(data, 'audit');
    await session(data, ['a']);
    await cp(audit, copy, { recursive: true });
    await session(data, ['b']);
    await rm(audit, { recursive: true });
    await cp(copy, audit, { recursive: true });
    const { code, output } = await verify(data);
    assert.equal(code, 6, output);
    assert.match(output, /^[0-9a-f]{24}\.head: the head is missing$/m);
  });

  it('is detected by a line kept elsewhere, even with the store and catalog of the same time', async (t) => {
    const [data, copies] = [await folderFor(t), await folderFor(t)];
    const early = join(copies, 'early');
    let line = '';
    const keepLine = async (): Promise<void> => {
      const { code, output, errors } = await runMoraine(['audit', 'head', '--data', data]);
      assert.equal(code, 0, errors);
      line = output.trim();
    };
    await session(data, ['a'], keepLine);
    const first = line;
    await cp(data, early, { recursive: true });
    await session(data, ['b'], keepLine);
    await session(data, ['c']);
    const now = await verify(data, '--expect', line);
    assert.equal(now.code, 0, now.output);
    assert.match(now.output, /^The expected line of \S+ holds: all of its \d+ events are here\.$/m);
    assert.equal((await verify(data, '--expect', first)).code, 0);
    assert.equal((await verify(early)).code, 0);
    const late = await verify(early, '--expect', line);
    assert.equal(late.code, 6, late.output);
    assert.match(late.output, /^the expected line of \S+ /);
    const wrong = await verify(data, '--expect', line.slice(0, -3));
    assert.equal(wrong.code, 2);
    assert.match(wrong.errors, /--expect must be a whole line/);
  });
});

describe('a backup made under load, in the order catalog, store, audit', () => {
  it('is complete: its audit log verifies, before and after a server served it', async (t) => {
    const [data, copy] = [await folderFor(t), await folderFor(t)];
    const server = await startServer({ data, flags: ['--workers', '2'] });
    const load = startLoad(server);
    await load.goesOn();
    await copyInOrder(data, copy, () => load.goesOn());
    await load.stop();
    await server.kill();
    const copied = await verify(copy);
    assert.equal(copied.code, 0, copied.output);
    const restored = await startServer({ data: copy });
    await apiOf(restored).createVault('after');
    assert.equal(await restored.stop(), 0);
    const after = await verify(copy);
    assert.equal(after.code, 0, after.output);
  });
});

interface Load {
  /** Resolves after twenty more uploads and one complete command, which anchors its events. */
  goesOn(): Promise<void>;
  stop(): Promise<void>;
}

/** Runs four sequences of uploads and one sequence of commands concurrently. */
function startLoad(server: TestServer): Load {
  const api: Api = apiOf(server);
  const done = { uploads: 0, commands: 0 };
  let stopped = false;
  const lanes = [1, 2, 3, 4].map(async (lane) => {
    await api.createVault(`lane-${lane}`);
    while (!stopped) {
      await api.upload(`lane-${lane}`, `archive ${done.uploads}`);
      done.uploads++;
    }
  });
  const commands = (async () => {
    while (!stopped) {
      const args = ['user', 'create', `user-${done.commands}`, '--data', server.data];
      const { code, errors } = await runMoraine(args);
      assert.equal(code, 0, errors);
      done.commands++;
    }
  })();
  const ended = Promise.all([...lanes, commands]);
  // `stop` reports a failure; until then it must not be an unhandled rejection.
  ended.catch(() => {});
  return {
    async goesOn() {
      // One command may have been in progress.
      const { uploads, commands: before } = done;
      const more = () => done.uploads >= uploads + 20 && done.commands >= before + 2;
      await Promise.race([ended, eventually('more load', more)]);
    },
    async stop() {
      stopped = true;
      await ended;
    },
  };
}

/** Makes a backup as docs/operating.md describes. */
async function copyInOrder(from: string, to: string, between: () => Promise<void>): Promise<void> {
  const catalog = new DatabaseSync(join(from, 'catalog.sqlite'));
  await backup(catalog, join(to, 'catalog.sqlite'));
  catalog.close();
  await between();
  await copyFiles([join(from, 'master.key'), join(from, 'root-credentials'), join(from, 'store')], to);
  await between();
  await mkdir(join(to, 'audit'));
  for (const kind of ['.head', '.log']) {
    const names = (await readdir(join(from, 'audit'))).filter((name) => name.endsWith(kind));
    await copyFiles(
      names.map((name) => join(from, 'audit', name)),
      join(to, 'audit'),
    );
    await between();
  }
}

/** Copies with `cp`; tolerates only files that a deletion removed meanwhile. */
async function copyFiles(paths: readonly string[], to: string): Promise<void> {
  await promisify(execFile)('cp', ['-a', ...paths, to]).catch((error: { stderr?: string }) => {
    const lines = (error.stderr ?? String(error)).trim().split('\n');
    const others = lines.filter((line) => !line.includes('No such file or directory'));
    assert.deepEqual(others, []);
  });
}
