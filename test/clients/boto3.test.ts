/** Unmodified boto3: one Python process runs all checks of boto3_client.py, and each line that it prints is a test. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer } from '../support/server.ts';

const SCRIPT = fileURLToPath(new URL('boto3_client.py', import.meta.url));
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';

describe('boto3', { skip: unlessPresent(hasBoto3(PYTHON), `boto3 for ${PYTHON}`) }, () => {
  it('runs every check of boto3_client.py', async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const { code, lines, errors } = await runChecks(server);
    t.diagnostic(lines.at(-1)?.replace('# ', '') ?? '');
    for (const line of lines) {
      const [, result, sentence] = /^(ok|failed) (.*)$/.exec(line) ?? [];
      if (sentence === undefined) continue;
      await t.test(sentence, () => assert.equal(result, 'ok', errorOf(sentence, errors)));
    }
    // Fewer lines than checks mean that Python ended early.
    const checks = Number(/^# .*: (\d+) checks$/.exec(lines.at(-1) ?? '')?.[1]);
    assert.equal(lines.length - 1, checks, errors);
    assert.equal(code, 0, errors);
  });
});

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

function runChecks(server: TestServer): Promise<Outcome> {
  const { url, accountId, accessKeyId, secretAccessKey } = server;
  // An environment without a developer's settings: no profile, region or endpoint.
  const env = {
    PATH: process.env['PATH'],
    HOME: server.data,
    PYTHONIOENCODING: 'utf-8',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return new Promise((resolve) => {
    const child = execFile(PYTHON, [SCRIPT, url, accountId], { env }, (_, stdout, errors) =>
      resolve({ code: child.exitCode, lines: stdout.trimEnd().split('\n'), errors }),
    );
  });
}

/** The traceback of a failed check. */
function errorOf(sentence: string, errors: string): string {
  const at = errors.indexOf(`${sentence}:\n`);
  return at < 0 ? errors : (errors.slice(at).split('\n\n', 1)[0] ?? '');
}

function hasBoto3(python: string): boolean {
  return spawnSync(python, ['-c', 'import boto3'], { stdio: 'ignore' }).status === 0;
}
