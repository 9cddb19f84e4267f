/** Commands that root runs while a server of another user runs. */
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Admin, adminOf } from '../support/admin.ts';
import { apiOf, assertJson } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const NOBODY = 65_534;
const skip = unlessPresent(process.getuid?.() === 0, 'root');

describe("root's commands while a server of another user runs", { skip }, () => {
  let folder: string;
  let data: string;
  let server: TestServer;
  let admin: Admin;
  before(async () => {
    folder = await temporaryFolder();
    await chmod(folder, 0o755);
    data = join(folder, 'data');
    await mkdir(data, 0o700);
    await chown(data, NOBODY, NOBODY);
    server = await startServer({ data, uid: NOBODY });
    admin = adminOf(data);
    await apiOf(server).createVault('v');
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Paths in the data folder that do not belong to the folder's owner. */
  async function foreign(): Promise<string[]> {
    const names = await readdir(data, { recursive: true });
    const owned = await Promise.all(
      names.map(async (name) => ({ name, uid: (await uidOf(name)) ?? NOBODY })),
    );
    return owned.filter(({ uid }) => uid !== NOBODY).map(({ name }) => name);
  }
  /** Undefined if the file has vanished meanwhile. */
  const uidOf = (name: string) =>
    stat(join(data, name)).then(
      ({ uid }) => uid,
      () => undefined,
    );

  it("leave no file that is unreadable to the server's user", async () => {
    await admin.json('account', 'create');
    await admin.json('user', 'create', 'amy', '--account-id', server.accountId);
    await admin.key(server.accountId, 'amy');
    await admin.run('lock', 'confirm-time');
    await admin.run('audit', 'verify');
    await admin.run('notifications', 'list');
    await admin.run('catalog', 'accept');
    assert.deepEqual(await foreign(), []);
    assertJson(await apiOf(server).call('GET', '/-/vaults'));
    assert.equal(await server.stop(), 0);
    server = await startServer({ data, uid: NOBODY });
    assertJson(await apiOf(server).call('GET', '/-/vaults/v'));
  });

  it('do not follow a symbolic link out of the folder', async () => {
    const secret = join(folder, 'settings-of-root.json');
    await writeFile(secret, '{"listen":"127.0.0.1:1"}', { mode: 0o600 });
    const other = join(folder, 'linked');
    await mkdir(other);
    await chown(other, NOBODY, NOBODY);
    const { code, errors } = await runMoraine(['user', 'list', '--data', other, '--config', secret]);
    assert.equal(code, 2);
    assert.match(errors, /EACCES.*\(root's commands run as uid 65534, the owner of the data folder/);
  });

  it('may have left an unreadable note in earlier versions: the server logs that and serves', async () => {
    await server.stop();
    const note = join(data, 'store', 'notes', 'time-confirmed');
    await writeFile(note, '{"atMs":1}', { mode: 0o600 });
    await chown(note, 0, 0);
    await chmod(note, 0o600);
    server = await startServer({ data, uid: NOBODY });
    assert.match(server.errors(), /the note of `moraine lock confirm-time` in the store cannot be read/);
    assertJson(await apiOf(server).call('GET', '/-/vaults/v'));
    assert.equal(await server.stop(), 0);
    await rm(note);
    server = await startServer({ data, uid: NOBODY });
  });
});
