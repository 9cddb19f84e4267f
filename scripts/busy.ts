/**
 * `npm run busy [-- ROUNDS [FILE...]]`: runs the tests repeatedly while four busy loops run. A test that fails here
 * depends on a quiet machine. Exit code 0 only if every round passed.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { numberArgument } from './number-argument.ts';

const LOOPS = 4;
const TESTS = fileURLToPath(new URL('test.ts', import.meta.url));

const rounds = numberArgument(0, 10);
const files = process.argv.slice(3);
const loops = Array.from({ length: LOOPS }, () => spawn(process.execPath, ['-e', 'for (;;);']));
const endLoops = (): void => {
  for (const loop of loops) loop.kill();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    endLoops();
    process.exit(1);
  });
}
try {
  let failed = 0;
  for (let round = 1; round <= rounds; round++) {
    const began = performance.now();
    const code = await run();
    if (code !== 0) failed++;
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    console.log(`round ${round} of ${rounds}: ${code === 0 ? 'passed' : 'FAILED'} after ${minutes} min`);
  }
  console.log(`${rounds - failed} of ${rounds} rounds passed with ${LOOPS} busy loops`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  endLoops();
}

function run(): Promise<number | null> {
  const tests = spawn(process.execPath, [TESTS, ...files], { stdio: 'inherit' });
  return new Promise((resolve) => tests.on('exit', resolve));
}
