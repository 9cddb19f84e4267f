// Runs the project's commands on a fresh clone with any Node.js of 20 or newer: installs the packages when
// the lockfile changed, builds what changed, and goes on with the Node.js 24 that the packages bring. Plain JavaScript,
// because an older Node.js cannot run the TypeScript sources.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = `${ROOT}node_modules/node/bin/node`;
// Keeps memory flat: see src/app/serving-processes.ts.
const YOUNG_SPACE = '--max-semi-space-size=16';
const INSTALLED = `${ROOT}node_modules/.moraine-installed`;
/** Says which sources `dist` was built from. */
const BUILT = `${ROOT}dist/.sources`;
/** Whether npm runs this, and which process it was that began it. */
const BY_NPM = process.env.npm_lifecycle_event !== undefined;
const PARENT = process.ppid;

/** Standard output is the server's: programs wait for its last line. */
function say(text) {
  process.stderr.write(`moraine: ${text}\n`);
}

/** Runs a program and resolves with its exit code; signals that reach us are handed on. */
function run(program, args, options = {}, whenStarted = () => {}) {
  const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  whenStarted(child);
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
async function install() {
  const lock = createHash('sha256')
    .update(readFileSync(`${ROOT}package-lock.json`))
    .digest('hex');
  if (existsSync(NODE) && contentOf(INSTALLED) === lock) return;
  say('installing the packages that package-lock.json names; this takes a minute or two');
  // The older Node.js that may run npm here is not what the packages are for: no warnings about it.
  await must('npm', ['ci', '--include=dev', '--ignore-scripts=false', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (!existsSync(NODE)) {
    console.error('The package "node" did not bring Node.js 24: was npm told to ignore install scripts?');
    process.exit(1);
  }
  writeFileSync(INSTALLED, lock);
}

/** Undefined for a file that is not there. */
function contentOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Builds the native hash where there is a C compiler and its sources changed; the server works without. */
async function native(...flags) {
  await must(NODE, ['native/build.mjs', ...flags], { stdio: ['ignore', 2, 2] });
}

async function build() {
  await install();
  await native();
  const sources = digestOfSources();
  if (contentOf(BUILT) === sources) return;
  say('building');
  rmSync(BUILT, { force: true });
  await must(NODE, ['scripts/bundle.mjs']);
  writeFileSync(BUILT, sources);
}

/** Of what a build depends on: by content, because a checkout sets times anew. */
function digestOfSources() {
  const names = readdirSync(`${ROOT}src`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, path, name }) => `${parentPath ?? path}/${name}`);
  const settings = ['package.json', 'package-lock.json', 'scripts/bundle.mjs'].map((name) => ROOT + name);
  const hash = createHash('sha256');
  for (const path of [...names.sort(), ...settings]) {
    const content = readFileSync(path);
    hash.update(`${path.slice(ROOT.length)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** npm hands on no signal once it has been killed: then the server must stop all the same. */
async function serve(flags) {
  const { ParentWatch } = await import('../dist/parent-watch.js');
  if (BY_NPM && process.ppid !== PARENT) {
    say('npm has ended meanwhile, so no server is started');
    return 1;
  }
  const watch = new ParentWatch();
  say('starting the server');
  return run(NODE, [YOUNG_SPACE, 'dist/main.js', 'serve', ...flags], {}, (child) => {
    if (BY_NPM) watch.schedule(() => child.kill('SIGTERM'));
  });
}

/**
 * What `npm pack` ships: a build of these sources and nothing older, and the native hash for this platform beside
 * those for others that CI has put into native/prebuilds.
 */
async function prepack() {
  rmSync(`${ROOT}dist`, { recursive: true, force: true });
  await build();
  // The types of what the package exports.
  await tool('typescript/bin/tsc', '-p', 'tsconfig.build.json');
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
    process.exit(await serve(flags));
  },
  run: async (script, ...args) => {
    await build();
    // Scripts and the tests that they run start the program that was built, as a user does.
    const env = { ...process.env, MORAINE_TEST_MAIN: `${ROOT}dist/main.js` };
    process.exit(await run(NODE, [script, ...args], { env }));
  },
};

/** @param argv a command and its arguments. */
export async function runCommand([command, ...args]) {
  if (!Object.hasOwn(COMMANDS, command)) {
    console.error(`usage: node scripts/bootstrap.mjs ${Object.keys(COMMANDS).join('|')}`);
    process.exit(2);
  }
  await COMMANDS[command](...args);
}
