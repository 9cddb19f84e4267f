// Runs the project's commands on a fresh clone with Node.js 20 or newer: installs packages when the lockfile changed,
// builds what changed, and continues with the Node.js 24 that the packages include. This is JavaScript, because an older
// Node.js cannot run the TypeScript sources.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = `${ROOT}node_modules/node/bin/node`;
// Keeps memory flat: see src/app/serving-processes.ts.
const YOUNG_SPACE = '--max-semi-space-size=16';
const INSTALLED = `${ROOT}node_modules/.moraine-installed`;
/** Holds a digest of the sources from which `dist` was built. */
const BUILT = `${ROOT}dist/.sources`;
/** Whether npm runs this, and the process that started it. */
const BY_NPM = process.env.npm_lifecycle_event !== undefined;
const PARENT = process.ppid;

/** Prints to standard error: programs wait for the server's last line on standard output. */
function say(text) {
  process.stderr.write(`moraine: ${text}\n`);
}

/** Runs a program, and resolves with its exit code. Forwards signals to it. */
function run(program, args, options = {}, whenStarted = () => {}) {
  const child = spawn(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  whenStarted(child);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 1 : code));
  });
}

/** Like `run`, but ends this program with the same exit code on a failure. */
async function must(program, args, options) {
  const code = await run(program, args, options);
  if (code !== 0) process.exit(code);
}

/** Runs a script of a development package with the project's Node.js. */
const tool = (script, ...args) => must(NODE, [`node_modules/${script}`, ...args]);

/** Installs the packages of the lockfile, unless they are installed. */
async function install() {
  const lock = createHash('sha256')
    .update(readFileSync(`${ROOT}package-lock.json`))
    .digest('hex');
  if (existsSync(NODE) && contentOf(INSTALLED) === lock) return;
  say('installing the packages that package-lock.json names; this takes a minute or two');
  // Hides warnings about an older Node.js that runs npm: the packages run with their own.
  await must('npm', ['ci', '--include=dev', '--ignore-scripts=false', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (!existsSync(NODE)) {
    console.error('The package "node" did not install Node.js 24: does npm ignore install scripts?');
    process.exit(1);
  }
  writeFileSync(INSTALLED, lock);
}

/** The text of a file; undefined if it is missing. */
function contentOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Builds the native hash if its sources changed and there is a C compiler. The server works without it. */
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

/** A digest of everything that a build depends on. Uses contents, because a checkout changes times. */
function digestOfSources() {
  const names = readdirSync(`${ROOT}src`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, path, name }) => `${parentPath ?? path}/${name}`);
  const settings = ['package.json', 'package-lock.json', 'scripts/bundle.mjs', 'scripts/code-cache.ts'].map(
    (name) => ROOT + name,
  );
  const hash = createHash('sha256');
  for (const path of [...names.sort(), ...settings]) {
    const content = readFileSync(path);
    hash.update(`${path.slice(ROOT.length)} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** Runs the server, and stops it if npm is killed, which then forwards no signal. */
async function serve(flags) {
  const { ParentWatch } = await import('../dist/parent-watch.js');
  if (BY_NPM && process.ppid !== PARENT) {
    say('npm has ended, so the server is not started');
    return 1;
  }
  const watch = new ParentWatch();
  say('starting the server');
  return run(NODE, [YOUNG_SPACE, 'dist/main.js', 'serve', ...flags], {}, (child) => {
    if (BY_NPM) watch.schedule(() => child.kill('SIGTERM'));
  });
}

/**
 * Prepares `npm pack`: builds these sources, without older files, and the native hash for this platform. CI puts those
 * for other platforms into native/prebuilds.
 */
async function prepack() {
  rmSync(`${ROOT}dist`, { recursive: true, force: true });
  await build();
  // The types of the package's exports.
  await tool('typescript/bin/tsc', '-p', 'tsconfig.build.json');
  await native('--prebuild');
}

/** Removes the prebuilt native hash. It has precedence over one built here, and would become stale in a checkout. */
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
    // Scripts and their tests start the built program, as a user does.
    const env = { ...process.env, MORAINE_TEST_MAIN: `${ROOT}dist/main.js` };
    process.exit(await run(NODE, [script, ...args], { env }));
  },
};

/** Runs a command. @param argv its name and arguments. */
export async function runCommand([command, ...args]) {
  if (!Object.hasOwn(COMMANDS, command)) {
    console.error(`usage: node scripts/bootstrap.mjs ${Object.keys(COMMANDS).join('|')}`);
    process.exit(2);
  }
  await COMMANDS[command](...args);
}
