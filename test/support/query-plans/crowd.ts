/** Rows for every table, enough to reveal a statement that reads more than its page. */
import type { Engine } from '../../../src/catalog/engine.ts';
import { JOB_LIFE_MS } from '../../../src/domain/job.ts';
import { MIB, START_MS } from '../catalog-contract/customer.ts';

/** Number of rows of each kind in a table. */
export const CROWD = 4000;
/** Number of rows that are due now, for each kind that can be due. */
const DUE = 20;
/** Row numbers of one batch. */
export const TWENTY: readonly number[] = Array.from({ length: 20 }, (_, i) => i + 1);
const VAULTS_OF_OWNER = 200;
const HOUR_MS = 3_600_000;

/** The vault with the most rows: the owner's first. */
export const VAULT_NO = 1;
export const vaultName = (no: number): string => `vault-${10_000 + no}`;
/** An archive of that vault. */
export const archiveId = (i: number): string => `crowd-${i}`;
/** An upload in progress in that vault; the first one has as many parts as there are rows. */
export const uploadId = (i: number): string => `crowd-${i}`;
export const BIG_UPLOAD_NO = 1;
/** Uploads after this number are idle. */
const BUSY_UPLOADS = CROWD;
export const IDLE_UPLOAD_NO = BUSY_UPLOADS + 1;
export const IDLE_BEFORE_MS = START_MS - HOUR_MS;
/** A task that ended long ago, whose report has as many lines as there are rows. */
export const OLD_TASK_NO = 1;
export const taskId = (i: number): string => `crowd-${i}`;
/** The first inventory, taken after all of the vault's archives were made. */
export const TAKEN_MS = START_MS - 1000;

type Columns = Readonly<Record<string, string>>;

/** A statement that adds `count` rows; row `i` (from 1) has these SQL expressions. */
function rows(table: string, count: number, columns: Columns): string {
  const numbers = `with recursive n(i) as (select cast(1 as bigint) union all select i + 1 from n where i < ${count})`;
  const names = Object.keys(columns).join(', ');
  return `insert into ${table} (${names}) ${numbers} select ${Object.values(columns).join(', ')} from n`;
}

/** The statements that fill an empty catalog, the same for both databases. */
export function crowd(engine: Engine, account: string): readonly string[] {
  const hash = `cast('12345678901234567890123456789012' as ${engine.binary})`;
  return [
    ...vaults(account),
    ...archives(hash),
    ...uploads(hash),
    ...jobs(hash),
    ...messages(account),
    ...people(account),
    ...tasks(account, hash),
  ];
}

/** The first vaults belong to the owner, all others to other owners. */
function vaults(account: string): string[] {
  const owner = `case when i <= ${VAULTS_OF_OWNER} then '${account}' else cast(100000000000 + i / 300 as text) end`;
  return [
    rows('vaults', CROWD, {
      account: owner,
      region: `'us-east-1'`,
      name: `'vault-' || cast(10000 + i as text)`,
      created_ms: String(START_MS - HOUR_MS),
    }),
    rows('vault_counts', CROWD, {
      vault_no: 'i',
      shard: '0',
      archives: '1',
      bytes: '1',
      begun_ms: String(START_MS - HOUR_MS),
      written_ms: String(START_MS - HOUR_MS),
    }),
    rows('vault_inventories', CROWD, {
      vault_no: 'i',
      taken_ms: String(TAKEN_MS),
      archives: '1',
      bytes: '1',
    }),
    rows('vault_policies', CROWD, { vault_no: 'i', version: '1' }),
    rows('tags', CROWD, { vault_no: 'i', key: `'key'`, value: `'value'` }),
  ];
}

function archives(hash: string): string[] {
  const facts = { created_ms: `${START_MS - HOUR_MS} + i`, size: '12', tree_hash: hash };
  const archive = { id: `'crowd-' || cast(i as text)`, vault_no: String(VAULT_NO), ...facts };
  const ref = `'blob-' || cast(i as text)`;
  return [
    rows('archives', CROWD, { ...archive, ref }),
    rows('archives', CROWD, { ...archive, vault_no: 'i + 1', ref: `'other-' || cast(i as text)` }),
    rows('deleted_archives', CROWD, { no: `1000000 + i`, ...archive, deleted_ms: String(START_MS) }),
    rows('garbage', CROWD, { ref: `'gone-' || cast(i as text)`, noted_ms: String(START_MS) }),
    rows('store_records', CROWD, { entry: `'{}'` }),
    rows('damage', CROWD, {
      ref: `'blob-' || cast(i as text)`,
      leaf: '0',
      kind: `'data'`,
      first_seen_ms: String(START_MS),
      last_seen_ms: `${START_MS} - i`,
    }),
  ];
}

function uploads(hash: string): string[] {
  const upload = {
    id: `'crowd-' || cast(i as text)`,
    vault_no: String(VAULT_NO),
    archive_id: `'of-crowd-' || cast(i as text)`,
    part_size: String(MIB),
    created_ms: String(START_MS),
    state: `'open'`,
  };
  const ended = { ended_ms: String(START_MS), size: '12', tree_hash: hash };
  const idle = { id: `'idle-' || cast(i as text)`, created_ms: String(IDLE_BEFORE_MS - HOUR_MS) };
  const done = { id: `'done-' || cast(i as text)`, state: `'completed'`, ...ended };
  const part = {
    size: String(MIB),
    tree_hash: hash,
    linear_hash: hash,
    sequence: 'i',
    stored_ms: String(START_MS),
    ref: `'part-' || cast(i as text)`,
  };
  return [
    rows('uploads', BUSY_UPLOADS, upload),
    rows('uploads', DUE, { ...upload, ...idle }),
    rows('uploads', CROWD, { ...upload, ...done }),
    rows('parts', CROWD, { upload_no: String(BIG_UPLOAD_NO), first: `(i - 1) * ${MIB}`, ...part }),
    rows('parts', CROWD, { upload_no: `${BIG_UPLOAD_NO} + i`, first: '0', ...part }),
  ];
}

/** Most jobs of the vault are done or not yet due; some are due, and some have expired. */
function jobs(hash: string): string[] {
  const job = {
    vault_no: String(VAULT_NO),
    created_ms: `${START_MS - HOUR_MS} + i`,
    due_ms: String(START_MS),
  };
  const archive = {
    ...{ kind: `'archive'`, tier: `'Standard'`, archive_id: `'crowd-' || cast(i as text)`, archive_no: 'i' },
    ...{ archive_size: '12', archive_hash: hash, ref: `'blob-' || cast(i as text)`, first: '0', last: '11' },
  };
  const inventory = { kind: `'inventory'`, format: `'JSON'` };
  const done = { state: `'Succeeded'`, completed_ms: String(START_MS) };
  const later = { state: `'InProgress'`, due_ms: `${START_MS + HOUR_MS} + i` };
  const due = { state: `'InProgress'`, due_ms: `${START_MS - HOUR_MS} + i` };
  const old = { ...done, completed_ms: String(START_MS - JOB_LIFE_MS - HOUR_MS) };
  const id = (word: string) => ({ id: `'${word}-' || cast(i as text)` });
  return [
    rows('jobs', CROWD, { ...job, ...archive, ...done, ...id('done') }),
    rows('jobs', CROWD, { ...job, ...archive, ...later, ...id('later') }),
    rows('jobs', CROWD, { ...job, ...inventory, ...later, ...id('later-list') }),
    rows('jobs', CROWD, { ...job, ...archive, ...done, ...id('elsewhere'), vault_no: 'i + 1' }),
    rows('jobs', DUE, { ...job, ...archive, ...due, ...id('due') }),
    rows('jobs', DUE, { ...job, ...inventory, ...due, ...id('due-list') }),
    rows('jobs', DUE, { ...job, ...archive, ...old, ...id('old') }),
  ];
}

function messages(account: string): string[] {
  const message = {
    ...{ id: `'message-' || cast(i as text)`, topic: `'arn:aws:sns:us-east-1:1:t'`, message: `'{}'` },
    ...{ created_ms: String(START_MS), tries: '1', state: `'waiting'` },
  };
  return [
    rows('vault_notifications', CROWD, {
      vault_no: 'i',
      topic: `'arn:aws:sns:us-east-1:1:t'`,
      events: `'ArchiveRetrievalCompleted'`,
    }),
    rows('notifications', CROWD, { ...message, next_try_ms: String(START_MS + HOUR_MS) }),
    rows('notifications', CROWD, { ...message, state: `'undeliverable'`, next_try_ms: String(START_MS) }),
    rows('notifications', DUE, { ...message, next_try_ms: String(START_MS - HOUR_MS) }),
    rows('retrieval_policies', CROWD, {
      account: 'cast(100000000000 + i as text)',
      region: `'us-east-1'`,
      strategy: `'FreeTier'`,
    }),
    rows('direct_reads', CROWD, {
      account: `case when i <= ${DUE} then '${account}' else cast(100000000000 + i as text) end`,
      region: `'us-east-1'`,
      minute_ms: `${START_MS} - i * 60000`,
      bytes: 'i',
    }),
    rows('capacity_units', CROWD, {
      id: `'crowd-' || cast(i as text)`,
      account: `'${account}'`,
      region: `'us-east-1'`,
      start_ms: `${START_MS - 2 * HOUR_MS} + i`,
      expires_ms: `${START_MS - HOUR_MS} + i`,
    }),
  ];
}

/** Most tasks have ended; each open one is in a vault of its own, and some of them are due. */
function tasks(account: string, hash: string): string[] {
  const none = ['done', 'left_archives', 'left_bytes', 'kept_archives', 'kept_bytes', 'kept_ids'];
  const task = {
    ...{ id: `'crowd-' || cast(i as text)`, kind: `'EmptyVault'`, account: `'${account}'` },
    ...{ region: `'us-east-1'`, vault: `'vault-10001'`, vault_no: String(VAULT_NO), request: `'{}'` },
    ...{ vault_created_ms: '0', archives: '1', bytes: '1', last_no: '1', up_to: '1', created_ms: '0' },
    ...{ state: `'Succeeded'`, completed_ms: 'i', cursor_ms: '0', cursor_no: '0' },
    ...Object.fromEntries(none.map((column) => [column, '0'])),
  };
  const open = { ...task, vault_no: 'i + 1', state: `'Scheduled'`, completed_ms: 'null' };
  const due = { id: `'due-' || cast(i as text)`, due_ms: `${START_MS} - i` };
  const outcome = { id: `'crowd-' || cast(i as text)`, size: '1', tree_hash: hash };
  return [
    rows('tasks', CROWD, task),
    rows('tasks', DUE, { ...open, ...due }),
    rows('task_archives', CROWD, { task_no: String(OLD_TASK_NO), no: `2000000 + i`, ...outcome }),
    rows('bulk_bounds', CROWD, {
      ...{ account: `'${account}'`, region: `'us-east-1'`, up_to: '1' },
      vault: `'bound-' || cast(i as text)`,
    }),
  ];
}

/** Users, most of them in an account of their own. */
function people(account: string): string[] {
  const owner = `case when i <= ${DUE} then '${account}' else cast(100000000000 + i as text) end`;
  const made = { created_ms: String(START_MS) };
  const user = { account: owner, name: `'crowd-' || cast(i as text)`, user_id: `'AIDA' || cast(i as text)` };
  const key = { sealed_secret: `'sealed'`, status: `'active'`, origin: `'command'`, ...made };
  return [
    rows('accounts', CROWD, { id: 'cast(100000000000 + i as text)', ...made }),
    rows('users', CROWD, { ...user, ...made }),
    rows('user_policies', CROWD, { user_no: 'i', name: `'all'`, document: `'{}'` }),
    rows('access_keys', CROWD, { id: `'AKIA' || cast(i as text)`, account: owner, user_no: 'i', ...key }),
    rows('settings', CROWD, { name: `'setting-' || cast(i as text)`, value: `'on'` }),
  ];
}
