/** What a server does on signals and when npm ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { apiOf } from '../support/api.ts';
import { makeCertificate } from '../support/certificate.ts';
import { runMoraine } from '../support/command.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { MAIN } from '../support/program.ts';
import { hashHeaders } from '../support/request.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { headText, Wire } from '../support/wire.ts';

/** Long enough for a busy machine. */
const PATIENT_MS = 120_000;
const RETRY_MS = 10_000;

let folder: string;
before(async () => {
  folder = await temporaryFolder();
});
after(() => rm(folder, { recursive: true, force: true }));

/** The certificate that a new handshake gets, PEM without line ends. */
function presented({ url }: TestServer): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.raw.toString('base64') ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
    // Connections to a killed process get no answer, so they are retried.
    socket.setTimeout(RETRY_MS, () => socket.destroy(new Error('no handshake')));
  });
}

function freePort(): Promise<number> {
  const holder = createServer();
  return new Promise((resolve) => {
    holder.listen(0, '127.0.0.1', () => {
      const { port } = holder.address() as AddressInfo;
      holder.close(() => resolve(port));
    });
  });
}

/** Several handshakes in a row reach every serving process. */
async function allPresent(server: TestServer, cert: string): Promise<boolean> {
  const found = await Promise.all(Array.from({ length: 8 }, () => presented(server)));
  return found.every((raw) => raw === rawOf(cert));
}

const rawOf = (cert: string): string => cert.replace(/-----[^-]+-----|\n/g, '');

for (const workers of ['1', '2']) {
  describe(`SIGHUP, with ${workers} serving`, () => {
    it('renews the certificate, refuses a bad pair, and ends no process', async () => {
      const files = { cert: join(folder, `cert-${workers}.pem`), key: join(folder, `key-${workers}.pem`) };
      const write = async ({ cert, key }: { cert: string; key: string }): Promise<void> => {
        for (const [path, text] of [
          [files.cert, cert],
          [files.key, key],
        ] as const) {
          await writeFile(`${path}.new`, text);
          await rename(`${path}.new`, path);
        }
      };
      const [first, second, third] = [makeCertificate(), makeCertificate(), makeCertificate()];
      await write(first);
      // A fixed port, because a port chosen by the system is lost when all serving processes are killed.
      const listen = `127.0.0.1:${await freePort()}`;
      const flags = [
        '--tls-cert',
        files.cert,
        '--tls-key',
        files.key,
        '--workers',
        workers,
        '--listen',
        listen,
      ];
      const server = await startServer({ data: join(folder, `tls-${workers}`), flags });
      await eventually('the first pair is served', () => allPresent(server, first.cert), PATIENT_MS);

      await write(second);
      server.process.kill('SIGHUP');
      await eventually('the second pair is served', () => allPresent(server, second.cert), PATIENT_MS);

      await write({ cert: third.cert, key: first.key });
      server.process.kill('SIGHUP');
      await eventually(
        'the bad pair is refused',
        () => server.errors().includes('the certificate stays as it was'),
        PATIENT_MS,
      );
      assert.ok(await allPresent(server, second.cert));
      if (workers === '2') {
        for (const pid of await childrenOf(server)) process.kill(pid, 'SIGKILL');
        // The files now hold a bad pair, but the new processes must serve the last good one.
        await eventually(
          'other processes serve',
          () => allPresent(server, second.cert).catch(() => false),
          PATIENT_MS,
        );
      }

      await write(third);
      server.process.kill('SIGHUP');
      await eventually('the third pair is served', () => allPresent(server, third.cert), PATIENT_MS);
      assert.equal(await server.stop(), 0);
    });

    it('lets an upload in progress continue', async () => {
      const server = await startServer({
        data: join(folder, `hup-${workers}`),
        flags: ['--workers', workers],
      });
      const api = apiOf(server);
      await api.createVault('v');
      const [body, target] = [patternBytes(2 * MIB), '/-/vaults/v/archives'];
      const wire = await Wire.open(server.url);
      wire.write(headText('POST', target, api.headersOf('POST', target, { headers: hashHeaders(body) })));
      wire.write(body.subarray(0, MIB));
      server.process.kill('SIGHUP');
      for (const pid of await childrenOf(server)) process.kill(pid, 'SIGHUP');
      wire.write(body.subarray(MIB));
      assert.equal((await wire.answer()).status, 201);
      wire.destroy();
      assert.equal(await server.stop(), 0);
    });
  });
}

async function childrenOf({ process: { pid } }: TestServer): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

describe('two signals at once', () => {
  it('count as one: requests in progress are finished', async () => {
    const server = await startServer({ data: join(folder, 'twice') });
    const api = apiOf(server);
    await api.createVault('v');
    const [body, target] = [patternBytes(2 * MIB), '/-/vaults/v/archives'];
    const wire = await Wire.open(server.url);
    wire.write(headText('POST', target, api.headersOf('POST', target, { headers: hashHeaders(body) })));
    wire.write(body.subarray(0, MIB));
    // With one Ctrl-C, the terminal and npm each send a signal.
    server.process.kill('SIGINT');
    server.process.kill('SIGTERM');
    const stopped = server.stop();
    await eventually('it stops', () => server.errors().includes('"stopping"'), PATIENT_MS);
    wire.write(body.subarray(MIB));
    assert.equal((await wire.answer()).status, 201);
    assert.equal(await stopped, 0);
  });
});

describe('a second signal later', () => {
  it('makes a waiting stop end at once', async () => {
    const server = await startServer({ data: join(folder, 'later') });
    const wire = await Wire.open(server.url);
    // An unfinished head delays the stop.
    wire.write('GET /-/vaults HTTP/1.1\r\n');
    server.process.kill('SIGTERM');
    await eventually('it stops', () => server.errors().includes('"stopping"'), PATIENT_MS);
    const { process: child } = server;
    await eventually('it has ended', () => child.exitCode !== null || !child.kill('SIGTERM'), PATIENT_MS);
    assert.equal(child.exitCode, 1);
  });
});

describe('a server that npm started', () => {
  for (const [what, script] of [
    ['npm', 'exec "$@"'],
    ['npm’s shell', '"$@"; exit 0'],
  ] as const) {
    it(`stops when ${what} is killed`, async () => {
      const data = join(folder, `npm-${what.length}`);
      const args = [MAIN, 'serve', '--data', data, '--listen', '127.0.0.1:0', '--workers', '2'];
      // Stands in for npm: not a shell, but like npm it starts one.
      const launcher = `require('node:child_process').spawn('sh', ['-c', ${JSON.stringify(script)}, 'sh', process.execPath, ...${JSON.stringify(args)}], { stdio: 'inherit' })`;
      const npm = spawn(process.execPath, ['-e', launcher], {
        env: { ...process.env, npm_lifecycle_event: 'start' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [output, errors] = ['', ''];
      npm.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      npm.stderr.on('data', (chunk: Buffer) => {
        errors += chunk.toString();
      });
      const closed = new Promise((resolve) => npm.on('close', resolve));
      await eventually('it is ready', () => output.includes('moraine: ready on'), PATIENT_MS);
      npm.kill('SIGKILL');
      // Resolves when the last process that holds the pipes has ended.
      await closed;
      assert.match(errors, /"why":"npm, which started this server, ended"/);
      assert.match(errors, /"msg":"stopped"/);
    });
  }
});

describe('the log', () => {
  it('neither ends the server nor delays its stop when it cannot be written to', async () => {
    const full = await open('/dev/full', 'w');
    const args = [MAIN, 'serve', '--data', join(folder, 'full'), '--listen', '127.0.0.1:0', '--workers', '1'];
    const child = spawn(process.execPath, [...args, '--log-level', 'debug'], {
      stdio: ['ignore', 'pipe', full.fd],
    });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await eventually('it is ready', () => output.includes('moraine: ready on'), PATIENT_MS);
    const url = /ready on (\S+)/.exec(output)?.[1] ?? '';
    for (let i = 0; i < 5; i++) assert.equal((await fetch(`${url}/-/vaults`)).status, 400);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    await full.close();
  });

  it('has a line for the start and one for the stop', async () => {
    const server = await startServer({ data: join(folder, 'log') });
    await server.stop();
    const lines = server
      .errors()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const serving = lines.find(({ msg }) => msg === 'serving');
    const { output: version } = await runMoraine(['--version']);
    assert.equal(serving.version, version.trim());
    assert.deepEqual(
      [serving.data, serving.catalog, serving.url, serving.pid],
      [server.data, 'sqlite', server.url, server.process.pid],
    );
    assert.equal(lines.find(({ msg }) => msg === 'stopping').why, 'SIGTERM');
    assert.equal(typeof lines.find(({ msg }) => msg === 'stopped').ms, 'number');
  });

  it('is not needed for --version, which prints the version', async () => {
    const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
    const { code, output, errors } = await runMoraine(['--version']);
    assert.deepEqual([code, output, errors], [0, `${JSON.parse(text).version}\n`, '']);
  });
});
