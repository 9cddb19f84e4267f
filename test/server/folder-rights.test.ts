/** Starts refused for an unusable data folder or address, and the file modes that a start sets. */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiOf, assertJson } from '../support/api.ts';
import { type Ended, runMoraine } from '../support/command.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const NOBODY = 65_534;
const skip = unlessPresent(process.getuid?.() === 0, 'root');

let folder: string;
before(async () => {
  folder = await temporaryFolder();
  // Other users must be able to reach their files in it.
  await chmod(folder, 0o755);
});
after(() => rm(folder, { recursive: true, force: true }));

const serve = (data: string, listen = '127.0.0.1:0', uid?: number): Promise<Ended> =>
  runMoraine(
    ['serve', '--data', data, '--listen', listen, '--workers', '1', '--log-level', 'silent'],
    {},
    uid,
  );

function assertRefused({ code, errors, output }: Ended, expected: number, reason: RegExp): void {
  assert.match(errors, reason);
  assert.match(errors, /^moraine: [^\n]+\n$/);
  assert.equal(output, '');
  assert.equal(code, expected);
}

const modeOf = async (...path: string[]): Promise<string> =>
  ((await stat(join(...path))).mode & 0o777).toString(8);

describe('an unusable data folder', () => {
  it('is refused if it cannot be created', async () => {
    assertRefused(await serve('/proc/x'), 2, /the data folder \/proc\/x cannot be created: ENOENT/);
    assertRefused(await serve('/proc/x/y/z'), 2, /the data folder \/proc\/x\/y\/z cannot be created: ENOENT/);
  });

  it('is refused if a file is in its place', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '');
    assertRefused(await serve(path), 2, /the data folder .*file cannot be created: EEXIST/);
    assertRefused(await serve(join(path, 'below')), 2, /the data folder .*below cannot be created: ENOTDIR/);
  });

  it('is refused if it is world-writable', async () => {
    const path = join(folder, 'open');
    await mkdir(path);
    await chmod(path, 0o777);
    assertRefused(await serve(path), 2, /every user of this machine may write to .*open \(mode 0777\)/);
    assert.deepEqual(await readdir(path), []);
  });
});

describe('an unusable listen address', () => {
  it('is reported before the data folder is created', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    const data = join(folder, 'address');
    const ended = await serve(data, `127.0.0.1:${port}`);
    holder.close();
    assertRefused(
      ended,
      1,
      new RegExp(`EADDRINUSE: another program already listens on 127\\.0\\.0\\.1:${port}`),
    );
    await assert.rejects(stat(data), /ENOENT/);
  });

  it('is an invalid setting if the machine does not have it', async () => {
    const data = join(folder, 'no-address');
    const args = ['serve', '--data', data, '--listen', '203.0.113.1:0', '--allow-plain-http'];
    assertRefused(await runMoraine(args), 2, /--listen 203\.0\.113\.1:0 cannot be used: this machine has no/);
    await assert.rejects(stat(data), /ENOENT/);
  });

  it('is reported only if the folder is not in use', async () => {
    const first = await startServer();
    const address = first.url.replace('http://', '');
    assertRefused(await serve(first.data, address), 3, /another server is using the data folder/);
    await first.stop();
  });
});

describe('file modes', () => {
  it('give access to the owner only, and are corrected otherwise', async () => {
    const data = join(folder, 'modes');
    const closed = ['master.key', 'root-credentials', 'catalog.sqlite', 'lock.sqlite', 'store', 'audit'];
    const modesOf = () => Promise.all(closed.map((name) => modeOf(data, name)));
    const expected = ['600', '600', '600', '600', '700', '700'];
    const first = await startServer({ data });
    await apiOf(first).createVault('v');
    assert.deepEqual(await modesOf(), expected);
    assert.equal(await modeOf(data), '700');
    assert.equal(await modeOf(data, 'catalog.sqlite-wal'), '600');
    for (const name of await readdir(join(data, 'audit')))
      assert.equal(await modeOf(data, 'audit', name), '600');
    await first.kill();

    for (const name of [...closed, 'catalog.sqlite-wal', 'catalog.sqlite-shm'])
      await chmod(join(data, name), name === 'store' || name === 'audit' ? 0o755 : 0o644);
    await chmod(data, 0o775);
    const second = await startServer({ data });
    assert.deepEqual(await modesOf(), expected);
    assert.equal(await modeOf(data, 'catalog.sqlite-wal'), '600');
    assert.match(second.errors(), /"closed":\[.*master\.key \(0644\)/);
    assert.match(second.errors(), /the group of the data folder may write to it/);
    assertJson(await apiOf(second).call('GET', '/-/vaults/v'));
    await second.stop();
  });
});

describe('a data folder of another user', { skip }, () => {
  it('is refused by servers and commands, with its path, owner and mode', async () => {
    const data = join(folder, 'roots');
    const first = await startServer({ data });
    await first.stop();
    const outside = await serve(data, '127.0.0.1:0', NOBODY);
    assertRefused(outside, 2, /runs as uid 65534.*\/roots: it belongs to uid 0 and gid 0, with mode 0700/);
    await chmod(data, 0o755);
    const inside = await serve(data, '127.0.0.1:0', NOBODY);
    assertRefused(inside, 2, /may not read and write .*\/roots: it belongs to uid 0 .*mode 0755/);
    await chown(data, NOBODY, NOBODY);
    const files = await serve(data, '127.0.0.1:0', NOBODY);
    assertRefused(files, 2, /may not read .*master\.key: it belongs to uid 0 .*mode 0600/);
    const command = await runMoraine(['user', 'list', '--data', data], {}, NOBODY);
    assertRefused(command, 2, /may not read .*master\.key: it belongs to uid 0/);
  });

  it('is refused by a server that runs as root', async () => {
    const data = join(folder, 'theirs');
    await mkdir(data);
    await chown(data, NOBODY, NOBODY);
    assertRefused(await serve(data), 2, /the data folder .*theirs belongs to uid 65534.*root/);
    assert.deepEqual(await readdir(data), []);
  });
});
