/**
 * Runs each sample of docs/proxies.md with its proxy: a real client works through it, and the proxy does not buffer
 * bodies.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  CompleteMultipartUploadCommand,
  CreateVaultCommand,
  DescribeVaultCommand,
  GetJobOutputCommand,
  GlacierClient,
  InitiateJobCommand,
  InitiateMultipartUploadCommand,
  ListVaultsCommand,
  UploadArchiveCommand,
  UploadMultipartPartCommand,
} from '@aws-sdk/client-glacier';
import { treeHash } from '../../src/treehash/index.ts';
import { apiOf } from '../support/api.ts';
import { makeCertificate } from '../support/certificate.ts';
import { onPath } from '../support/client-program.ts';
import { digestOf } from '../support/download.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { hashHeaders } from '../support/request.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { storeFiles } from '../support/store-files.ts';

const PAGE = fileURLToPath(new URL('../../docs/proxies.md', import.meta.url));
/** Larger than any buffer on the way, and larger than nginx accepts by default. */
const BODY = patternBytes(24 * MIB + 1);

/** Ports and paths, which must differ from those of the page. */
interface Place {
  readonly folder: string;
  readonly port: number;
  readonly upstream: string;
}

interface Proxy {
  readonly name: 'nginx' | 'caddy' | 'haproxy';
  /** A complete configuration that contains the sample. */
  configure(sample: string, place: Place): string;
  args(config: string, place: Place): readonly string[];
}

const PROXIES: readonly Proxy[] = [
  {
    name: 'nginx',
    configure: (sample, { folder, port }) =>
      [
        ...[
          'daemon off;',
          `pid ${folder}/nginx.pid;`,
          'error_log stderr;',
          'worker_processes 1;',
          'events {}',
        ],
        ...['http {', 'access_log off;', `client_body_temp_path ${folder}/body;`],
        ...[`proxy_temp_path ${folder}/proxy;`, `fastcgi_temp_path ${folder}/fastcgi;`],
        ...[sample.replace('listen 443', `listen 127.0.0.1:${port}`), '}'],
      ].join('\n'),
    args: (config, { folder }) => ['-p', folder, '-e', 'stderr', '-c', config],
  },
  {
    name: 'caddy',
    configure: (sample, { port }) =>
      `{\nadmin off\nauto_https disable_redirects\n}\n${sample.replace('archive.example.org {', `https://localhost:${port} {`)}`,
    args: (config) => ['run', '--adapter', 'caddyfile', '--config', config],
  },
  {
    name: 'haproxy',
    configure: (sample, { port }) => sample.replace('bind :443', `bind 127.0.0.1:${port}`),
    args: (config) => ['-db', '-f', config],
  },
];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The sample of the page, with names of this machine. @throws AssertionError if a name is missing. */
async function sampleOf(name: string, { folder, upstream }: Place): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  const sample = new RegExp(`^\`\`\`${name}\\n([^]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? '';
  assert.match(sample, /127\.0\.0\.1:4522/);
  assert.match(sample, /\/etc\/ssl\/archive\.example\.org\./);
  return sample
    .replaceAll('127.0.0.1:4522', upstream)
    .replaceAll('/etc/ssl/archive.example.org', `${folder}/archive`);
}

async function startProxy(proxy: Proxy, program: string, place: Place): Promise<ChildProcess> {
  const { cert, key } = makeCertificate();
  await writeFile(join(place.folder, 'archive.crt'), cert);
  await writeFile(join(place.folder, 'archive.key'), key);
  await writeFile(join(place.folder, 'archive.pem'), `${cert}\n${key}`);
  const config = join(place.folder, 'config');
  await writeFile(config, proxy.configure(await sampleOf(proxy.name, place), place));
  const env = { ...process.env, HOME: place.folder };
  const child = spawn(program, proxy.args(config, place), { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await eventually(`${proxy.name} to listen`, async () => {
    assert.equal(child.exitCode, null, `${proxy.name} ended: ${errors}`);
    return handshake(place.port);
  });
  return child;
}

function handshake(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false });
    socket.on('error', () => resolve(false));
    socket.on('secureConnect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

for (const proxy of PROXIES) {
  // Debian installs servers in a folder that is only on root's path.
  const program = onPath(proxy.name) ?? [`/usr/sbin/${proxy.name}`].find((path) => onPath(path));
  describe(`a client behind ${proxy.name}`, {
    skip: unlessPresent(program !== undefined, proxy.name),
  }, () => {
    let server: TestServer;
    let child: ChildProcess;
    let place: Place;
    let client: GlacierClient;
    const agent = new Agent({ rejectUnauthorized: false, keepAlive: true });
    const vault = { accountId: '-', vaultName: 'proxied' };

    before(async () => {
      server = await startServer();
      place = { folder: await temporaryFolder(), port: await freePort(), upstream: new URL(server.url).host };
      child = await startProxy(proxy, program ?? '', place);
      client = new GlacierClient({
        endpoint: `https://localhost:${place.port}`,
        region: 'us-east-1',
        credentials: server,
        maxAttempts: 1,
        requestHandler: { httpsAgent: agent },
      });
      await client.send(new CreateVaultCommand(vault));
    });
    after(async () => {
      client?.destroy();
      agent.destroy();
      const ended = new Promise((resolve) => child?.once('exit', resolve));
      if (child?.kill()) await ended;
      await server?.stop();
      if (place) await rm(place.folder, { recursive: true, force: true });
    });

    /** The headers of an upload of the body, signed for the proxy's address. */
    const headersFor = (more: Record<string, string> = {}) => {
      const api = apiOf({ ...server, url: `https://localhost:${place.port}` });
      return api.headersOf('POST', TARGET, { headers: { ...hashHeaders(BODY), ...more } });
    };

    it('uploads an archive and downloads it', async () => {
      const { archiveId } = await client.send(new UploadArchiveCommand({ ...vault, body: BODY }));
      const jobParameters = { Type: 'archive-retrieval', ArchiveId: archiveId };
      const { jobId } = await client.send(new InitiateJobCommand({ ...vault, jobParameters }));
      const { body, checksum } = await client.send(new GetJobOutputCommand({ ...vault, jobId }));
      assert.equal(checksum, treeHash(BODY));
      assert.equal(digestOf((await body?.transformToByteArray()) ?? new Uint8Array()), digestOf(BODY));
    });

    it('sends parts and query parameters', async () => {
      const size = { ...vault, partSize: String(16 * MIB) };
      const { uploadId } = await client.send(new InitiateMultipartUploadCommand(size));
      for (let at = 0; at < BODY.length; at += 16 * MIB) {
        const body = BODY.subarray(at, at + 16 * MIB);
        const range = `bytes ${at}-${at + body.length - 1}/*`;
        await client.send(new UploadMultipartPartCommand({ ...vault, uploadId, range, body }));
      }
      const whole = { archiveSize: String(BODY.length), checksum: treeHash(BODY) };
      await client.send(new CompleteMultipartUploadCommand({ ...vault, uploadId, ...whole }));
      const { VaultList } = await client.send(new ListVaultsCommand({ accountId: '-', limit: 1 }));
      assert.equal(VaultList?.length, 1);
      await client.send(new DescribeVaultCommand(vault));
    });

    it('has its body forwarded while it arrives', async () => {
      const outgoing = request({
        agent,
        port: place.port,
        host: 'localhost',
        method: 'POST',
        path: TARGET,
        headers: headersFor(),
      });
      const answered = new Promise<number>((resolve, reject) => {
        outgoing.on('error', reject);
        outgoing.on('response', (response) => resolve(response.resume().statusCode ?? 0));
      });
      outgoing.write(BODY.subarray(0, BODY.length >> 1));
      await eventually('a blob that is being written', async () => {
        return (await storeFiles(server.data)).incoming.length > 0;
      });
      outgoing.end(BODY.subarray(BODY.length >> 1));
      assert.equal(await answered, 201);
    });

    it('gets the reason of a refused upload', async () => {
      const headers = headersFor({ 'x-amz-sha256-tree-hash': 'a'.repeat(64) });
      const text = await new Promise<string>((resolve, reject) => {
        const options = { agent, port: place.port, host: 'localhost', method: 'POST', path: TARGET, headers };
        const outgoing = request(options, (response) => {
          let received = '';
          response.on('data', (chunk: Buffer) => {
            received += chunk.toString();
          });
          response.on('end', () => resolve(`${response.statusCode} ${received}`));
        });
        outgoing.on('error', reject);
        outgoing.end(BODY);
      });
      assert.match(text, /^400 .*Checksum mismatch/);
    });

    it('may send headers of 15 KiB', async () => {
      const api = apiOf({ ...server, url: `https://localhost:${place.port}` });
      const long = Object.fromEntries([1, 2, 3].map((i) => [`x-long-${i}`, 'x'.repeat(5000)]));
      const headers = api.headersOf('GET', '/-/vaults', { headers: long });
      const status = await new Promise<number>((resolve, reject) => {
        const options = { agent, port: place.port, host: 'localhost', path: '/-/vaults', headers };
        const outgoing = request(options, (response) => resolve(response.resume().statusCode ?? 0));
        outgoing.on('error', reject);
        outgoing.end();
      });
      assert.equal(status, 200);
    });
  });
}

const TARGET = '/-/vaults/proxied/archives';
