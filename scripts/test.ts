/**
 * `npm test [-- FILE...]`: runs every test, with a real PostgreSQL if one is installed. Tests over an object store take
 * longer, and run by `npm run test:engines`. With MORAINE_TEST_REQUIRE=all (set by CI), a missing engine or client is a
 * failure instead of a skip.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const engines = new URL('engines/', import.meta.url).pathname;
/** Caches compiled sources: tests start the server often, and compiling takes two thirds of a start. */
const cache = new URL('../node_modules/.cache/moraine-compiled', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'moraine-postgres-'));

function startPostgres(): Record<string, string> {
  if (!existsSync('/usr/lib/postgresql/15/bin/postgres')) {
    console.error('PostgreSQL 15 is not installed: tests that need it are skipped.');
    return {};
  }
  const up = spawnSync(`${engines}postgres-up`, [folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (up.status !== 0) throw new Error('PostgreSQL is installed but does not start');
  return { MORAINE_TEST_POSTGRES: up.stdout.trim() };
}

function stopPostgres(): void {
  spawnSync(`${engines}postgres-down`, [folder], { stdio: 'inherit' });
  rmSync(folder, { recursive: true, force: true });
}

const patterns = process.argv.slice(2);
const files =
  patterns.length > 0
    ? patterns
    : globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'], {
        exclude: ['test/engines/**'],
      });
try {
  const env = { NODE_COMPILE_CACHE: cache, ...process.env, ...startPostgres() };
  // More tests at once than cores, because tests wait for the disk half of the time.
  const args = [
    '--test',
    `--test-concurrency=${3 * availableParallelism()}`,
    '--test-reporter=spec',
    ...files,
  ];
  const tests = spawn(process.execPath, args, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tests.kill(signal));
  process.exitCode = await new Promise((resolve) => tests.on('exit', (code) => resolve(code ?? 1)));
} finally {
  stopPostgres();
}
