// `node scripts/bundle.mjs`: bundles the sources and their libraries into a few files in dist/, and lets V8 compile the
// program ahead. A start would otherwise read eight hundred files, and compile them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

const SHARED = {
  absWorkingDir: ROOT,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node24',
  metafile: true,
  logLevel: 'warning',
};

// CommonJS: V8 can keep what it compiled of it, and modules of Node.js load their parts when first used.
const program = await build({
  ...SHARED,
  entryPoints: { program: 'src/cli/program.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // A cache of compiled code must belong to these contents.
  entryNames: '[name]-[hash]',
  // Optional packages, loaded when first needed.
  external: ['@aws-sdk/*'],
  // `require` instead: the program is not loaded as a module.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'bundleUrl', 'import.meta.filename': '__filename' },
  banner: { js: `const bundleUrl = require('node:url').pathToFileURL(__filename).href;` },
});
const main = await build({
  ...SHARED,
  // Files that are loaded by path: by a user, a thread, scripts/commands.mjs, or another program.
  entryPoints: {
    main: 'src/launch/built.ts',
    'checkpoint-thread': 'src/catalog/checkpoint-thread.ts',
    'parent-watch': 'src/app/parent-watch.ts',
    'tree-hash': 'src/treehash/index.ts',
    client: 'src/client/index.ts',
  },
  format: 'esm',
  define: { PROGRAM: JSON.stringify(nameOf('src/cli/program.ts')) },
});
const outputs = [...Object.keys(program.metafile.outputs), ...Object.keys(main.metafile.outputs)];
const cache = compileAhead(nameOf('src/cli/program.ts'));
removeOthers([...outputs, ...cache]);
const inputs = [...Object.keys(program.metafile.inputs), ...Object.keys(main.metafile.inputs)];
writeFileSync(join(DIST, 'LICENSES.txt'), licenses(inputs));

/** The name in dist/, without its ending, of the bundle that begins with a source. */
function nameOf(source) {
  const [path] = Object.entries(program.metafile.outputs).find(([, { entryPoint }]) => entryPoint === source);
  return basename(path, '.cjs');
}

/** Writes the cache of a program's compiled code. The program runs without it. @returns its path, if it was written. */
function compileAhead(name) {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/code-cache.ts', name], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR },
    encoding: 'utf8',
  });
  if (status === 0) return [`dist/${name}.cache`];
  process.stderr.write(
    `moraine: starts will be slower, because the program was not compiled ahead: ${stderr}\n`,
  );
  return [];
}

/** Removes files of an earlier build last, so that dist/ always has a whole program. */
function removeOthers(outputs) {
  const keep = new Set(outputs.map((path) => join(ROOT, path)));
  mkdirSync(DIST, { recursive: true });
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !keep.has(path)) rmSync(path);
  }
}

/** The licences of the bundled libraries, which every copy must include. */
function licenses(inputs) {
  const folders = new Set(inputs.map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]));
  folders.delete(undefined);
  return [...folders].sort().map(licenseOf).join('\n');
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(ROOT, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? `License: ${license}\n` : readFileSync(join(ROOT, folder, file), 'utf8');
  return `${'='.repeat(80)}\n${name} ${version}\n\n${text}`;
}
