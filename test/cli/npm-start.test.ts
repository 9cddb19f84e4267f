/** `npm start` in a checkout, and the contents of the package. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, cp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/poll.ts';
import { temporaryFolder } from '../support/server.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Long enough for a build on a busy machine. */
const PATIENT_MS = 600_000;
const BOOTSTRAP = ['bootstrap.mjs', 'commands.mjs', 'bundle.mjs', 'code-cache.ts'].map(
  (name) => `scripts/${name}`,
);

interface Run {
  readonly child: ChildProcess;
  output(): string;
  readonly closed: Promise<number | null>;
}

function run(program: string, args: readonly string[], cwd: string, env = process.env): Run {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return { child, output: () => output, closed: new Promise((resolve) => child.on('close', resolve)) };
}

describe('a checkout', () => {
  let checkout: string;
  before(async () => {
    checkout = await temporaryFolder();
    const names = ['src', 'native', 'package.json', 'package-lock.json'];
    for (const name of [...names, ...BOOTSTRAP])
      await cp(join(ROOT, name), join(checkout, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  });
  after(() => rm(checkout, { recursive: true, force: true }));

  async function build(): Promise<string> {
    const { closed, output } = run(process.execPath, ['scripts/bootstrap.mjs', 'build'], checkout);
    assert.equal(await closed, 0, output());
    return output();
  }
  const writtenMs = async (path: string) => (await stat(join(checkout, path))).mtimeMs;

  it('is built once, and rebuilt when a source has changed', async () => {
    assert.match(await build(), /^moraine: building$/m);
    const built = await writtenMs('dist/main.js');
    assert.equal(await build(), '');
    assert.equal(await writtenMs('dist/main.js'), built);
    await appendFile(join(checkout, 'src/launch/built.ts'), "\nconsole.log('CHANGED_BY_A_TEST');\n");
    assert.match(await build(), /^moraine: building$/m);
    assert.match(await readFile(join(checkout, 'dist/main.js'), 'utf8'), /CHANGED_BY_A_TEST/);
    await rm(join(checkout, 'dist'), { recursive: true });
    assert.match(await build(), /^moraine: building$/m);
    assert.match(await readFile(join(checkout, 'dist/main.js'), 'utf8'), /runProgram/);
    const programs = (await readdir(join(checkout, 'dist'))).filter((name) => name.startsWith('program-'));
    assert.deepEqual(
      programs.map((name) => extname(name)),
      ['.cache', '.cjs'],
    );
  });

  it('reports the build, and stops its server when npm is killed', async () => {
    const args = [
      'scripts/bootstrap.mjs',
      'start',
      '--data',
      join(checkout, 'data'),
      '--listen',
      '127.0.0.1:0',
    ];
    // Stands in for npm, and is not a shell.
    const launcher = `require('node:child_process').spawn(process.execPath, ${JSON.stringify(args)}, { stdio: 'inherit' })`;
    const env = { ...process.env, npm_lifecycle_event: 'start' };
    const npm = run(process.execPath, ['-e', launcher], checkout, env);
    await eventually('it is ready', () => npm.output().includes('moraine: ready on'), PATIENT_MS);
    assert.match(npm.output(), /^moraine: starting the server$/m);
    npm.child.kill('SIGKILL');
    await npm.closed;
    assert.match(npm.output(), /"msg":"stopped"/);
  });
});

describe('an old Node.js', () => {
  it('is refused with one line, before it parses newer syntax', async () => {
    // An old Node.js reads only this file, so it must be able to parse all of it.
    const text = await readFile(join(ROOT, 'scripts/bootstrap.mjs'), 'utf8');
    assert.doesNotMatch(text, /^import |\?\.|\?\?|await /m);
    const old = "Object.defineProperty(process.versions, 'node', { value: '18.20.8' });";
    const args = [
      '--import',
      `data:text/javascript,${encodeURIComponent(old)}`,
      'scripts/bootstrap.mjs',
      'start',
    ];
    const { closed, output } = run(process.execPath, args, ROOT);
    assert.equal(await closed, 2);
    assert.match(
      output(),
      /^moraine: needs Node\.js 20 or newer to begin with, and this is 18\.20\.8 [^\n]+\n$/,
    );
  });
});

describe('a package', () => {
  it('contains the second reader, and of a build only what runs', async () => {
    const { closed, output } = run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], ROOT);
    assert.equal(await closed, 0, output());
    assert.match(output(), /"scripts\/read-store\.py"/);
    assert.match(output(), /"docs\/format\.md"/);
    assert.doesNotMatch(output(), /"(dist\/\.|test|src)/);
  });
});
