/**
 * `npm run kill9-notifications [-- ROUNDS [SEED]]`: kills serving processes, and every tenth round the whole server, with
 * SIGKILL at random moments between the start of jobs and the delivery of their notifications. Notifications of finished
 * jobs must arrive at least once, and none for other jobs. Exit code 0 only if that holds.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { seededSpread } from '../src/domain/job-times.ts';
import { apiOf } from '../test/support/api.ts';
import { jobsOf } from '../test/support/jobs.ts';
import { eventually } from '../test/support/poll.ts';
import { type Receiver, startReceiver } from '../test/support/receiver.ts';
import { temporaryFolder } from '../test/support/server.ts';
import { type ServerGroup, startGroup } from '../test/support/server-group.ts';
import { numberArgument } from './number-argument.ts';

const SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;
const VAULT = 'killed';
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:jobs';
const OWN_TOPIC = 'arn:aws:sns:us-east-1:111122223333:own';
const JOBS_PER_ROUND = 3;
const LONGEST_MS = 400;
/** The lease of a message that a killed process had taken ends after a minute. */
const ARRIVED_WITHIN_MS = 150_000;
const UNANSWERED_MS = 10_000;
const TRIES = 40;

const rounds = numberArgument(0, 500);
const seed = numberArgument(1, Date.now() % 1_000_000);
const random = seededSpread(seed);
const data = await temporaryFolder();
const receiver = await startReceiver();
const flags = await prepare(receiver);
/** Acknowledged jobs, which must not be lost. */
const acknowledged = new Set<string>();
/** Jobs that do not finish during the trial. */
const unfinished = new Set<string>();
const killed = { processes: 0, servers: 0 };
console.log(`${rounds} rounds, seed ${seed}, data folder ${data}`);

let server = await startGroup(data, flags);
let failures: string[] = [];
try {
  const archiveId = await fill(server);
  const began = performance.now();
  for (let round = 1; round <= rounds; round++) {
    await playRound(round, archiveId);
    if (round % 50 === 0) console.log(`round ${round}: ${receiver.received.length} messages arrived`);
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`${rounds} rounds in ${seconds.toFixed(0)} s; killed ${JSON.stringify(killed)}`);
  failures = await findFailures();
} finally {
  await server.kill().catch(() => {});
  await receiver.close();
}
for (const failure of failures) console.log(failure);
if (failures.length === 0) await rm(data, { recursive: true });
else process.exitCode = 1;

async function prepare({ url }: Receiver): Promise<string[]> {
  const file = join(data, 'targets.json');
  const target = { type: 'webhook', url: `${url}/`, secret: SECRET };
  await writeFile(file, JSON.stringify({ [TOPIC]: target, [OWN_TOPIC]: target }));
  // A fixed port, because with port 0 it would change after all serving processes were killed.
  const listen = `127.0.0.1:${await freePort()}`;
  const times = 'standard=50ms,expedited=0ms,inventory=50ms,bulk=100h';
  return [
    ...['--listen', listen, '--workers', '2', '--job-times', times],
    ...['--notification-targets', file, '--allow-local-webhooks'],
  ];
}

async function freePort(): Promise<number> {
  const { port, close } = await startReceiver();
  await close();
  return port;
}

async function fill(on: ServerGroup): Promise<string> {
  const api = apiOf(on);
  await api.createVault(VAULT);
  const body = JSON.stringify({
    SNSTopic: TOPIC,
    Events: ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'],
  });
  await api.call('PUT', `/-/vaults/${VAULT}/notification-configuration`, { body });
  return api.upload(VAULT, 'Hello World!');
}

/** Starts some jobs, waits for a random time, and kills. A job without an answer may or may not exist. */
async function playRound(round: number, archiveId: string): Promise<void> {
  await eventually('a serving process', async () => (await servingProcesses()).length > 0, 30_000);
  const starts = Array.from({ length: JOBS_PER_ROUND }, (_, i) => startJob(archiveId, i).catch(() => {}));
  if (random() < 0.8) await Promise.all(starts);
  await pause(random() * LONGEST_MS);
  if (round % 10 === 0) {
    await server.kill();
    killed.servers++;
    server = await startGroup(data, flags);
  } else {
    const processes = await servingProcesses();
    const pid = processes[Math.floor(random() * processes.length)];
    if (pid !== undefined) killOne(pid);
  }
  await Promise.all(starts);
}

async function startJob(archiveId: string, i: number): Promise<void> {
  const Tier = ['Expedited', 'Standard', 'Bulk'][Math.floor(random() * 3)] as string;
  const members = [
    { Type: 'archive-retrieval', ArchiveId: archiveId, Tier, SNSTopic: OWN_TOPIC },
    { Type: 'archive-retrieval', ArchiveId: archiveId, Tier: 'Standard' },
    { Type: 'inventory-retrieval', SNSTopic: OWN_TOPIC },
  ][i] as Record<string, string>;
  const { status, headers } = await persistently(() => jobsOf(apiOf(server)).initiate(VAULT, members));
  if (status !== 202) return;
  const id = headers['x-amz-job-id'] ?? '';
  acknowledged.add(id);
  if (members['Tier'] === 'Bulk') unfinished.add(id);
}

/**
 * Retries requests. Connections of a killed process break when they are used again, and while there is no serving process,
 * connections are refused. A connection that a process had not accepted when it was killed gets no answer.
 */
async function persistently<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await Promise.race([call(), unanswered()]);
    } catch (error) {
      if (tries === TRIES) throw error;
      await pause(50);
    }
  }
}

async function unanswered(): Promise<never> {
  await pause(UNANSWERED_MS, undefined, { ref: false });
  throw new Error('no answer');
}

async function servingProcesses(): Promise<readonly number[]> {
  const primary = server.process.pid;
  return (await server.processes()).filter((pid) => pid !== primary);
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
    killed.processes++;
  } catch {
    // The process has already ended.
  }
}

interface JobRow {
  readonly id: string;
  readonly state: string;
  readonly topic: string | null;
}

/** Compares the messages that the catalog requires with those that arrived. */
async function findFailures(): Promise<string[]> {
  const catalog = new DatabaseSync(join(data, 'catalog.sqlite'), { readOnly: true, timeout: 5000 });
  const jobRows = () => catalog.prepare('select id, state, topic from jobs').all() as unknown as JobRow[];
  const owed = () => jobRows().filter(({ state }) => state !== 'InProgress');
  const waited = performance.now();
  try {
    await eventually(
      'all jobs finished and all messages gone',
      () =>
        jobRows().filter(({ state }) => state === 'InProgress').length === bulkJobs(catalog) &&
        catalog.prepare('select count(*) as n from notifications').get()?.['n'] === 0,
      ARRIVED_WITHIN_MS,
    ).catch((error) => console.log(String(error)));
    console.log(`all had arrived ${((performance.now() - waited) / 1000).toFixed(0)} s later`);
    return compare(jobRows(), owed());
  } finally {
    catalog.close();
  }
}

function bulkJobs(catalog: DatabaseSync): number {
  const row = catalog.prepare(`select count(*) as n from jobs where tier = 'Bulk'`).get();
  return Number(row?.['n']);
}

function compare(all: readonly JobRow[], finished: readonly JobRow[]): string[] {
  const came = messagesById();
  const states = new Map(all.map(({ id, state }) => [id, state]));
  const found: string[] = [];
  for (const id of acknowledged) if (!states.has(id)) found.push(`LOST JOB ${id}`);
  for (const { id, topic } of finished) {
    if (!came.has(`vault-${id}`)) found.push(`MISSING: the vault's message of ${id}`);
    if (topic !== null && !came.has(`job-${id}`)) found.push(`MISSING: the job's own message of ${id}`);
  }
  for (const [messageId, { jobId, texts }] of came) {
    const state = states.get(jobId);
    if (state === undefined || state === 'InProgress') found.push(`FOR AN UNFINISHED JOB: ${messageId}`);
    if (unfinished.has(jobId)) found.push(`FOR A JOB OF 100 HOURS: ${messageId}`);
    if (texts.size !== 1) found.push(`DELIVERIES DIFFER: ${messageId}`);
  }
  const owed = finished.length + finished.filter(({ topic }) => topic !== null).length;
  console.log(
    `${acknowledged.size} jobs acknowledged, ${finished.length} finished, ${owed} messages required; ` +
      `${receiver.received.length} deliveries of ${came.size} messages; ${found.length} failures`,
  );
  return found;
}

/** The verified messages that arrived, by id. */
function messagesById(): Map<string, { jobId: string; texts: Set<string> }> {
  const came = new Map<string, { jobId: string; texts: Set<string> }>();
  for (const { body, headers } of receiver.received) {
    // The timestamp is not checked, because the message may be old.
    const text = new Webhook(SECRET).sign(
      String(headers['webhook-id']),
      new Date(Number(headers['webhook-timestamp']) * 1000),
      body,
    );
    if (text !== headers['webhook-signature']) throw new Error(`a message with a wrong signature: ${body}`);
    const { MessageId, Message } = JSON.parse(body) as { MessageId: string; Message: string };
    const { JobId, Completed } = JSON.parse(Message) as { JobId: string; Completed: boolean };
    if (!Completed) throw new Error(`a message of a job that is not completed: ${Message}`);
    const known = came.get(MessageId) ?? { jobId: JobId, texts: new Set<string>() };
    known.texts.add(Message);
    came.set(MessageId, known);
  }
  return came;
}
