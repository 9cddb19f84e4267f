import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiOf, assertEmpty, assertJson, assertRefusal } from '../support/api.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type Ended, runMoraine } from '../support/command.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { hashHeaders } from '../support/request.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { headText, Wire } from '../support/wire.ts';

/** Time after which a stopping server cuts open connections. */
const CUT_MS = 30_000;

let folder: string;
before(async () => {
  folder = await temporaryFolder();
});
after(() => rm(folder, { recursive: true, force: true }));

/** Asserts that the command ended with this code and a one-line reason. */
function assertEnded({ code, errors, output }: Ended, expected: number, reason: RegExp): void {
  assert.equal(code, expected, errors);
  assert.equal(output, '');
  assert.match(errors, /^[^\n]+\n$/);
  assert.match(errors, reason);
}

async function withServer(
  options: Parameters<typeof startServer>[0],
  test: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await startServer(options);
  try {
    await test(server);
  } finally {
    await server.stop();
  }
}

describe('the first start', () => {
  it('quotes the path of the credentials file for a shell, whatever the folder name', async () => {
    const data = join(folder, "it's my $data");
    await withServer({ data }, async ({ output, accessKeyId }) => {
      const [command = ''] = /^ *export AWS_SHARED.*$/m.exec(output) ?? [];
      const script = `${command}; cat "$AWS_SHARED_CREDENTIALS_FILE"`;
      assert.match(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), new RegExp(accessKeyId));
    });
  });

  it('creates and prints an account and a key, and stores secrets in files that only the owner can read', async () => {
    const data = join(folder, 'first');
    const first = await startServer({ data });
    assert.match(first.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(first.accountId, /^\d{12}$/);
    assert.match(first.accessKeyId, /^\w{16,128}$/);
    assert.equal((await stat(data)).mode & 0o077, 0);
    for (const name of ['root-credentials', 'master.key']) {
      assert.equal((await stat(join(data, name))).mode & 0o777, 0o600, name);
    }
    for (const name of ['catalog.sqlite', 'catalog.sqlite-wal']) {
      const bytes = await readFile(join(data, name));
      assert.equal(bytes.includes(first.secretAccessKey), false, `${name} contains the secret in plain text`);
    }
    assert.equal(first.errors().includes(first.secretAccessKey), false);
    await apiOf(first).createVault('v');
    await first.stop();

    const args = ['serve', '--data', data, '--account-id', '999999999999', '--log-level', 'silent'];
    const other = await runMoraine(args);
    assertEnded(other, 2, new RegExp(`999999999999.*${first.accountId}`));
    await withServer({ data, flags: ['--account-id', first.accountId] }, async (second) => {
      assert.equal(second.accountId, first.accountId);
      assert.equal(second.accessKeyId, first.accessKeyId);
      assertJson(await apiOf(second).call('GET', '/-/vaults/v'));
    });
  });
});

describe('a start without the catalog of the data', () => {
  it('keeps the old account’s secret, and prints the new one’s path', async () => {
    const data = join(folder, 'other-catalog');
    const [catalog, credentials] = [join(data, 'catalog.sqlite'), join(data, 'root-credentials')];
    await withServer({ data }, async () => {});
    const first = await readFile(credentials, 'utf8');
    await rename(catalog, join(folder, 'away.sqlite'));
    const flags = ['--accept-catalog'];
    await withServer({ data, flags }, async ({ accountId, output }) => {
      assert.match(output, new RegExp(`^secret: +in ${credentials}-${accountId}$`, 'm'));
    });
    assert.equal(await readFile(credentials, 'utf8'), first);
    await rename(join(folder, 'away.sqlite'), catalog);
    await withServer({ data, flags }, (server) => apiOf(server).createVault('v'));
    await rm(credentials);
    await withServer({ data }, async ({ output }) => {
      assert.match(output, /^secret: +in no file in the data folder; create one with `moraine key create`$/m);
      assert.doesNotMatch(output, /AWS_SHARED_CREDENTIALS_FILE/);
    });
  });
});

describe('root keys from the environment', () => {
  const keyOf = (id: string, secret: string) => ({
    MORAINE_ROOT_ACCESS_KEY_ID: `AKIA${id.repeat(16)}`,
    MORAINE_ROOT_SECRET_ACCESS_KEY: `secret/${secret.repeat(20)}`,
  });

  it('apply at each start, with the account that is set; the earlier key stops working', async () => {
    const data = join(folder, 'keys');
    const start = { data, flags: ['--account-id', '111122223333'] };
    let older: TestServer | undefined;
    for (const [id, secret] of [
      ['A', 'a'],
      ['B', 'b'],
    ] as const) {
      await withServer({ ...start, env: keyOf(id, secret) }, async (server) => {
        assert.deepEqual([server.accountId, server.accessKeyId], ['111122223333', `AKIA${id.repeat(16)}`]);
        assertEmpty(await apiOf(server).call('PUT', '/-/vaults/v'), 201);
        await assert.rejects(stat(join(data, 'root-credentials')), 'no file has a secret');
        if (older) {
          const { accessKeyId, secretAccessKey } = older;
          const answer = await apiOf(server).call('GET', '/-/vaults/v', {
            signer: { accessKeyId, secretAccessKey },
          });
          assertRefusal(answer, 400, 'UnrecognizedClientException', /./);
        }
        older = server;
      });
    }
    await withServer({ ...start, env: keyOf('B', 'c') }, async (server) => {
      assertJson(await apiOf(server).call('GET', '/-/vaults/v'));
      const signer = { secretAccessKey: keyOf('B', 'b').MORAINE_ROOT_SECRET_ACCESS_KEY };
      const answer = await apiOf(server).call('GET', '/-/vaults/v', { signer });
      assertRefusal(answer, 403, 'InvalidSignatureException', /does not match/);
    });
  });
});

describe('invalid settings', () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['--listen', '0.0.0.0:0'], /not loopback, so it needs TLS/],
    [['--complete-memory', '1 day'], /--complete-memory must be a duration/],
    [['--tls-cert', '/none', '--tls-key', '/none'], /cannot use the files of --tls-cert and --tls-key/],
    [['--nonsense'], /unknown option '--nonsense'/],
    [['extra'], /too many arguments/],
  ];

  it('end the start with exit code 2 and one line that names the setting', async () => {
    const data = join(folder, 'wrong');
    const ended = await Promise.all(wrong.map(([flags]) => runMoraine(['serve', '--data', data, ...flags])));
    for (const [i, end] of ended.entries()) assertEnded(end, 2, wrong[i]?.[1] ?? /./);
    await assert.rejects(stat(data), 'nothing was created');
  });

  it('are named in the same way from the environment and the settings file', async () => {
    const fromEnvironment = await runMoraine(['serve'], {
      MORAINE_UPLOAD_EXPIRY: 'never',
      MORAINE_DATA: join(folder, 'x'),
    });
    assertEnded(fromEnvironment, 2, /MORAINE_UPLOAD_EXPIRY must be a duration/);
    const data = join(folder, 'file');
    await mkdir(data);
    await writeFile(join(data, 'config.json'), '{"workers": "all"}');
    assertEnded(await runMoraine(['serve', '--data', data]), 2, /settings file: workers/);
  });
});

describe('an unusable database', () => {
  for (const [place, url] of [
    [' 127.0.0.1:1/archives', 'postgres://user:hunter2@127.0.0.1:1/archives'],
    [' localhost:1/archives', 'postgres://user:hunter2@localhost:1/archives'],
    ['', 'postgres://user:hunter2@[h/archives'],
  ] as const) {
    it(`is named in the refusal of the start, without the password: ${place || 'no URL'}`, async () => {
      const data = join(folder, `no-database${place.length}`);
      const ended = await runMoraine(['serve', '--data', data, '--listen', '127.0.0.1:0'], {
        MORAINE_CATALOG: url,
      });
      assertEnded(ended, 1, new RegExp(`the catalog's database${place} cannot be used: \\w+`));
      assert.doesNotMatch(ended.errors, /hunter2|AggregateError/);
    });
  }
});

describe('a data folder in use', () => {
  it('makes a second server exit with 3, and is usable again after a kill', async () => {
    const data = join(folder, 'shared');
    const first = await startServer({ data });
    const second = await runMoraine(['serve', '--data', data, '--log-level', 'silent']);
    assertEnded(second, 3, /another server is using the data folder/);
    assertJson(await apiOf(first).call('GET', '/-/vaults'));
    await first.kill();
    await withServer({ data }, async (third) => {
      assertJson(await apiOf(third).call('GET', '/-/vaults'));
    });
  });
});

describe('a port in use', () => {
  for (const workers of ['1', '2']) {
    it(`ends the start with exit code 1 and a line that names it, with ${workers} workers`, async () => {
      const holder = createServer();
      await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
      const { port } = holder.address() as AddressInfo;
      const data = join(folder, `port-${workers}`);
      const args = ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--workers', workers];
      const ended = await runMoraine([...args, '--log-level', 'silent']);
      holder.close();
      assertEnded(ended, 1, new RegExp(`EADDRINUSE.*${port}`));
    });
  }
});

describe('TLS', () => {
  it('is served on any address with certificate and key, which refuses plain HTTP', async () => {
    const { cert, key } = makeCertificate();
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key);
    const flags = ['--tls-cert', files.cert, '--tls-key', files.key, '--listen', '0.0.0.0:0'];
    await withServer({ flags }, async (server) => {
      assert.match(server.url, /^https:\/\/0\.0\.0\.0:\d+$/);
      const url = server.url.replace('0.0.0.0', 'localhost');
      const headers = apiOf({ ...server, url }).headersOf('PUT', '/-/vaults/v');
      const status = await new Promise((resolve, reject) => {
        const options = { method: 'PUT', ca: cert, headers, family: 4 };
        const outgoing = request(`${url}/-/vaults/v`, options, (response) =>
          resolve(response.resume().statusCode),
        );
        outgoing.on('error', reject).end();
      });
      assert.equal(status, 201);
      const wire = await Wire.open(server.url);
      wire.write('GET /_moraine/health HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await wire.untilClosed();
      assert.doesNotMatch(wire.received, /200 OK/);
    });
  });

  it('can be left to a proxy with --allow-plain-http', async () => {
    await withServer({ flags: ['--listen', '0.0.0.0:0', '--allow-plain-http'] }, async (server) => {
      assert.match(server.url, /^http:\/\/0\.0\.0\.0:\d+$/);
    });
  });
});

describe('a stopping server', () => {
  const body = patternBytes(2 * MIB);
  const target = '/-/vaults/v/archives';

  for (const workers of ['1', '2']) {
    it(`finishes requests in progress, accepts no new ones, and exits with 0, with ${workers} workers`, async () => {
      const data = join(folder, `stop-${workers}`);
      const server = await startServer({ data, flags: ['--workers', workers] });
      const api = apiOf(server);
      await api.createVault('v');
      const [wire, idle] = [await Wire.open(server.url), await Wire.open(server.url)];
      idle.write(headText('GET', '/-/vaults/v', api.headersOf('GET', '/-/vaults/v')));
      assertJson(await idle.answer());
      wire.write(headText('POST', target, api.headersOf('POST', target, { headers: hashHeaders(body) })));
      wire.write(body.subarray(0, MIB));
      const askedMs = performance.now();
      const stopped = server.stop();
      await eventually('no new connection is accepted', () =>
        Wire.open(server.url).then(
          (late) => late.destroy(),
          () => true,
        ),
      );
      await idle.untilClosed();
      wire.write(body.subarray(MIB));
      const answer = await wire.answer();
      assert.equal(answer.status, 201);
      assert.equal(await stopped, 0);
      const tookMs = performance.now() - askedMs;
      assert.ok(
        tookMs < CUT_MS,
        `the stop took ${tookMs} ms: it waited for an open connection until it cut it`,
      );
      await withServer({ data }, async (again) => {
        assert.equal(assertJson(await apiOf(again).call('GET', '/-/vaults/v'))['NumberOfArchives'], 1);
      });
    });
  }
});
