// `node scripts/bundle.mjs`: compiles the sources and the libraries that they use into a few files in dist/. A program
// of a few files starts in half the time of one that reads eight hundred.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

const { metafile } = await build({
  absWorkingDir: ROOT,
  // Each of these is loaded by its path: by a user, by a thread, by scripts/commands.mjs, by a program of somebody else.
  entryPoints: {
    main: 'src/main.ts',
    'checkpoint-thread': 'src/catalog/checkpoint-thread.ts',
    'parent-watch': 'src/app/parent-watch.ts',
    'tree-hash': 'src/treehash/index.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Optional packages, loaded when the first message needs one.
  external: ['@aws-sdk/*'],
  // The libraries that are CommonJS still call `require`.
  banner: {
    js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`,
  },
  metafile: true,
  logLevel: 'warning',
});
removeOthers(Object.keys(metafile.outputs));
writeFileSync(join(DIST, 'LICENSES.txt'), licenses(Object.keys(metafile.inputs)));

/** What an earlier build left goes last, so that dist/ holds a whole program all the time. */
function removeOthers(outputs) {
  const keep = new Set(outputs.map((path) => join(ROOT, path)));
  mkdirSync(DIST, { recursive: true });
  for (const entry of readdirSync(DIST, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !keep.has(path)) rmSync(path);
  }
}

/** The licences of the libraries in the bundle, which ask to be handed on with every copy. */
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
