/** The scrub of a whole server: damage is found, listed and told; intact ranges stay readable; what is put back is good again. */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { copyFile, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Api, apiOf } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { digestOf } from '../support/download.ts';
import { jobsOf } from '../support/jobs.ts';
import { MIB } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { createDatabase, skipWithoutPostgres } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { hashHeaders } from '../support/request.ts';
import type { TestServer } from '../support/server.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

type Line = Readonly<Record<string, unknown>>;

interface Place {
  readonly server: TestServer;
  readonly api: Api;
  /** Runs a command and gives its exit code and its lines of JSON. */
  command(...args: string[]): Promise<{ readonly code: number | null; readonly lines: readonly Line[] }>;
}

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:damage';

async function placeFor(t: TestContext, flags: readonly string[] = [], catalog?: string): Promise<Place> {
  const data = await folderFor(t);
  const env: Record<string, string> = catalog === undefined ? {} : { MORAINE_CATALOG: catalog };
  const server = await serverFor(t, { data, flags, env });
  const api = apiOf(server);
  await api.createVault('v');
  return {
    server,
    api,
    async command(...args) {
      const { code, output, errors } = await runMoraine([...args, '--json', '--data', data], env);
      assert.ok(code === 0 || code === 6, errors);
      return { code, lines: output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])) };
    },
  };
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 1;
  await file.write(byte, 0, 1, at);
  await file.close();
}

/** Finds the file of the store that has these bytes, and where. */
async function findBytes({ server }: Place, bytes: Buffer): Promise<{ path: string; at: number }> {
  const store = join(server.data, 'store');
  for (const name of await readdir(store, { recursive: true })) {
    if (!/^(blobs\/..|packs)\/[^/]+$/.test(name)) continue;
    const at = (await readFile(join(store, name))).indexOf(bytes);
    if (at >= 0) return { path: join(store, name), at };
  }
  throw new Error('no file has these bytes');
}

async function uploadParts(api: Api, bytes: Buffer, partSize: number): Promise<string> {
  const uploadId = await api.initiate('v', partSize, 'in parts');
  for (let at = 0; at < bytes.length; at += partSize)
    await api.putPart('v', uploadId, at, bytes.subarray(at, at + partSize));
  const { headers } = await api.complete(
    'v',
    uploadId,
    bytes.length,
    hashHeaders(bytes)['x-amz-sha256-tree-hash'] ?? '',
  );
  return headers['x-amz-archive-id'] ?? '';
}

/** What a listing says about each damage, in a fixed order. */
const short = (lines: readonly Line[]): unknown[] =>
  lines
    .map(({ archiveId, range, kind, description }) => ({ archiveId, range, kind, description }))
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const SIZE = 6.5 * MIB;

/** Bytes of which no run occurs twice, nor for another seed. */
function bytes(seed: number, size = SIZE): Buffer {
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16));
  return stream.update(Buffer.alloc(size));
}

/**
 * The story of damage: found by one scrub, listed, not served, and forgotten when the bytes are put back.
 * @param checks whether one archive is also checked by itself.
 */
async function tellStory(place: Place, checks: boolean): Promise<void> {
  const { api, server, command } = place;
  const jobs = jobsOf(api);
  const part = (archive: Buffer, no: number) => archive.subarray(no * 2 * MIB, (no + 1) * 2 * MIB);
  const large = await api.upload('v', bytes(1), 'a large one');
  const parts = await uploadParts(api, bytes(2), 2 * MIB);
  const gone = await api.upload('v', bytes(3, 400_000));
  const small = await api.upload('v', bytes(4, 5000), 'a small one');
  const good = await api.upload('v', bytes(5, 5000));
  const ofLarge = await findBytes(place, bytes(1).subarray(0, 4096));
  const ofPart = await findBytes(place, part(bytes(2), 1).subarray(0, 4096));
  const ofGone = await findBytes(place, bytes(3, 4096));
  const ofSmall = await findBytes(place, bytes(4, 4096));
  for (const { path } of [ofLarge, ofPart, ofGone]) await copyFile(path, join(server.data, basename(path)));
  const putBack = ({ path }: { path: string }) => copyFile(join(server.data, basename(path)), path);

  await flip(ofLarge.path, 4 * MIB + 77);
  await truncate(ofPart.path, MIB);
  await rm(ofGone.path);
  await flip(ofSmall.path, ofSmall.at + 4999);
  const first = await command('scrub', 'now', '--wait');
  assert.equal(first.code, 6);
  assert.deepEqual(
    [first.lines[0]?.['type'], first.lines[0]?.['state'], first.lines[0]?.['archives']],
    ['scrub', 'waiting', 4],
  );
  const ofArchive = (archiveId: string, kind: string, from: number, to: number, description?: string) => ({
    archiveId,
    range: { first: from, last: to },
    kind,
    description: description ?? null,
  });
  const found = (await command('damage', 'ls')).lines;
  const expected = [
    ofArchive(large, 'data', 4 * MIB, 5 * MIB - 1, 'a large one'),
    ofArchive(parts, 'description', 2 * MIB, 4 * MIB - 1, 'in parts'),
    ofArchive(gone, 'missing', 0, 399_999),
    ofArchive(small, 'data', 0, 4999, 'a small one'),
  ];
  assert.deepEqual(short(found), short(expected));
  for (const { path } of [ofLarge, ofPart, ofGone, ofSmall])
    assert.ok(found.some(({ file }) => join(server.data, 'store', String(file)) === path));
  const shown = () => listShown(api, [large, parts, gone, small, good]);
  assert.deepEqual(await shown(), [true, true, true, true, false]);
  await eventually('lines in the log', () => server.errors().split('stored bytes are damaged').length === 5);

  const jobId = await jobs.startRetrieval('v', large);
  for (const [from, to] of [
    [0, 4 * MIB - 1],
    [5 * MIB, SIZE - 1],
  ] as const) {
    const { status, bytes: sent } = await jobs.output('v', jobId, `bytes=${from}-${to}`);
    assert.deepEqual([status, digestOf(sent)], [206, digestOf(bytes(1).subarray(from, to + 1))]);
  }
  assert.equal((await jobs.output('v', jobId, `bytes=${4 * MIB}-${5 * MIB - 1}`)).status, 500);
  const whole = await jobs.output('v', await jobs.startRetrieval('v', good));
  assert.equal(digestOf(whole.bytes), digestOf(bytes(5, 5000)));

  await putBack(ofPart);
  if (checks) {
    const bad = await command('damage', 'check', large);
    assert.deepEqual([bad.code, bad.lines[0]?.['damaged']], [6, true]);
    const mended = await command('damage', 'check', parts);
    assert.deepEqual([mended.code, mended.lines[0]?.['damaged']], [0, false]);
    assert.match(String(mended.lines[0]?.['lastVerifiedDate']), /^\d{4}-/);
    const left = (await command('damage', 'ls')).lines;
    assert.deepEqual(short(left), short(expected.filter(({ archiveId }) => archiveId !== parts)));
  }
  for (const one of [ofLarge, ofGone]) await putBack(one);
  await flip(ofSmall.path, ofSmall.at + 4999);
  const last = await command('scrub', 'now', '--wait');
  assert.deepEqual([last.code, last.lines[0]?.['damages'], last.lines[0]?.['archives']], [0, 0, 0]);
  assert.deepEqual(await shown(), [false, false, false, false, false]);
}

/** Whether ListArchives shows each archive as damaged. Asserts that it shows each as read by a scrub. */
async function listShown(api: Api, ids: readonly string[]): Promise<readonly unknown[]> {
  const answer = await api.call('GET', '/-/vaults/v/archives');
  assert.equal(answer.status, 200, answer.text);
  const list = answer.json()['ArchiveList'] as readonly Record<string, unknown>[];
  return ids.map((id) => {
    const one = list.find((archive) => archive['ArchiveId'] === id);
    assert.match(String(one?.['LastVerifiedDate']), /^\d{4}-\d\d-\d\dT/, JSON.stringify(one));
    return one?.['Damaged'];
  });
}

describe('the scrub of a server', () => {
  it('finds damage, lists it, and forgets what was put back', async (t) => {
    await tellStory(await placeFor(t), true);
  });

  it('does so over PostgreSQL, and in one process of several', { skip: skipWithoutPostgres() }, async (t) => {
    const { url, drop } = await createDatabase();
    t.after(drop);
    await tellStory(await placeFor(t, ['--workers', '2'], url), false);
  });

  it('tells a topic and the audit log what is new, as a read does', async (t) => {
    const receiver = await startReceiver();
    t.after(() => receiver.close());
    const folder = await folderFor(t);
    const targets = join(folder, 'targets.json');
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    const webhook = { type: 'webhook', url: `${receiver.url}/damage`, secret };
    await writeFile(targets, JSON.stringify({ [TOPIC]: webhook }));
    const flags = ['--notification-targets', targets, '--allow-local-webhooks', '--damage-topic', TOPIC];
    const place = await placeFor(t, flags);
    const { api, command, server } = place;
    const id = await api.upload('v', bytes(1, 5000));
    const { path, at } = await findBytes(place, bytes(1, 4096));
    await flip(path, at);
    const jobs = jobsOf(api);
    assert.equal((await jobs.output('v', await jobs.startRetrieval('v', id))).status, 500);
    const [message] = await eventually(
      'a message',
      () => receiver.received.length === 1 && receiver.received,
    );
    const { TopicArn, Message } = JSON.parse(message?.body ?? '') as Record<string, string>;
    const { ArchiveId, Damage } = JSON.parse(Message ?? '') as Record<string, unknown>;
    assert.deepEqual([TopicArn, ArchiveId], [TOPIC, id]);
    assert.deepEqual(Damage, [
      { Kind: 'data', Range: '0-4999', Blob: (await command('damage', 'ls')).lines[0]?.['ref'] },
    ]);

    const large = await api.upload('v', bytes(2, 300_000));
    const ofLarge = await findBytes(place, bytes(2, 4096));
    await flip(ofLarge.path, 1);
    assert.equal((await command('scrub', 'now', '--wait')).code, 6);
    const second = await eventually('another message', () => receiver.received[1]);
    assert.match(second.body, new RegExp(large));
    // Only what is new is told.
    assert.equal(receiver.received.length, 2);
    await server.stop();
    const events = (await readFile(join(server.data, 'audit', await commandLog(server.data)), 'utf8')).split(
      '\n',
    );
    const names = events.flatMap((line) => /"eventName":"(\w+)"/.exec(line)?.[1] ?? []);
    assert.deepEqual(
      names.filter((name) => /Scrub|Damage/.test(name)),
      ['StartScrub', 'DamageFound'],
    );
    const again = await serverFor(t, { data: server.data, flags });
    const health = await eventually('health with damage', async () => {
      const text = await (await fetch(`${again.url}/_moraine/health`)).text();
      return text.includes('damage') && text;
    });
    assert.equal(health, '{"status":"ok","damage":2}');
  });
});

async function commandLog(data: string): Promise<string> {
  const names = await readdir(join(data, 'audit'));
  return names.find((name) => name.startsWith('commands') && name.endsWith('.log')) ?? '';
}
