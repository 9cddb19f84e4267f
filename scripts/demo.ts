/**
 * `npm run demo`: shows the main job from end to end. Starts a server on a temporary folder and a free port, uploads a
 * file in parts and out of order with the official SDK, completes the upload, and completes it again. Exits with 0 only
 * if every comparison holds, and leaves nothing behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateVaultCommand,
  GlacierClient,
  InitiateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadMultipartPartCommand,
} from '@aws-sdk/client-glacier';
import { treeHash } from '../src/treehash/index.ts';
import { MIB, patternBytes } from '../test/support/pattern.ts';
import { MAIN } from '../test/support/program.ts';

const SIZE = 3.5 * MIB;
/** Sends the short last part first, to show that the order of arrival does not matter. */
const ORDER = [3, 1, 2, 0];
/** The tree hash of the pattern's first 3.5 MiB, computed with another program. */
const KNOWN_TREE_HASH = '8b085357c2f2b4081613a011f1632d0a43d3221787955c1e0b22a89703e59a14';
const VAULT = { accountId: '-', vaultName: 'demo' };

interface DemoServer {
  readonly url: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** What the demo removes at its end, even after a failure. */
const folder = mkdtempSync(join(tmpdir(), 'moraine-demo-'));
let child: ChildProcess | undefined;

function cleanUp(): void {
  child?.kill('SIGKILL');
  // Retries, because the killed server may still finish a write.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    cleanUp();
    process.exit(code);
  });
}

try {
  say('Moraine demo: a file of 3.5 MiB in parts of 1 MiB, with @aws-sdk/client-glacier.\n');
  await runDemo(await startServer());
  await stopServer();
  say('\nEverything agrees.');
} catch (error) {
  say(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  cleanUp();
}

async function runDemo({ url, credentials }: DemoServer): Promise<void> {
  // Ignores the environment, which may have settings for the real service.
  const client = new GlacierClient({ endpoint: url, region: 'us-east-1', credentials });
  const file = join(folder, 'archive.bin');
  const bytes = patternBytes(SIZE);
  writeFileSync(file, bytes);
  row('server', url);

  const { location } = await client.send(new CreateVaultCommand(VAULT));
  row('vault', location);
  const uploadId = await uploadParts(client, file);
  agree('the upload is in progress', await uploadsInProgress(client), [uploadId]);

  const whole = { archiveSize: String(SIZE), checksum: treeHash(bytes) };
  const complete = () => client.send(new CompleteMultipartUploadCommand({ ...VAULT, uploadId, ...whole }));
  const first = await complete();
  row('Complete', `archive ${first.archiveId}`);
  const second = await complete();
  row('Complete again', `archive ${second.archiveId}`);
  agree(
    'both gave an archive id, the same one',
    [second.archiveId],
    [required(first.archiveId, 'archive id')],
  );
  agree('no upload is in progress any more', await uploadsInProgress(client), []);

  say('');
  row('archive id', first.archiveId);
  row('tree hash', first.checksum);
  row('known vector', KNOWN_TREE_HASH);
  agree(
    'the tree hash is that of the known vector',
    [first.checksum, second.checksum],
    [KNOWN_TREE_HASH, KNOWN_TREE_HASH],
  );
}

/** Sends the parts of the file, out of order. @returns the upload's id. */
async function uploadParts(client: GlacierClient, file: string): Promise<string> {
  const initiated = await client.send(
    new InitiateMultipartUploadCommand({ ...VAULT, partSize: String(MIB), archiveDescription: 'demo' }),
  );
  const uploadId = required(initiated.uploadId, 'upload id');
  row('upload', uploadId);
  for (const index of ORDER) {
    const [start, end] = [index * MIB, Math.min((index + 1) * MIB, SIZE) - 1];
    const part = { range: `bytes ${start}-${end}/*`, body: createReadStream(file, { start, end }) };
    const { checksum } = await client.send(new UploadMultipartPartCommand({ ...VAULT, uploadId, ...part }));
    row(`part ${index + 1}`, `${checksum} ${part.range}`);
  }
  return uploadId;
}

async function uploadsInProgress(client: GlacierClient): Promise<(string | undefined)[]> {
  const { UploadsList = [] } = await client.send(new ListMultipartUploadsCommand(VAULT));
  return UploadsList.map((upload) => upload.MultipartUploadId);
}

/** Starts a server and waits until it is ready. @throws Error with its output if it ends instead. */
function startServer(): Promise<DemoServer> {
  const credentials = {
    accessKeyId: 'MORAINEDEMOACCESSKEY',
    secretAccessKey: randomBytes(30).toString('hex'),
  };
  const args = ['serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0', '--workers', '1'];
  const server = spawn(process.execPath, [MAIN, ...args], {
    env: {
      ...withoutSettings(process.env),
      MORAINE_ROOT_ACCESS_KEY_ID: credentials.accessKeyId,
      MORAINE_ROOT_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = server;
  return new Promise((resolve, reject) => {
    let output = '';
    let errors = '';
    server.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    server.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const url = /^moraine: ready on (\S+)$/m.exec(output)?.[1];
      if (url !== undefined) resolve({ url, credentials });
    });
    server.on('error', reject);
    server.on('exit', (code) => reject(new Error(`the server ended with exit code ${code}: ${errors}`)));
  });
}

/** The environment without Moraine's settings: the demo must not touch another server's data folder or database. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('MORAINE_')));
}

/** Stops the server as a supervisor does. @throws Error if it ends with a failure. */
async function stopServer(): Promise<void> {
  const ended = new Promise((resolve) => child?.on('exit', resolve));
  child?.kill('SIGTERM');
  agree('the server stops when asked', [await ended], [0]);
}

/** Compares two values, and prints that they are equal. @throws Error with both if they are not. */
function agree(what: string, found: readonly unknown[], wanted: readonly unknown[]): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`not true: ${what}: ${left} instead of ${right}`);
  row('', `ok: ${what}`);
}

function required(value: string | undefined, what: string): string {
  if (value) return value;
  throw new Error(`the server returned no ${what}`);
}

function row(name: string, text: string | undefined): void {
  say(`${name.padEnd(16)}${text ?? '(nothing)'}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
