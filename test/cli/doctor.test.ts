/** `moraine doctor` finds nothing on a healthy folder, and each prepared fault on others. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { DiskStore } from '../../src/blobs/disk/disk-store.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { apiOf } from '../support/api.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type Ended, runMoraine } from '../support/command.ts';
import { MAIN } from '../support/program.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

const DAY = 86_400_000;
/** What this machine may have, healthy folder or not. */
const OF_MACHINE = new Set([
  'in-memory',
  'fast-flushes',
  'no-native-hash',
  'little-space',
  'few-inodes',
  'little-memory',
]);

let folder: string;
let healthy: string;
/** What the doctor printed while the server ran. */
let running: Ended;

before(async () => {
  folder = await temporaryFolder();
  healthy = join(folder, 'healthy');
  const server = await startServer({ data: healthy });
  const api = apiOf(server);
  await api.createVault('v');
  await api.upload('v', Buffer.alloc(400_000, 1));
  await api.upload('v', Buffer.alloc(4000, 2));
  running = await doctor(healthy);
  assert.equal((await api.call('GET', '/-/vaults/v')).status, 200);
  await server.stop();
});
after(() => rm(folder, { recursive: true, force: true }));

function doctor(data: string, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  return runMoraine(['doctor', '--json', '--full', '--data', data, ...flags], env);
}

/** What was found, but for the machine: `severity check code`, and all texts. */
function findingsOf({ output, errors }: Ended): { readonly codes: string[]; readonly text: string } {
  assert.equal(errors, '');
  const all = output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  for (const one of all) {
    assert.equal(one.type, 'finding');
    assert.equal(one.severity === 'ok', one.advice === '' && one.means === '');
  }
  const bad = all.filter(({ severity, code }) => severity !== 'ok' && !OF_MACHINE.has(code));
  const text = bad.map(({ code, found, advice }) => `${code}: ${found} do: ${advice}`).join('\n');
  return { codes: bad.map(({ severity, check, code }) => `${severity} ${check} ${code}`), text };
}

function assertHealthy(ended: Ended): void {
  const { codes, text } = findingsOf(ended);
  assert.deepEqual(codes, [], text);
  const found = [...ended.output.matchAll(/"severity":"(fault|warning)"/g)].length;
  assert.equal(ended.code, found === 0 ? 0 : 1);
  assert.match(
    ended.output,
    /"check":"blobs","severity":"ok".*all 2 blobs of the catalog.*, 2 blobs of the store/,
  );
}

/** Names, sizes, modes and times of all files; folders change when a scratch area comes and goes. */
async function filesIn(data: string): Promise<string> {
  const names = (await readdir(data, { recursive: true })).sort();
  const lines: string[] = [];
  for (const name of names) {
    const found = await lstat(join(data, name));
    const { size, mode, mtimeMs, ctimeMs } = found;
    lines.push(`${name} ${mode}${found.isFile() ? ` ${size} ${mtimeMs} ${ctimeMs}` : ''}`);
  }
  return lines.join('\n');
}

async function copyOf(name: string): Promise<string> {
  const data = join(folder, name);
  await cp(healthy, data, { recursive: true, preserveTimestamps: true });
  return data;
}

function query(data: string, ...statements: readonly string[]): void {
  const database = new DatabaseSync(join(data, 'catalog.sqlite'));
  for (const statement of statements) database.exec(statement);
  database.close();
}

async function only(path: string, pattern: RegExp): Promise<string> {
  const names = (await readdir(path, { recursive: true })).filter((name) => pattern.test(name));
  assert.equal(names.length, 1, names.join());
  return join(path, names[0] ?? '');
}

describe('moraine doctor', () => {
  it('finds nothing on a healthy folder that a server uses, which goes on', () => assertHealthy(running));

  it('finds nothing on a healthy folder at rest, and changes no file', async () => {
    const before = await filesIn(healthy);
    assertHealthy(await doctor(healthy));
    assert.equal(await filesIn(healthy), before);
  });

  it('refuses a folder that is not there', async () => {
    const { code, errors, output } = await doctor(join(folder, 'none'));
    assert.deepEqual([code, output], [2, '']);
    assert.match(errors, /^moraine: there is no data folder at .*none: give --data the one to examine\n$/);
  });

  it('finds many faults of one folder, each with advice', async () => {
    const data = await copyOf('many');
    const at = (...names: string[]) => join(data, ...names);
    const store = new DiskStore(at('store'), randomBytes, nodeHash);
    // A blob that nothing names, stored long ago.
    const writer = await store.create(300_000);
    await writer.write([Buffer.alloc(300_000, 3)]);
    await writer.digest();
    const label = { kind: 'archive', account: '1', region: 'r', vault: 'v', archiveId: 'x' } as const;
    const orphan = await writer.finish({ ...label, description: null, createdMs: 1, sequence: 0, offset: 0 });
    const named = await only(at('store/blobs'), new RegExp(`^../(?!${orphan})[0-9a-f]{32}$`));
    await rm(named);
    await store.putNote('time-seen', JSON.stringify({ trustedMs: Date.now() + DAY, leaped: false }));
    const pass = { startedMs: 1, endedMs: 2, bytes: 0, blobs: 0, marks: [], isFast: false };
    await store.putNote('scrub', JSON.stringify({ last: { ...pass, orphans: { count: 0, refs: [] } } }));
    await store.noteCommitNumber(1_000_000_000);
    await store.close();
    const journal = await only(at('store/journal'), /\.jsonl$/);
    const text = await readFile(journal, 'utf8');
    const [first = '', second = '', ...rest] = text.split('\n');
    const changed = second.replace(/"type":"./, '"type":"X');
    assert.notEqual(changed, second);
    await writeFile(journal, [first, changed, ...rest].join('\n'));
    query(
      data,
      `insert into store_records (entry) values ('{"type":"setting","name":"x","value":"y"}')`,
      `insert into settings (name, value) values ('scrub-paused', 'true')`,
      `insert into damage (ref, leaf, kind, first_seen_ms, last_seen_ms) values ('journal/x', -1, 'file', 1, 1)`,
    );
    await chmod(at('master.key'), 0o644);
    await chmod(at('catalog.sqlite'), 0o640);
    await chmod(at('store/notes'), 0o777);
    await mkdir(at('store/doctor-left'));
    const { cert, key } = makeCertificate(Date.now() - 10 * DAY);
    const files = [join(folder, 'cert.pem'), join(folder, 'key.pem')] as const;
    await writeFile(files[0], cert);
    await writeFile(files[1], key);

    const args = [
      'doctor',
      '--json',
      '--full',
      '--data',
      data,
      '--tls-cert',
      files[0],
      '--tls-key',
      files[1],
    ];
    const ended = await limited(100, args, {
      MORAINE_ROOT_ACCESS_KEY_ID: 'test',
      MORAINE_ROOT_SECRET_ACCESS_KEY: 'test',
    });
    const { codes, text: shown } = findingsOf(ended);
    assert.deepEqual(
      codes,
      [
        'warning start catalog-older',
        'fault rights master-key-open',
        'warning rights open-to-others',
        'fault rights world-writable',
        'warning limits few-descriptors',
        'fault clock clock-behind',
        'fault root key weak-key',
        'fault certificate certificate-expired',
        'warning store scratch-left',
        'fault damage damage-known',
        'warning damage scrub-paused',
        'warning damage scrub-late',
        'fault journal journal-damaged',
        'warning journal outbox-waiting',
        'fault journal journal-gap',
        'fault blobs blobs-missing',
        'warning blobs orphans',
      ],
      shown,
    );
    assert.equal(ended.code, 1);
    assert.match(shown, /master-key-open: .*master\.key has mode 0644 do: chmod 600 /);
    assert.match(shown, /world-writable: .*store\/notes has mode 0777 do: chmod o-w /);
    assert.match(shown, new RegExp(`blobs-missing: 1 blobs .*${named.slice(-32)} \\(missing\\)`));
    assert.match(shown, new RegExp(`orphans: nothing names 1 blobs of the store: ${orphan}`));
    assert.match(
      shown,
      /few-descriptors: a process of this shell may have 100 files open do: ulimit -n 1024/,
    );
    assert.match(shown, /journal-gap: .* numbered: 2 do:/);
  });

  it('finds what keeps a server from starting', async () => {
    const [packless, broken] = await Promise.all([copyOf('packless'), copyOf('broken')]);
    await rm(join(packless, 'store/packs'), { recursive: true });
    query(packless, `insert into kysely_migration (name, timestamp) values ('0099-later', '')`);
    await rm(join(broken, 'master.key'));
    await writeFile(join(broken, 'catalog.sqlite'), Buffer.alloc(8192, 1));
    await chmod(broken, 0o777);
    const files = [join(folder, 'one.pem'), join(folder, 'other.pem')] as const;
    await writeFile(files[0], makeCertificate().cert);
    await writeFile(files[1], makeCertificate().key);
    const [ofPackless, ofBroken] = await Promise.all([
      doctor(packless),
      doctor(broken, ['--tls-cert', files[0], '--tls-key', files[1]]),
    ]);
    const first = findingsOf(ofPackless);
    assert.deepEqual(first.codes, ['fault start start-refused', 'fault versions newer-catalog'], first.text);
    assert.match(first.text, /start-refused: .*packs/);
    const second = findingsOf(ofBroken);
    assert.deepEqual(
      second.codes,
      [
        'fault start start-fails',
        'fault rights world-writable',
        'fault certificate certificate-unusable',
        'fault catalog catalog-unusable',
      ],
      second.text,
    );
    assert.match(
      second.text,
      /catalog-unusable: the catalog .*catalog\.sqlite cannot be opened: .*not a database/,
    );
    assert.deepEqual([ofPackless.code, ofBroken.code], [1, 1]);
  });
});

/** Runs a command in a shell that allows few open files. */
function limited(
  files: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const script = ['-c', `ulimit -n ${files} && exec "$@"`, 'sh', process.execPath, MAIN, ...args];
  return new Promise((resolve) => {
    const child = execFile('sh', script, { env: { ...process.env, ...env } }, (_error, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    );
  });
}
