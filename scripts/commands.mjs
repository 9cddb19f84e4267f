// Runs the project's commands on a fresh clone with Node.js 20 or newer: installs packages when the lockfile changed,
// builds what changed, and continues with the Node.js 24 that the packages include. This is JavaScript, because an older
// Node.js cannot run the TypeScript sources.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = `${ROOT}node_modules/node/bin/node`;
// Keeps memory flat: see src/app/serving-processes.ts.
const YOUNG_SPACE = '--max-semi-space-size=16';
const INSTALLED = `${ROOT}node_modules/.moraine-installed`;
/** Holds a digest of the sources from which `dist` was built. */
const BUILT = `${ROOT}dist/.sources`;
/** Holds a digest of the state of every file that a build reads or writes, as of the last time that all of it was looked at. */
const UNCHANGED = `${ROOT}dist/.unchanged`;
/** What a build depends on, besides `src`. */
const BUILD_FILES = ['package.json', 'package-lock.json', 'scripts/bundle.mjs', 'scripts/code-cache.ts'];
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
  const lock = digestOf(readFileSync(`${ROOT}package-lock.json`));
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

function digestOf(content) {
  return createHash('sha256').update(content).digest('hex');
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
  const inputs = stateOfInputs();
  if (contentOf(UNCHANGED) === digestOf(inputs + stateOfOutputs())) return;
  await install();
  await native();
  await bundle();
  // The inputs as they were before: a file that was changed meanwhile may not be in the build.
  writeFileSync(UNCHANGED, digestOf(inputs + stateOfOutputs()));
}

async function bundle() {
  const sources = digestOfSources();
  if (contentOf(BUILT) === sources) return;
  say('building');
  rmSync(BUILT, { force: true });
  await must(NODE, ['scripts/bundle.mjs']);
  writeFileSync(BUILT, sources);
}

/** A digest of everything that a build depends on. Uses contents, because a checkout changes times. */
function digestOfSources() {
  const hash = createHash('sha256');
  for (const path of [...filesIn('src'), ...BUILD_FILES]) {
    const content = readFileSync(ROOT + path);
    hash.update(`${path} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** The state of all that a build reads, the compiler of the native hash included. Reads no contents, so it is quick. */
function stateOfInputs() {
  const [compiler] = (process.env.CC || 'cc').split(/\s+/);
  const compilers = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, compiler));
  const native = filesIn('native').filter((path) => !path.startsWith('native/build/'));
  const files = [...filesIn('src'), ...native, ...BUILD_FILES].map((path) => ROOT + path);
  const others = [NODE, INSTALLED, compiler, ...compilers];
  return `${process.env.CC ?? ''}\n${[...files, ...others].map(stateOf).join('\n')}\n`;
}

function stateOfOutputs() {
  const built = filesIn('dist').filter((path) => !path.startsWith('dist/.'));
  return [...built, ...filesIn('native/build')].map((path) => stateOf(ROOT + path)).join('\n');
}

/** Changes when the file does: a program can set back the time of a change, but not that of the last status change. */
function stateOf(path) {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${path} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return `${path} missing`;
  }
}

/** Paths of all files in a folder, relative to the checkout, sorted. */
function filesIn(folder) {
  if (!existsSync(ROOT + folder)) return [];
  return readdirSync(ROOT + folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, path, name }) => `${parentPath ?? path}/${name}`.slice(ROOT.length))
    .sort();
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
