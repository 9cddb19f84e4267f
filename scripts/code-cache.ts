/**
 * `node scripts/code-cache.ts PROGRAM`: writes dist/PROGRAM.cache, the code that V8 compiles of dist/PROGRAM.cjs for a
 * start: it starts a server in a temporary folder, and stops it.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCompiled } from '../src/launch/compiled.ts';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));

const [name = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'moraine-build-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const settings = ['--listen', '127.0.0.1:0', '--workers', '1', '--reserve', '0', '--log-level', 'error'];
const { exports, createCache } = loadCompiled<typeof import('../src/cli/program.ts')>(DIST, name);
// The server prints how to use it.
process.stdout.write = () => true;
await exports.runProgram(['serve', '--data', join(folder, 'data'), ...settings]);
const path = join(DIST, `${name}.cache`);
// V8 does not check all of a cache, so it must be whole before it has its name.
writeFileSync(`${path}.new`, createCache(), { flush: true });
// The program's umask keeps its files private, but every user may run the program.
chmodSync(`${path}.new`, 0o644);
renameSync(`${path}.new`, path);
process.kill(process.pid, 'SIGTERM');
