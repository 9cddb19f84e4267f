// Runs the project's commands on a fresh clone with any Node.js of 20 or newer: installs the packages when
// the lockfile changed, then goes on with the Node.js 24 that they bring. Plain JavaScript, because an older
// Node.js cannot run the TypeScript sources.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = `${ROOT}node_modules/node/bin/node`;
// Keeps memory flat: see src/app/serving-processes.ts.
const YOUNG_SPACE = '--max-semi-space-size=16';
const STAMP = `${ROOT}node_modules/.moraine-installed`;

/** Runs a program and resolves with its exit code; signals that reach us are handed on. */
export function run(program, args, options = {}) {
  const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 1 : code));
  });
}

/** Like `run`, but a failure ends this program with the same exit code. */
async function must(program, args, options) {
  const code = await run(program, args, options);
  if (code !== 0) process.exit(code);
}

/** Runs a script of a development package under the project's own Node.js. */
const tool = (script, ...args) => must(NODE, [`node_modules/${script}`, ...args]);

/** Installs exactly what the lockfile says, once for each state of the lockfile. */
export async function install() {
  const lock = createHash('sha256')
    .update(readFileSync(`${ROOT}package-lock.json`))
    .digest('hex');
  if (existsSync(STAMP) && existsSync(NODE) && readFileSync(STAMP, 'utf8') === lock) return;
  // The older Node.js that may run npm here is not what the packages are for: no warnings about it.
  await must('npm', ['ci', '--include=dev', '--ignore-scripts=false', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (!existsSync(NODE)) {
    console.error('The package "node" did not bring Node.js 24: was npm told to ignore install scripts?');
    process.exit(1);
  }
  writeFileSync(STAMP, lock);
}

/** Builds the native hash where there is a C compiler; the server works without. */
async function native(...flags) {
  await must(NODE, ['native/build.mjs', ...flags], { stdio: ['ignore', 2, 2] });
}

export async function build() {
  await install();
  await native();
  await tool('typescript/bin/tsc', '-p', 'tsconfig.build.json');
}

/**
 * What `npm pack` ships: a build of these sources and nothing older, and the native hash for this platform beside
 * those for others that CI has put into native/prebuilds.
 */
async function prepack() {
  rmSync(`${ROOT}dist`, { recursive: true, force: true });
  await build();
  await native('--prebuild');
}

/** A prebuilt native hash is preferred to one that is built here: in a checkout it would go stale. */
function postpack() {
  rmSync(`${ROOT}native/prebuilds/${process.platform}-${process.arch}.node`, { force: true });
}

async function check() {
  await install();
  await tool('typescript/bin/tsc', '-p', 'tsconfig.json');
  await tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings');
  await tool(
    'dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    'src',
    'test',
    'scripts',
    'bench',
  );
  await tool('knip/bin/knip.js');
}

const COMMANDS = {
  build,
  check,
  prepack,
  postpack,
  start: async (...flags) => {
    await build();
    process.exit(await run(NODE, [YOUNG_SPACE, 'dist/main.js', 'serve', ...flags]));
  },
  run: async (script, ...args) => {
    await install();
    await native();
    process.exit(await run(NODE, [script, ...args]));
  },
};

const [command, ...args] = process.argv.slice(2);
if (!Object.hasOwn(COMMANDS, command)) {
  console.error(`usage: node scripts/bootstrap.mjs ${Object.keys(COMMANDS).join('|')}`);
  process.exit(2);
}
await COMMANDS[command](...args);
