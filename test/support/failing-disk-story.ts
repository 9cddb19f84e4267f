/** Sends every mutating operation to a server whose disk fails during it; for a test and for `npm run failing-disk`. */
import assert from 'node:assert/strict';
import { type Api, apiOf } from './api.ts';
import { EFFECTS } from './effects.ts';
import { type Attempt, attempt, everyOperation } from './every-operation.ts';
import type { FailingCall, FailingFiles } from './failing-files.ts';
import { MIB, patternBytes } from './pattern.ts';
import { eventually } from './poll.ts';
import { type Answer, hashHeaders } from './request.ts';
import { startServer, type TestServer } from './server.ts';

/** A fault of the disk during one operation. */
export interface DiskFault {
  readonly call: FailingCall;
  /** Part of the paths of the files that fail. */
  readonly part: string;
  readonly error: 'EIO' | 'ENOSPC' | 'EMFILE';
  /** How many calls fail. */
  readonly times: number;
}

/** What a client got while the disk failed. */
export interface FaultRow {
  readonly operation: string;
  readonly status: number;
  /** The message of a refusal. */
  readonly reason: string;
  /** How many system calls failed; 0: the operation makes none of this kind. */
  readonly failed: number;
  /** Whether the next try of a refused operation succeeded, on the same server or only after a restart. */
  readonly recovered: 'at once' | 'after a restart' | '';
}

export interface StoryOptions {
  readonly files: FailingFiles;
  readonly data: string;
  readonly fault: DiskFault;
  /** Operations to try; by default all that change something. */
  readonly only?: readonly string[];
  readonly flags?: readonly string[];
}

/** Too large for a pack. */
const LARGE = patternBytes(3 * MIB);

/**
 * @throws AssertionError when an acknowledged change is not there, at once or after a kill, when a refusal is not of the
 * API's form, or when the server does not recover.
 */
export async function failingDiskStory(options: StoryOptions): Promise<FaultRow[]> {
  const { files, fault, only } = options;
  const start = (): Promise<TestServer> =>
    startServer({ data: options.data, flags: options.flags ?? [], env: files.env });
  let server = await start();
  try {
    const attempts = (await attemptsOn(apiOf(server))).filter(
      ({ title, name }) => name in EFFECTS && (only === undefined || only.includes(title)),
    );
    const rows: FaultRow[] = [];
    const acknowledged: { one: Titled; answer: Answer }[] = [];
    for (const one of attempts) {
      files.fail(fault);
      let answer: Answer;
      let failed: number;
      try {
        answer = await attempt(apiOf(server), one);
      } finally {
        failed = files.heal();
      }
      const row = { operation: one.title, status: answer.status, failed };
      if (answer.status === one.status) {
        rows.push({ ...row, reason: '', recovered: '' });
        acknowledged.push({ one, answer });
        continue;
      }
      const reason = reasonOf(one.title, answer);
      const again = await repeat(server, one);
      if (again !== 'stopped') {
        rows.push({ ...row, reason, recovered: 'at once' });
        if (again.status === one.status) acknowledged.push({ one, answer: again });
        continue;
      }
      rows.push({ ...row, reason, recovered: 'after a restart' });
      await server.kill();
      server = await start();
      const later = await repeat(server, one);
      if (later === 'stopped') throw new Error(`${one.title} fails after a restart`);
      if (later.status === one.status) acknowledged.push({ one, answer: later });
    }
    await assertThere(server, acknowledged, 'at once');
    await server.kill();
    server = await start();
    await assertThere(server, acknowledged, 'after a kill');
    return rows;
  } catch (error) {
    console.error(server.errors().slice(-4000));
    throw error;
  } finally {
    files.heal();
    await server.kill();
  }
}

interface Titled extends Attempt {
  /** The operation, and which of two sizes it sends. */
  readonly title: string;
}

async function attemptsOn(api: Api): Promise<Titled[]> {
  const attempts: Titled[] = (await everyOperation(api, 'fault')).map((one) => ({ ...one, title: one.name }));
  const vault = 'fault-large';
  await api.createVault(vault);
  const headers = hashHeaders(LARGE);
  const upload = await api.initiate(vault, 4 * MIB);
  const range = { 'content-range': `bytes 0-${LARGE.length - 1}/*` };
  attempts.push(
    {
      ...{ name: 'UploadArchive', title: 'UploadArchive, 3 MiB', method: 'POST', status: 201, vault },
      ...{ path: `/vaults/${vault}/archives`, options: { body: LARGE, headers } },
    },
    {
      ...{
        name: 'UploadMultipartPart',
        title: 'UploadMultipartPart, 3 MiB',
        method: 'PUT',
        status: 204,
        vault,
      },
      ...{ path: `/vaults/${vault}/multipart-uploads/${upload}` },
      options: { body: LARGE, headers: { ...headers, ...range } },
    },
  );
  // Last, because after it no job starts.
  return attempts.sort(
    (a, b) => Number(a.name === 'SetDataRetrievalPolicy') - Number(b.name === 'SetDataRetrievalPolicy'),
  );
}

/** Asserts that a refusal has the API's form; returns its message. */
function reasonOf(title: string, { status, text, json }: Answer): string {
  assert.equal(status, 500, `${title}: ${text}`);
  const { code, type, message } = json() as Record<string, string>;
  assert.deepEqual([code, type], ['ServiceUnavailableException', 'Server'], `${title}: ${text}`);
  return message ?? '';
}

/** Statuses of a request for a change that was made already, although it was not acknowledged. */
const MADE_ALREADY = [400, 403, 404, 409];

/**
 * Sends a refused request again, until it is not refused. @returns the answer: a success, or that the change had been
 * made; or that the server has stopped writing, until it is restarted.
 */
async function repeat(server: TestServer, one: Titled): Promise<Answer | 'stopped'> {
  const answer = await eventually(`another ${one.title} is answered`, async () => {
    const again = await attempt(apiOf(server), one);
    if (again.status !== 500) return again;
    return again.text.includes('takes no more writes') ? 'stopped' : undefined;
  });
  if (answer === 'stopped' || answer.status === one.status) return answer;
  assert.ok(MADE_ALREADY.includes(answer.status), `${one.title}: ${answer.text}`);
  return answer;
}

async function assertThere(
  server: TestServer,
  acknowledged: readonly { one: Titled; answer: Answer }[],
  when: string,
): Promise<void> {
  const api = apiOf(server);
  for (const { one, answer } of acknowledged) {
    const isThere = await EFFECTS[one.name]?.(api, one, answer);
    assert.ok(isThere, `${one.title} was acknowledged with ${answer.status}, and is not there ${when}`);
  }
}
