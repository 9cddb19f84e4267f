/** Weak root keys and unknown keys: the emulator accepts both; a server accepts weak ones only with a flag. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiOf, assertRefusal } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { startEmulator } from '../support/emulator.ts';
import { locksOf } from '../support/locks.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const keyOf = (id: string, secret: string) => ({
  MORAINE_ROOT_ACCESS_KEY_ID: id,
  MORAINE_ROOT_SECRET_ACCESS_KEY: secret,
});
const WEAK = keyOf('test', 'test');
const STRONG = keyOf('AKIAEXAMPLEEXAMPLE00', 'wJalrXUtnFEMI/K7MDENG');

const accountOf = async (server: TestServer, signer: { accessKeyId: string; secretAccessKey: string }) => {
  const answer = await apiOf(server).call('PUT', '/-/vaults/mine', { signer });
  assert.equal(answer.status, 201, answer.text);
  return answer.headers['location']?.split('/')[1];
};

/** Starts and stops a server. @returns the status of a ListVaults signed with the weak key. */
async function statusWith(options: Parameters<typeof startServer>[0]): Promise<number> {
  const server = await startServer(options);
  const signer = { accessKeyId: 'test', secretAccessKey: 'test' };
  const { status } = await apiOf(server).call('GET', '/-/vaults', { signer });
  await server.stop();
  return status;
}

describe('a weak root key', () => {
  let data: string;
  before(async () => {
    data = await temporaryFolder();
  });
  after(() => rm(data, { recursive: true, force: true }));

  it('is accepted by the emulator, which checks its signature', async () => {
    for (const [id, secret] of [
      ['test', 'test'],
      ['testing', 'testing'],
      ['minioadmin', 'minioadmin'],
      ['000000000000', 'x'],
    ] as const) {
      const server = await startEmulator({ env: keyOf(id, secret) });
      try {
        const signer = { accessKeyId: id, secretAccessKey: secret };
        assert.equal(await accountOf(server, signer), server.accountId);
        const wrong = await apiOf(server).call('GET', '/-/vaults', {
          signer: { ...signer, secretAccessKey: `${secret}x` },
        });
        assert.equal(wrong.status, 403);
      } finally {
        await server.stop();
      }
    }
  });

  it('is refused by a server before it makes anything, with one line that says what to do', async () => {
    for (const env of [
      WEAK,
      keyOf('minioadmin', 'minioadmin'),
      keyOf('AKIAEXAMPLEEXAMPLE00', 'short'),
      keyOf('short', 'wJalrXUtnFEMI/K7MDENG'),
    ]) {
      const folder = join(data, 'refused');
      const { code, errors } = await runMoraine(['serve', '--data', folder, '--listen', '127.0.0.1:0'], env);
      assert.equal(code, 2);
      assert.match(
        errors,
        /^moraine: MORAINE_ROOT_ACCESS_KEY_ID .*16 .*--emulator.*--allow-weak-root-key.*\n$/,
      );
      assert.doesNotMatch(errors, /minioadmin|wJalr/);
      assert.equal(existsSync(folder), false);
    }
  });

  it('does not make other commands fail', async () => {
    const folder = join(data, 'commands');
    await (await startServer({ data: folder })).stop();
    const { code, errors } = await runMoraine(['account', 'list', '--data', folder], WEAK);
    assert.equal(code, 0, errors);
  });

  it('is accepted only while --allow-weak-root-key is given', async () => {
    const folder = join(data, 'allowed');
    const flags = ['--allow-weak-root-key'];
    assert.equal(await statusWith({ data: folder, env: WEAK, flags }), 200);
    assert.equal(await statusWith({ data: folder }), 400);
    assert.equal(await statusWith({ data: folder, env: WEAK, flags }), 200);
    assert.equal(await statusWith({ data: folder, env: STRONG }), 400);
    // A strong key keeps working.
    const server = await startServer({ data: folder });
    const signer = {
      accessKeyId: STRONG.MORAINE_ROOT_ACCESS_KEY_ID,
      secretAccessKey: STRONG.MORAINE_ROOT_SECRET_ACCESS_KEY,
    };
    assert.equal((await apiOf(server).call('GET', '/-/vaults', { signer })).status, 200);
    await server.stop();
  });

  it('is removed when a server without it serves the folder of an emulator', async () => {
    const folder = join(data, 'was-emulator');
    assert.equal(await statusWith({ data: folder, env: WEAK, flags: ['--emulator'] }), 200);
    assert.equal(await statusWith({ data: folder }), 400);
  });

  it('is not stored by an emulator whose start is refused', async () => {
    const folder = join(data, 'real');
    const server = await startServer({ data: folder });
    await apiOf(server).createVault('real');
    await server.stop();
    const args = ['serve', '--data', folder, '--listen', '127.0.0.1:0', '--emulator'];
    assert.equal((await runMoraine(args, WEAK)).code, 2);
    const { output } = await runMoraine(['key', 'list', '--data', folder]);
    assert.match(output, new RegExp(server.accessKeyId));
    assert.doesNotMatch(output, /test/);
  });

  it('is refused by a server with a locked vault', async () => {
    const folder = join(data, 'locked');
    const flags = ['--allow-weak-root-key'];
    const server = await startServer({ data: folder, env: WEAK, flags });
    const api = apiOf({ ...server, accessKeyId: 'test', secretAccessKey: 'test' });
    await locksOf(api).lockedVault('locked');
    await server.stop();
    const args = ['serve', '--data', folder, '--listen', '127.0.0.1:0', '--allow-weak-root-key'];
    const refused = async () => {
      const { code, errors } = await runMoraine(args, WEAK);
      assert.equal(code, 2, errors);
      assert.match(errors, /^moraine: the data folder holds a locked vault.*16 characters.*\n$/);
    };
    await refused();
    const strong = await startServer({ data: folder, env: STRONG, flags });
    await strong.stop();
    assert.equal(await statusWith({ data: folder }), 400);
  });
});

describe('any key', () => {
  let server: TestServer;
  before(async () => {
    server = await startEmulator({ flags: ['--emulator-any-key'], env: WEAK });
  });
  after(() => server.stop());

  it('acts as root of the server’s account, whatever its secret', async () => {
    for (const secretAccessKey of ['x', 'another'])
      assert.equal(await accountOf(server, { accessKeyId: 'whatever', secretAccessKey }), server.accountId);
  });

  it('of 12 digits acts as root of the account with this number', async () => {
    for (const accessKeyId of ['123456789012', '000000000000'])
      assert.equal(await accountOf(server, { accessKeyId, secretAccessKey: 'x' }), accessKeyId);
    const signer = { accessKeyId: '111111111111', secretAccessKey: 'x' };
    const { text } = await apiOf(server).call('GET', '/-/vaults', { signer });
    assert.equal(text, '{"Marker":null,"VaultList":[]}');
  });

  it('may come with a session token', async () => {
    const headers = { 'x-amz-security-token': 'token' };
    const signer = { accessKeyId: 'ASIAWHATEVER', secretAccessKey: 'x' };
    assert.equal((await apiOf(server).call('GET', '/-/vaults', { headers, signer })).status, 200);
  });

  it('that the server knows needs the right secret', async () => {
    const answer = await apiOf(server).call('GET', '/-/vaults', {
      signer: { accessKeyId: 'test', secretAccessKey: 'other' },
    });
    assert.equal(answer.status, 403);
  });

  it('does not excuse a missing signature or one over another body', async () => {
    const api = apiOf(server);
    const signer = { accessKeyId: 'whatever', secretAccessKey: 'x' };
    const unsigned = await api.call('GET', '/-/vaults', { unsigned: { authorization: '' } });
    assert.ok(unsigned.status >= 400, unsigned.text);
    const headers = { 'x-amz-content-sha256': 'a'.repeat(64) };
    const other = await api.call('PUT', '/-/vaults/body', { headers, body: 'x', signer });
    assertRefusal(other, 403, 'InvalidSignatureException', /does not match the computed payload hash/);
  });

  it('that was disabled, or whose secret a command made, is refused as usual', async () => {
    const made = await runMoraine(['key', 'create', '--data', server.data]);
    assert.equal(made.code, 0, made.errors);
    const [, id = ''] = /(AKIA[A-Z2-7]{16})/.exec(made.output) ?? [];
    const signer = { accessKeyId: id, secretAccessKey: 'x' };
    assert.equal((await apiOf(server).call('GET', '/-/vaults', { signer })).status, 403);
    assert.equal((await runMoraine(['key', 'disable', id, '--data', server.data])).code, 0);
    const disabled = await apiOf(server).call('GET', '/-/vaults', { signer });
    assert.ok(disabled.status === 400 || disabled.status === 403, disabled.text);
  });

  it('is an option of the emulator only', async () => {
    const folder = join(server.data, 'none');
    const args = ['serve', '--data', folder, '--listen', '127.0.0.1:0', '--emulator-any-key'];
    const { code, errors } = await runMoraine(args);
    assert.equal(code, 2);
    assert.match(errors, /^moraine: --emulator-any-key .*--emulator too\n$/);
    assert.equal(existsSync(folder), false);
  });

  it('is reported in the log', async () => {
    assert.match(server.errors(), /any unknown access key/);
  });
});
