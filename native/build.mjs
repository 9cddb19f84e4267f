/**
 * Builds the native hash: `node native/build.mjs` writes native/build/sha256.<platform>-<arch>.node.
 *
 *   --prebuild   write native/prebuilds/<platform>-<arch>.node instead, which a package may ship
 *   --arch=ARCH  for another processor (x64, arm64), with a cross compiler in CC
 *   --sanitize   build with the address and undefined-behaviour sanitizers (Node must preload their library)
 *   --output=FILE  write this file instead
 *   --check      build native/build/check.<platform>-<arch> instead: the C checks without Node (check.c)
 *
 * Does nothing if the result was built from the same sources with the same options.
 *
 * Without a C compiler, or for a platform without a native hash, it says so in one line and succeeds: the server works
 * without the native hash.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));

/** The kernel sources of each processor, each with the compiler flags for its instructions. */
const KERNELS = {
  x64: [
    ['sha256_x86.c', '-msha', '-msse4.1'],
    ['sha256_avx512.c', '-mavx512f', '-mavx512bw'],
    ['sha256_avx512_pair.S'],
  ],
  arm64: [['sha256_arm.c', '-march=armv8-a+crypto']],
};

/** What the addon and the C checks share: no Node-API. */
const COMMON = [['sha256.c'], ['file_io.c']];
const CHECK = [['check.c']];
const ADDON = ['arguments.c', 'hasher.c', 'jobs.c', 'addon.c'];

const FLAGS = [
  '-std=c11',
  '-O3',
  '-fPIC',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Wpedantic',
  '-Wshadow',
];
const SANITIZE_FLAGS = ['-g', '-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'];

const { values: options } = parseArgs({
  options: {
    prebuild: { type: 'boolean', default: false },
    sanitize: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    arch: { type: 'string', default: process.arch },
    output: { type: 'string' },
  },
});

process.exitCode = build();

function build() {
  const kernels = KERNELS[options.arch];
  if (process.platform === 'win32' || kernels === undefined) {
    return skip(`there is none for ${process.platform}-${options.arch}`);
  }
  const [cc, ...ccFlags] = (process.env.CC || 'cc').split(/\s+/);
  if (spawnSync(cc, ['--version'], { stdio: 'ignore' }).status !== 0)
    return skip(`no C compiler (${cc}) was found`);

  const target = targetFile();
  const wanted = digestOfSources([cc, ...ccFlags]);
  const stamp = `${target}.sources`;
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 0;
  mkdirSync(dirname(target), { recursive: true });
  rmSync(stamp, { force: true });
  // In the target's folder, so that the last step is a rename: a running server keeps the file that it has mapped.
  const scratch = mkdtempSync(join(dirname(target), '.building-'));
  try {
    const flags = [...ccFlags, ...FLAGS, ...(options.sanitize ? SANITIZE_FLAGS : [])];
    const sources = [...COMMON, ...kernels, ...(options.check ? CHECK : addonSources())];
    const objects = [];
    for (const [source, ...own] of sources) {
      const object = join(scratch, `${source}.o`);
      if (!run(cc, [...flags, ...own, '-c', join(HERE, source), '-o', object])) return 1;
      objects.push(object);
    }
    const result = join(scratch, 'result');
    if (!run(cc, [...flags, ...linkFlags(), ...objects, '-o', result])) return 1;
    renameSync(result, target);
    // A prebuilt one gets no stamp: each run builds it anew.
    if (!options.prebuild) writeFileSync(stamp, wanted);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  process.stdout.write(`native hash: built ${relative(process.cwd(), target)}\n`);
  return 0;
}

/** Sources of the addon alone; those that use Node-API get its headers and version. */
function addonSources() {
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  return [['serial.c'], ...ADDON.map((source) => [source, '-DNAPI_VERSION=8', '-I', headers])];
}

/** Digest of everything that the result depends on, the compiler's version included. */
function digestOfSources(compiler) {
  const hash = createHash('sha256').update(JSON.stringify([compiler, options, process.versions.modules]));
  hash.update(spawnSync(compiler[0], ['--version'], { encoding: 'utf8' }).stdout ?? '');
  for (const name of readdirSync(HERE)
    .filter((name) => /\.(c|h|S|mjs)$/.test(name))
    .sort()) {
    const content = readFileSync(join(HERE, name));
    hash.update(`${name} ${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

function targetFile() {
  if (options.output !== undefined) return options.output;
  const name = `${process.platform}-${options.arch}`;
  if (options.check) return join(HERE, 'build', `check.${name}`);
  return options.prebuild
    ? join(HERE, 'prebuilds', `${name}.node`)
    : join(HERE, 'build', `sha256.${name}.node`);
}

function linkFlags() {
  // Static for another processor, so that an emulator needs only this file.
  if (options.check) return process.platform === 'linux' && options.arch !== process.arch ? ['-static'] : [];
  if (process.platform === 'darwin') return ['-bundle', '-undefined', 'dynamic_lookup'];
  // Node has already loaded the C library. Without naming it or its version, one binary also serves distributions
  // older than the one it was built on.
  return options.sanitize ? ['-shared'] : ['-shared', '-nodefaultlibs', '-Wl,-z,relro,-z,now', '-s'];
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) return true;
  process.stderr.write(`native hash: ${command} failed: ${error?.message ?? `exit code ${status}`}\n`);
  return false;
}

function skip(why) {
  process.stdout.write(`native hash: not built, ${why}; node:crypto will be used, which is slower\n`);
  return 0;
}
