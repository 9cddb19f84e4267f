/**
 * The commands of README.md and docs/: the test runs those that can run unattended, and compares all others with the
 * help.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { environmentName, SETTINGS } from '../../src/config/settings.ts';
import { apiOf } from '../support/api.ts';
import { isProgram, onPath } from '../support/client-program.ts';
import { runMoraine } from '../support/command.ts';
import { startEmulator } from '../support/emulator.ts';
import { createDatabase, skipWithoutPostgres } from '../support/postgres.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const AWS = process.env['MORAINE_TEST_AWS'] ?? onPath('aws') ?? '';
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';
const hasBoto3 = spawnSync(PYTHON, ['-c', 'import boto3']).status === 0;

/** Looks like a command, but is the `info` of a key derivation (docs/audit.md). */
const KEY_INFO = 'moraine audit chain';

/** Pages by their paths in the project. */
async function pages(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md'));
  const paths = ['README.md', ...names.map((name) => `docs/${name}`)];
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(ROOT, path), 'utf8')] as const)),
  );
}

/** The code blocks of a language; commands have an empty one. */
function blocksOf(page: string, language = ''): string[] {
  return [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, of]) => of === language)
    .map(([, , text = '']) => text);
}

/** The only block of a page that contains this text. */
async function blockWith(path: string, text: string, language = ''): Promise<string> {
  const found = blocksOf(await readFile(join(ROOT, path), 'utf8'), language).filter((one) =>
    one.includes(text),
  );
  assert.equal(found.length, 1, `${found.length} blocks of ${path} have ${text}`);
  return found[0] ?? '';
}

/** Commands of all pages, one line each: those in code blocks and those between backquotes. */
async function commands(): Promise<{ path: string; line: string }[]> {
  const all: { path: string; line: string }[] = [];
  for (const [path, page] of await pages()) {
    const indented = [...page.matchAll(/^ {4}(?=\S)(.*)$/gm)].map(([, line = '']) => line);
    const inline = [...page.matchAll(/`([^`\n]+)`/g)].map(([, line = '']) => line);
    const block = blocksOf(page).join('').replaceAll('\\\n', ' ').split('\n');
    for (const line of [...indented, ...inline, ...block])
      all.push({ path, line: line.replace(/\s#.*$/, '').trim() });
  }
  return all;
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program in a folder, to its end. */
function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

/** Runs commands in one shell that ends at the first failure. */
async function shell(script: string, cwd: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const { code, output } = await run('bash', ['-euo', 'pipefail', '-c', script], cwd, env);
  assert.equal(code, 0, output);
  return output;
}

describe('the commands in the pages', () => {
  const helps = new Map<string, Promise<string>>();
  /** The help of a subcommand, or of the program. */
  const helpOf = (subcommand: readonly string[]): Promise<string> => {
    const name = subcommand.join(' ');
    const known = helps.get(name) ?? runMoraine([...subcommand, '--help']).then(({ output }) => output);
    helps.set(name, known);
    return known;
  };

  /** Asserts that the words begin with an existing subcommand, and that it has all the flags. */
  async function assertCommand(words: readonly string[], shown: string): Promise<void> {
    const name: string[] = [];
    for (const word of words) {
      const help = await helpOf(name);
      if (!help.includes('\nCommands:\n')) break;
      if (!/^[a-z-]+$/.test(word) || word.startsWith('-')) break;
      assert.match(help, new RegExp(`^ {2}${word}\\b`, 'm'), `${shown}: there is no command ${word}`);
      name.push(word);
    }
    for (const flag of words
      .filter((word) => word.startsWith('--'))
      .map((word) => word.split('=', 1)[0] ?? ''))
      assert.ok(
        `${await helpOf(name)} `.includes(`${flag} `) || flag === '--help',
        `${shown}: there is no ${flag}`,
      );
  }

  it('exist on the command line', async () => {
    let found = 0;
    for (const { path, line } of await commands()) {
      const [, given = ''] =
        /^(?:\w+=\S+ )*(?:npx (?:node dist\/main\.js|moraine)|(?:bin\/)?moraine)(?: (.*))?$/.exec(line) ?? [];
      if (given === '' || line === KEY_INFO) continue;
      found++;
      await assertCommand(given.split(/\s+/), `${path}: ${line}`);
    }
    assert.ok(found > 20, `${found} commands`);
  });

  it('name existing scripts, flags, variables and files', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    let found = 0;
    for (const { path, line } of await commands()) {
      const shown = `${path}: ${line}`;
      const [, script, , flags] = /^(?:\w+=\S+ )*npm (?:run )?([a-z0-9-]+)( -- (.*))?$/.exec(line) ?? [];
      if (script !== undefined && !['pack', 'install', 'ci', 'i'].includes(script)) {
        assert.ok(Object.hasOwn(scripts, script), shown);
        if (flags !== undefined && ['start', 'dev'].includes(script))
          await assertCommand(['serve', ...flags.split(/\s+/)], shown);
        found++;
      }
      for (const [name] of line.matchAll(/\bMORAINE_(?!TEST_)[A-Z_]+\b/g))
        assert.ok(
          Object.keys(SETTINGS).some((one) => environmentName(one) === name),
          shown,
        );
      const [, file] = /^(?:python3 )?((?:scripts|src|test|docs|bench)\/[\w./-]+\.\w+)/.exec(line) ?? [];
      if (file !== undefined) assert.ok(existsSync(join(ROOT, file)), shown);
    }
    assert.ok(found > 10, `${found} commands`);
  });

  it('are on pages whose links lead to existing pages', async () => {
    for (const [path, page] of await pages())
      for (const [, target = ''] of page.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^https?:/.test(target)) continue;
        assert.ok(existsSync(resolve(ROOT, dirname(path), target)), `${path} points to ${target}`);
      }
  });
});

describe('the blocks of the README', () => {
  let server: TestServer;
  let folder: string;
  before(async () => {
    server = await startServer();
    folder = await temporaryFolder();
    await symlink(server.data, join(folder, 'moraine-data'));
  });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const here = (block: string): string => {
    assert.match(block, /http:\/\/127\.0\.0\.1:4522/);
    return block.replaceAll('http://127.0.0.1:4522', server.url);
  };

  it('work as pasted, with aws cli', { skip: unlessPresent(isProgram(AWS), 'aws cli') }, async () => {
    const begin = await blockWith('README.md', 'create-vault');
    const end = await blockWith('README.md', 'get-job-output');
    const env = { PATH: `${dirname(AWS)}:${process.env['PATH']}`, AWS_PAGER: '', AWS_MAX_ATTEMPTS: '1' };
    const output = await shell(`${here(begin)}\n${end}`, folder, env);
    assert.match(output, /"VaultName": "photos"/);
    assert.equal(await readFile(join(folder, 'back.txt'), 'utf8'), 'Hello World!\n');
  });

  it('work as pasted, with boto3', { skip: unlessPresent(hasBoto3, 'boto3') }, async () => {
    const block = await blockWith('README.md', 'import boto3', 'python');
    const env = { AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'root-credentials') };
    const { code, output } = await run(PYTHON, ['-c', here(block)], folder, env);
    assert.equal(code, 0, output);
    assert.match(output, /^[\w-]{138} b'Hello World!'\n$/);
  });

  it('work as pasted, with the SDK for JavaScript', async () => {
    // Node.js looks for packages from the folder of the file.
    const file = join(ROOT, 'node_modules', `.readme-${process.pid}.mjs`);
    await writeFile(file, here(await blockWith('README.md', '@aws-sdk/client-glacier', 'js')));
    try {
      const env = { AWS_SHARED_CREDENTIALS_FILE: join(server.data, 'root-credentials') };
      const { code, output } = await run(process.execPath, [file], folder, env);
      assert.equal(code, 0, output);
      assert.match(output, /^[\w-]{138} [0-9a-f]{64}$/m);
    } finally {
      await rm(file);
    }
  });
});

describe('the blocks of a backup', {
  skip: unlessPresent(onPath('sqlite3') !== undefined, 'sqlite3'),
}, () => {
  it('work as pasted, and the copy is whole', async () => {
    const copy = await blockWith('docs/operating.md', 'sqlite3 ');
    await assertBackupWhole({ copy });
  });

  it('work as pasted with PostgreSQL, and the copy is whole', {
    skip: skipWithoutPostgres() || unlessPresent(onPath('pg_dump') !== undefined, 'pg_dump'),
  }, async () => {
    const copy = (await blockWith('docs/operating.md', 'sqlite3 ')).split('\n');
    const dump = (await blockWith('docs/operating.md', 'pg_dump ')).trim();
    const script = copy.map((line) => (line.startsWith('sqlite3 ') ? dump : line)).join('\n');
    const load = await blockWith('docs/operating.md', 'psql ');
    const database = await createDatabase();
    const fresh = await createDatabase();
    try {
      const catalogs = { catalog: database.url, restoredCatalog: fresh.url };
      await assertBackupWhole({ copy: script, load, ...catalogs });
    } finally {
      await database.drop();
      await fresh.drop();
    }
  });
});

interface PastedBackup {
  /** The commands that make the copy. */
  readonly copy: string;
  /** The command that loads a dump into `restoredCatalog`. */
  readonly load?: string;
  readonly catalog?: string;
  readonly restoredCatalog?: string;
}

const catalogSetting = (url: string | undefined): Record<string, string> =>
  url === undefined ? {} : { MORAINE_CATALOG: url };

/** Makes a backup of a running server as the docs say, checks it, restores it, and serves it. */
async function assertBackupWhole({ copy, load, catalog, restoredCatalog }: PastedBackup): Promise<void> {
  const server = await startServer({ env: catalogSetting(catalog) });
  const folder = await temporaryFolder();
  const here = (script: string): string => script.replaceAll('/backup/', `${folder}/backup/`);
  try {
    await symlink(server.data, join(folder, 'moraine-data'));
    await symlink(join(ROOT, 'scripts'), join(folder, 'scripts'));
    await apiOf(server).createVault('kept');
    await apiOf(server).upload('kept', 'Hello World!');
    const check = await blockWith('docs/operating.md', 'python3 scripts/read-store.py');
    assert.match(copy, /\/backup\//);
    const script = here(`${copy}\n${check}`);
    assert.match(await shell(script, folder, catalogSetting(catalog)), /1 archives?/);
    await mkdir(join(folder, 'restored'));
    await shell('cp -a backup/moraine/. restored/', folder);
    if (load !== undefined)
      await shell(here(load).replace('postgres://USER@HOST:PORT/NEWDATABASE', restoredCatalog ?? ''), folder);
    const restored = await startServer({
      data: join(folder, 'restored'),
      env: catalogSetting(restoredCatalog),
    });
    const { accessKeyId, secretAccessKey } = server;
    const answer = await apiOf({ ...restored, accessKeyId, secretAccessKey }).call('GET', '/-/vaults/kept');
    assert.equal(answer.json()['NumberOfArchives'], 1, answer.text);
    await restored.stop();
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

describe('the blocks of the emulator', { skip: unlessPresent(onPath('curl') !== undefined, 'curl') }, () => {
  it('work as pasted', async () => {
    const server = await startEmulator();
    try {
      const page = await readFile(join(ROOT, 'docs/emulator.md'), 'utf8');
      const script = blocksOf(page)
        .filter((block) => block.includes('curl '))
        .join('\n');
      assert.ok(script.split('curl ').length > 12);
      assert.match(script, /http:\/\/127\.0\.0\.1:4522/);
      const failing = 'curl() { command curl -sS --fail-with-body "$@"; echo; }';
      const output = await shell(
        `${failing}\n${script.replaceAll('http://127.0.0.1:4522', server.url)}`,
        server.data,
      );
      const states = output.trim().split('\n');
      const { faults } = JSON.parse(states.at(-1) ?? '');
      assert.equal(faults.length, 4);
    } finally {
      await server.stop();
    }
  });
});
