/**
 * `npm run fuzz-addon [-- CALLS [SEED]]`: calls the native addon with arguments of every kind, and runs the checks of
 * native/check.c, both built with the address and undefined-behaviour sanitizers of the C compiler. Exit code 1 if one of
 * them reports something. Needs gcc on Linux.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AddonCalls } from '../test/support/fuzz/addon-calls.ts';
import { Random } from '../test/support/simulator/random.ts';
import { numberArgument } from './number-argument.ts';

/** Random lengths that native/check.c hashes, in addition to those at which the code branches. */
const CHECK_ROUNDS = '20';

const calls = numberArgument(0, 20_000);
const seed = numberArgument(1, Date.now() % 1_000_000_000);
const folder = process.env['MORAINE_FUZZ_ADDON'];
if (folder === undefined) buildAndRun();
else await runCalls(folder);

/** Runs a program. @throws Error when it fails. */
function must(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const { status, signal } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status ?? signal}`);
}

function buildAndRun(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'moraine-addon-'));
  const build = (...flags: string[]) => must(process.execPath, ['native/build.mjs', '--sanitize', ...flags]);
  try {
    build(`--output=${join(scratch, 'addon.node')}`);
    must(process.execPath, [...process.execArgv, import.meta.filename, String(calls), String(seed)], {
      MORAINE_FUZZ_ADDON: scratch,
      // Node.js is not built with the sanitizers, and frees nothing when it ends.
      LD_PRELOAD: sanitizerLibrary(),
      ASAN_OPTIONS: 'detect_leaks=0',
    });
    build('--check', `--output=${join(scratch, 'check')}`);
    must(join(scratch, 'check'), [CHECK_ROUNDS]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function sanitizerLibrary(): string {
  const [cc = 'cc'] = (process.env['CC'] ?? 'cc').split(/\s+/);
  return spawnSync(cc, ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim();
}

async function runCalls(scratch: string): Promise<void> {
  const addon = createRequire(import.meta.url)(join(scratch, 'addon.node'));
  const fd = openSync(join(scratch, 'file'), 'w+');
  console.log(`${calls} calls from seed ${seed}`);
  console.log(await new AddonCalls(addon, new Random(seed), fd).run(calls));
  closeSync(fd);
}
