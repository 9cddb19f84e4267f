/**
 * Jobs through unmodified boto3: one Python process runs all checks of jobs_boto3.py, and each line that it prints is a
 * test.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runClient } from '../support/client-program.ts';
import { startEmulator } from '../support/emulator.ts';
import { unlessPresent } from '../support/require.ts';

const SCRIPT = fileURLToPath(new URL('jobs_boto3.py', import.meta.url));
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';
const hasBoto3 = spawnSync(PYTHON, ['-c', 'import boto3'], { stdio: 'ignore' }).status === 0;

describe('boto3, jobs', { skip: unlessPresent(hasBoto3, `boto3 for ${PYTHON}`) }, () => {
  it('runs every check of jobs_boto3.py', async (t) => {
    const times = 'expedited=1m,standard=4h,bulk=8h,inventory=4h';
    const server = await startEmulator({ flags: ['--job-times', times] });
    t.after(() => server.stop());
    const { code, output, errors } = await runClient(PYTHON, [SCRIPT, server.url, server.accountId], server);
    const lines = output.trimEnd().split('\n');
    for (const line of lines.slice(0, -1)) {
      const [, result, sentence = line] = /^(ok|failed) (.*)$/.exec(line) ?? [];
      await t.test(sentence, () => assert.equal(result, 'ok', errors));
    }
    // Fewer lines than checks mean that Python ended early.
    const checks = Number(/^# .*: (\d+) checks$/.exec(lines.at(-1) ?? '')?.[1]);
    assert.equal(lines.length - 1, checks, errors);
    assert.equal(code, 0, errors);
  });
});
