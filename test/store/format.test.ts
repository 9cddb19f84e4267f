/**
 * docs/format.md suffices to read a store: a Python script, written from that page alone, must find exactly what a
 * server acknowledged.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { appendFile, copyFile, cp, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeFooter, decodeTrailer, encodeTrailer, FOOTER_BYTES } from '../../src/blobs/blob/format.ts';
import { DiskStore } from '../../src/blobs/disk/disk-store.ts';
import { encodeHeader } from '../../src/blobs/packs/format.ts';
import { NO_STAMP } from '../../src/domain/blob-store.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { sha256, treeHash } from '../../src/treehash/index.ts';
import { adminOf } from '../support/admin.ts';
import { compactedPacks, placeOf } from '../support/pack-reader.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { hashHeaders, type SignedRequest, send } from '../support/request.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { blobNames } from '../support/store-reader.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/read-store.py', import.meta.url));
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';
const skip = unlessPresent(spawnSync(PYTHON, ['--version']).status === 0, 'python3');
const QUOTED = 'with "quotes", a \\ and a\'b';

/** An archive as its client knows it. */
interface Kept {
  readonly bytes: Buffer;
  readonly description: string | null;
  /** Number of its blobs. */
  readonly blobs: number;
}

interface Settings {
  readonly tags: Record<string, string>;
  accessPolicy: string | null;
  lock: { readonly state: 'InProgress' | 'Locked'; readonly policy: string } | null;
  notifications: { readonly topic: string; readonly events: readonly string[] } | null;
}

/** The contents of a vault as its client knows them. */
interface Believed extends Settings {
  readonly region: string;
  readonly archives: Map<string, Kept>;
  /** By upload id: the bytes at each offset. */
  readonly uploads: Map<string, Map<number, Buffer>>;
}

/** A vault as the script prints it with `--json`. */
interface Found extends Settings {
  readonly region: string;
  readonly vault: string;
  readonly archives: Record<string, { size: number; treeHash: string; description: string | null } & Blobs>;
  readonly uploads: Record<string, Blobs>;
}

interface Blobs {
  readonly blobs: readonly { readonly name: string; readonly offset: number; readonly size: number }[];
}

/** A client that remembers what the server acknowledged. */
class Client {
  readonly vaults = new Map<string, Believed>();
  server: TestServer;
  readonly #afterEach: () => Promise<void>;

  constructor(server: TestServer, afterEach: () => Promise<void>) {
    this.server = server;
    this.#afterEach = afterEach;
  }

  vault(name: string): Believed {
    const vault = this.vaults.get(name);
    assert.ok(vault);
    return vault;
  }

  async createVault(name: string, region = 'us-east-1'): Promise<void> {
    const vault = { region, tags: {}, archives: new Map(), uploads: new Map() };
    const settings = { accessPolicy: null, lock: null, notifications: null };
    this.vaults.set(name, this.vaults.get(name) ?? { ...vault, ...settings });
    await this.#call(name, 201, { method: 'PUT', target: '' });
  }

  async deleteVault(name: string): Promise<void> {
    await this.#call(name, 204, { method: 'DELETE', target: '' });
    this.vaults.delete(name);
  }

  async addTags(name: string, tags: Record<string, string>): Promise<void> {
    const body = toBody({ Tags: tags });
    await this.#call(name, 204, { method: 'POST', target: '/tags?operation=add', body });
    Object.assign(this.vault(name).tags, tags);
  }

  async removeTag(name: string, key: string): Promise<void> {
    const body = toBody({ TagKeys: [key] });
    await this.#call(name, 204, { method: 'POST', target: '/tags?operation=remove', body });
    delete this.vault(name).tags[key];
  }

  async setAccessPolicy(name: string, policy: string): Promise<void> {
    await this.#call(name, 204, {
      method: 'PUT',
      target: '/access-policy',
      body: toBody({ Policy: policy }),
    });
    this.vault(name).accessPolicy = policy;
  }

  /** Initiates a lock; returns its id. */
  async initiateLock(name: string, policy: string): Promise<string> {
    const request = { method: 'POST', target: '/lock-policy', body: toBody({ Policy: policy }) };
    const id = await this.#call(name, 201, request, 'x-amz-lock-id');
    this.vault(name).lock = { state: 'InProgress', policy };
    return id;
  }

  async completeLock(name: string, id: string, policy: string): Promise<void> {
    await this.#call(name, 204, { method: 'POST', target: `/lock-policy/${id}` });
    this.vault(name).lock = { state: 'Locked', policy };
  }

  async abortLock(name: string): Promise<void> {
    await this.#call(name, 204, { method: 'DELETE', target: '/lock-policy' });
    this.vault(name).lock = null;
  }

  async notify(name: string, topic: string): Promise<void> {
    const events = ['ArchiveRetrievalCompleted'];
    const body = toBody({ SNSTopic: topic, Events: events });
    await this.#call(name, 204, { method: 'PUT', target: '/notification-configuration', body });
    this.vault(name).notifications = { topic, events };
  }

  async doNotNotify(name: string): Promise<void> {
    await this.#call(name, 204, { method: 'DELETE', target: '/notification-configuration' });
    this.vault(name).notifications = null;
  }

  async upload(name: string, bytes: Buffer, description: string | null = null): Promise<string> {
    const headers = { ...hashHeaders(bytes), 'x-amz-archive-description': description ?? '' };
    const request = { method: 'POST', target: '/archives', headers, body: bytes };
    const id = await this.#call(name, 201, request, 'x-amz-archive-id');
    this.vault(name).archives.set(id, { bytes, description, blobs: 1 });
    return id;
  }

  async delete(name: string, archiveId: string): Promise<void> {
    await this.#call(name, 204, { method: 'DELETE', target: `/archives/${archiveId}` });
    this.vault(name).archives.delete(archiveId);
  }

  /** Starts an upload and sends parts in the order given; a number given twice replaces its part. */
  async start(name: string, parts: [number, Buffer][], description: string | null = null): Promise<string> {
    const headers = { 'x-amz-part-size': String(MIB), 'x-amz-archive-description': description ?? '' };
    const request = { method: 'POST', target: '/multipart-uploads', headers };
    const id = await this.#call(name, 201, request, 'x-amz-multipart-upload-id');
    this.vault(name).uploads.set(id, new Map());
    for (const [number, bytes] of parts) await this.#put(name, id, number * MIB, bytes);
    return id;
  }

  async #put(name: string, uploadId: string, first: number, body: Buffer): Promise<void> {
    const headers = {
      ...hashHeaders(body),
      'content-range': `bytes ${first}-${first + body.length - 1}/*`,
    };
    await this.#call(name, 204, { method: 'PUT', target: `/multipart-uploads/${uploadId}`, headers, body });
    this.vault(name).uploads.get(uploadId)?.set(first, body);
  }

  async complete(
    name: string,
    uploadId: string,
    bytes: Buffer,
    description: string | null = null,
  ): Promise<string> {
    const headers = { 'x-amz-archive-size': String(bytes.length), 'x-amz-sha256-tree-hash': treeHash(bytes) };
    const request = { method: 'POST', target: `/multipart-uploads/${uploadId}`, headers };
    const id = await this.#call(name, 201, request, 'x-amz-archive-id');
    const { uploads, archives } = this.vault(name);
    // A repeated Complete does not restore an archive that was deleted meanwhile.
    const blobs = uploads.get(uploadId)?.size ?? 0;
    if (uploads.delete(uploadId)) archives.set(id, { bytes, description, blobs });
    return id;
  }

  async abort(name: string, uploadId: string): Promise<void> {
    await this.#call(name, 204, { method: 'DELETE', target: `/multipart-uploads/${uploadId}` });
    this.vault(name).uploads.delete(uploadId);
  }

  async #call(name: string, status: number, request: SignedRequest, wanted = ''): Promise<string> {
    const { region } = this.vault(name);
    const target = `/-/vaults/${name}${request.target}`;
    const answer = await send(this.server.url, this.server, { ...request, target, region });
    assert.equal(answer.status, status, answer.text);
    await this.#afterEach();
    return answer.headers[wanted] ?? '';
  }
}

const toBody = (members: Record<string, unknown>): string => JSON.stringify(members);

/** Different bytes for each number. */
const part = (number: number, length = MIB): Buffer => patternBytes(length, 7_654_321 * (number + 1));

async function useSingleUploads(client: Client): Promise<void> {
  await client.createVault('single');
  await client.createVault('single');
  await client.upload('single', Buffer.from('Hello World!'), QUOTED);
  await client.upload('single', patternBytes(2.5 * MIB));
  await client.upload('single', patternBytes(2.5 * MIB), 'the same bytes again');
  await client.delete('single', await client.upload('single', patternBytes(1.5 * MIB), 'to be deleted'));
  // As many small archives as make their pack worth compacting.
  const small: string[] = [];
  for (let i = 0; i < 10; i++)
    small.push(await client.upload('single', patternBytes(5000 + i), `small ${i}`));
  for (const id of small.slice(0, 8)) await client.delete('single', id);
  await client.addTags('single', { colour: 'blue', 'größe +1': 'groß = 2', empty: '' });
  await client.removeTag('single', 'colour');
}

/** Makes parts out of order and replaced ones, a repeated Complete, deleted archives, aborted and open uploads. */
async function useUploads(client: Client): Promise<void> {
  await client.createVault('multi');
  const bytes = Buffer.concat([part(0), part(1), part(2, 1000)]);
  const upload = await client.start(
    'multi',
    [
      [2, part(9, 1000)],
      [0, part(0)],
      [2, part(2, 1000)],
      [1, part(8)],
      [1, part(1)],
    ],
    'in parts',
  );
  const id = await client.complete('multi', upload, bytes, 'in parts');
  assert.equal(await client.complete('multi', upload, bytes), id);
  await client.complete('multi', await client.start('multi', [[0, part(5, 1)]]), part(5, 1));

  const deleted = await client.start('multi', [[0, part(6)]]);
  await client.delete('multi', await client.complete('multi', deleted, part(6)));
  await client.complete('multi', deleted, part(6));
  await client.abort('multi', await client.start('multi', [[0, part(1)]]));
  await client.start('multi', [
    [3, part(3)],
    [0, part(0)],
    [3, part(4, 77)],
  ]);
  await client.start('multi', []);
}

/** Makes a policy, a completed lock, an aborted one and one in progress; sets and deletes notifications. */
async function usePolicies(client: Client): Promise<void> {
  const policyOf = (effect: string, vault: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: effect,
          Principal: '*',
          Action: 'glacier:DeleteArchive',
          Resource: `arn:aws:glacier:us-east-1:${client.server.accountId}:vaults/${vault}`,
          ...(effect === 'Deny'
            ? { Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '1' } } }
            : {}),
        },
      ],
    });
  for (const name of ['locked', 'trying']) {
    await client.createVault(name);
    await client.setAccessPolicy(name, policyOf('Allow', name));
    await client.initiateLock(name, policyOf('Deny', name));
    await client.abortLock(name);
    await client.notify(name, 'arn:aws:sns:us-east-1:123456789012:jobs');
  }
  const lock = policyOf('Deny', 'locked');
  await client.completeLock('locked', await client.initiateLock('locked', lock), lock);
  await client.initiateLock('trying', policyOf('Deny', 'trying'));
  await client.doNotNotify('trying');
}

/** Makes a vault that is deleted with an open upload and made again, a deleted one, and one in another region. */
async function useVaultsAgain(client: Client): Promise<void> {
  for (const round of [1, 2]) {
    await client.createVault('again');
    await client.addTags('again', { [`round${round}`]: 'x' });
    const id = await client.upload('again', Buffer.from(`round ${round}`));
    await client.start('again', [[0, part(round, 10)]]);
    if (round === 2) break;
    await client.delete('again', id);
    await client.deleteVault('again');
  }
  await client.createVault('gone');
  await client.deleteVault('gone');
  await client.createVault('elsewhere', 'eu-west-1');
  await client.upload('elsewhere', Buffer.from('x'));
}

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(PYTHON, [SCRIPT, ...args], { encoding: 'utf8', maxBuffer: 64 * MIB });
}

function found(store: string): Found[] {
  const { status, stdout, stderr } = run('--json', store);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Accounts, users and keys as the script prints them with `--people`. */
interface People {
  readonly settings: Record<string, string>;
  readonly accounts: Record<string, unknown>;
  readonly users: Record<string, { userName: string; policies: Record<string, string> }>;
  readonly accessKeys: Record<string, { userNumber: number | null; sealedSecret: string; status: string }>;
  readonly retrievalPolicies: Record<string, unknown>;
  readonly capacityUnits: Record<string, { account: string }>;
}

function people(store: string): People {
  const { status, stdout, stderr } = run('--people', '--quick', store);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** Contents in a form that both sides can be compared in, without locations. */
function compare(store: string, { vaults }: Client): void {
  const ours = [...vaults].map(([vault, { region, archives, uploads, ...settings }]) => ({
    name: `${region}/${vault}`,
    settings,
    archives: Object.fromEntries(
      [...archives].map(([id, { bytes, description }]) => [id, [bytes.length, treeHash(bytes), description]]),
    ),
    uploads: Object.fromEntries(
      [...uploads].map(([id, parts]) => [id, [...parts].map(([at, { length }]) => [at, length]).sort()]),
    ),
  }));
  const theirs = found(store).map(({ region, vault, archives, uploads, ...rest }) => ({
    name: `${region}/${vault}`,
    settings: settingsOf(rest),
    archives: mapValues(archives, (archive) => [archive.size, archive.treeHash, archive.description]),
    uploads: mapValues(uploads, ({ blobs }) => blobs.map(({ offset, size }) => [offset, size]).sort()),
  }));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  assert.deepEqual(theirs.sort(byName), ours.sort(byName));
}

function settingsOf({ tags, accessPolicy, lock, notifications }: Settings) {
  return { tags, accessPolicy, lock, notifications };
}

function mapValues<From, To>(map: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

/** A second account, users with keys and policies, some of which are gone again; capacity and a retrieval policy. */
async function usePeople({ server }: Client): Promise<{ disabled: string; enabled: string; other: string }> {
  const admin = adminOf(server.data);
  const { account: other = '' } = await admin.json('account', 'create');
  const of = ['--account-id', server.accountId] as const;
  for (const name of ['ann', 'bob', 'eve']) await admin.run('user', 'create', name, ...of);
  const policy = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };
  const file = await admin.file('policy.json', policy);
  for (const name of ['all', 'gone']) await admin.run('policy', 'put', name, file, '--user', 'ann', ...of);
  await admin.run('policy', 'delete', 'gone', '--user', 'ann', ...of);
  const [{ accessKeyId: enabled }, { accessKeyId: disabled }, { accessKeyId: gone }] = [
    await admin.key(server.accountId, 'ann'),
    await admin.key(server.accountId, 'bob'),
    await admin.key(server.accountId, 'eve'),
  ];
  await admin.run('key', 'disable', disabled, ...of);
  await admin.run('key', 'delete', gone, ...of);
  await admin.run('user', 'delete', 'eve', ...of);
  const capacity = { method: 'POST', target: '/-/provisioned-capacity' };
  assert.equal((await send(server.url, server, capacity)).status, 201);
  const rule = { Policy: { Rules: [{ Strategy: 'FreeTier' }] } };
  const target = '/-/policies/data-retrieval';
  assert.equal(
    (await send(server.url, server, { method: 'PUT', target, body: JSON.stringify(rule) })).status,
    204,
  );
  return { disabled, enabled, other };
}

/** Hard-links every blob and pack, so that swept ones can be restored. */
async function keepBlobs(store: string, aside: string): Promise<void> {
  for (const folder of ['blobs', 'packs']) {
    const entries = await readdir(join(store, folder), { recursive: true, withFileTypes: true });
    for (const { parentPath, name } of entries.filter((entry) => entry.isFile())) {
      // Linking fails for blobs that have a link already, or that were swept since they were listed.
      if (!name.endsWith('.removed')) await link(join(parentPath, name), join(aside, name)).catch(() => {});
    }
  }
}

/** Restores the files that `keepBlobs` kept, and removes the lists of removed blobs. */
async function putBlobsBack(aside: string, store: string): Promise<void> {
  for (const name of await readdir(aside)) {
    const isPack = name.endsWith('.pack');
    await copyFile(join(aside, name), isPack ? join(store, 'packs', name) : blobPath(store, name));
    if (isPack) await rm(join(store, 'packs', name.replace('.pack', '.removed')), { force: true });
  }
}

/** Waits until all unneeded blobs are gone. */
async function untilSwept(store: string, { vaults }: Client): Promise<void> {
  let needed = 0;
  for (const { archives, uploads } of vaults.values()) {
    for (const { blobs } of archives.values()) needed += blobs;
    for (const parts of uploads.values()) needed += parts.size;
  }
  await eventually(`${needed} blobs, as many as are needed`, async () => {
    return (await blobNames(store)).length === needed;
  });
}

const blobPath = (store: string, name: string) => join(store, 'blobs', name.slice(-2), name);

describe('a store read by scripts/read-store.py', { skip }, () => {
  let folder: string;
  let store: string;
  let aside: string;
  let client: Client;
  let keys: Awaited<ReturnType<typeof usePeople>>;

  before(async () => {
    folder = await temporaryFolder();
    const data = join(folder, 'data');
    store = join(data, 'store');
    aside = join(folder, 'aside');
    await mkdir(aside);
    client = new Client(await startServer({ data }), () => keepBlobs(store, aside));
    await useSingleUploads(client);
    await useUploads(client);
    // The second run writes a second journal file.
    assert.equal(await client.server.stop(), 0);
    client.server = await startServer({ data });
    await useVaultsAgain(client);
    await usePolicies(client);
    keys = await usePeople(client);
    await untilSwept(store, client);
    assert.equal(await client.server.stop(), 0);
  });
  after(async () => {
    await client?.server.kill();
    await rm(folder, { recursive: true, force: true });
  });

  /** A copy that a test may damage. */
  async function copyOfStore(t: TestContext): Promise<string> {
    const copy = await temporaryFolder();
    t.after(() => rm(copy, { recursive: true }));
    await cp(store, copy, { recursive: true });
    return copy;
  }

  /** The journal file of the last run of the server. */
  async function lastJournal(copy: string): Promise<{ path: string; text: string }> {
    for (const name of await readdir(join(copy, 'journal'))) {
      const path = join(copy, 'journal', name);
      const text = await readFile(path, 'utf8');
      if (/"generation":2,.*"vault":"again"/.test(text)) return { path, text };
    }
    throw new Error('the last run wrote no journal');
  }

  it('has exactly what was acknowledged', () => compare(store, client));

  it('has the same contents before anything was swept', async (t) => {
    const copy = await copyOfStore(t);
    const before = (await blobNames(copy)).length;
    await putBlobsBack(aside, copy);
    assert.equal((await blobNames(copy)).length, before + 16);
    compare(copy, client);
  });

  it('has the same contents after its packs were compacted', async (t) => {
    const copy = await copyOfStore(t);
    const blobs = new DiskStore(copy, randomBytes, nodeHash);
    await blobs.confirmAll();
    await blobs.compact();
    await blobs.close();
    assert.equal((await compactedPacks(copy)).length, 1);
    compare(copy, client);
  });

  it('has the same contents with the remains of a crash', async (t) => {
    const copy = await copyOfStore(t);
    const { path: journal, text } = await lastJournal(copy);
    // Entries that were appended again, a torn line in a file that was not closed, a half-written blob, a foreign file.
    await writeFile(join(copy, 'journal', `${'0'.repeat(32)}.jsonl`), text);
    const open = `${text.trimEnd().split('\n').slice(0, -1).join('\n')}\n`;
    await writeFile(journal, open + text.slice(0, 100));
    await writeFile(join(copy, 'incoming', 'f'.repeat(32)), 'half a blob');
    await writeFile(join(copy, 'blobs', '00', '.DS_Store'), '');
    // A half-compacted pack, a list without its pack, torn ends of a list and of a pack.
    await writeFile(join(copy, 'incoming', `${'f'.repeat(32)}.compacted`), 'half a pack');
    await writeFile(join(copy, 'packs', `${'f'.repeat(32)}.removed`), Buffer.alloc(16, 1));
    const packs = (await readdir(join(copy, 'packs'))).filter((one) => one.endsWith('.pack'));
    assert.equal(packs.length, 2);
    // A compacted pack is complete when it gets its name, so a crash cannot tear its end. The last run's pack is not
    // compacted.
    const compacted = (await compactedPacks(copy)).map((one) => one.split(' ')[0]);
    const appended = packs.filter((pack) => !compacted.includes(pack));
    assert.ok(appended.length >= 1);
    for (const pack of appended) {
      const path = join(copy, 'packs', pack);
      const whole = await readFile(path);
      await appendFile(path.replace('.pack', '.removed'), Buffer.alloc(7, 1));
      // The header of a missing blob, garbage, the header of another record, zeros, garbage.
      const header = encodeHeader(pack.slice(0, 32), { place: whole.length, blobBytes: 700 });
      const torn = [header, patternBytes(192), whole.subarray(0, 256), Buffer.alloc(512), patternBytes(77)];
      await appendFile(path, Buffer.concat(torn));
      const marker = join(copy, 'incoming', pack.replace('.pack', '.open'));
      await writeFile(marker, String(whole.length).padStart(20, '0'));
    }
    compare(copy, client);
  });

  it('has the same contents with a newer version of a part that was refused and left behind', async (t) => {
    const copy = await copyOfStore(t);
    const { archives } = found(copy).find(({ vault }) => vault === 'multi') as Found;
    const old = Object.values(archives).find(({ blobs }) => blobs.length === 3)?.blobs[1]?.name ?? '';
    const blob = readFileSync(blobPath(copy, old));
    const layout = decodeFooter(old, blob.subarray(-FOOTER_BYTES), blob.length);
    const { label, writer } = decodeTrailer(old, blob.subarray(layout.size), layout);
    const bytes = part(7);
    const linearHash = treeHash(bytes);
    const digests = { size: MIB, treeHash: linearHash, linearHash, leaves: sha256(bytes) };
    const trailer = encodeTrailer({ ...label, sequence: label.sequence + 1 }, digests, writer ?? NO_STAMP());
    await writeFile(blobPath(copy, 'e'.repeat(32)), Buffer.concat([bytes, trailer]));
    compare(copy, client);
  });

  it('holds accounts, users, policies and sealed keys', async () => {
    const { accountId, data, accessKeyId } = client.server;
    const found = people(store);
    assert.equal(found.settings['account-id'], accountId);
    assert.equal(found.settings['first-access-key-id'], accessKeyId);
    assert.deepEqual(Object.keys(found.accounts).sort(), [accountId, keys.other].sort());
    const users = Object.values(found.users).map(({ userName, policies }) => [
      userName,
      Object.keys(policies),
    ]);
    assert.deepEqual(users, [
      ['ann', ['all']],
      ['bob', []],
    ]);
    const byUser = mapValues(found.accessKeys, ({ userNumber, status }) => [
      found.users[String(userNumber)]?.userName,
      status,
    ]);
    assert.equal(Object.keys(byUser).length, 4);
    assert.deepEqual(byUser[keys.enabled], ['ann', 'active']);
    assert.deepEqual(byUser[keys.disabled], ['bob', 'disabled']);
    assert.deepEqual(
      Object.values(found.capacityUnits).map(({ account }) => account),
      [accountId],
    );
    assert.equal(Object.keys(found.retrievalPolicies).length, 1);
    // The secret opens as docs/format.md says.
    const masterKey = Buffer.from((await readFile(join(data, 'master.key'), 'utf8')).trim(), 'hex');
    const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'moraine sealed secrets', 32));
    const sealed = Buffer.from(found.accessKeys[accessKeyId]?.sealedSecret ?? '', 'base64url');
    const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(
      Buffer.from(accessKeyId),
    );
    cipher.setAuthTag(sealed.subarray(12, 28));
    const secret = Buffer.concat([cipher.update(sealed.subarray(28)), cipher.final()]).toString();
    assert.equal(secret, client.server.secretAccessKey);
  });

  /** A copy whose journal has entries as a later version writes them. */
  async function withEntries(t: TestContext, ...bodies: Record<string, unknown>[]): Promise<string> {
    const copy = await copyOfStore(t);
    const blobs = new DiskStore(copy, randomBytes, nodeHash);
    await blobs.appendEntries(bodies.map((body, i) => ({ seq: 1_000_000 + i, body })));
    await blobs.close();
    return copy;
  }

  it('is read with bulk deletions, numbers, used ids and dates of imports', async (t) => {
    const of = (vault: string) => ({ account: client.server.accountId, region: 'us-east-1', vault });
    const singles = [...client.vault('single').archives.keys()];
    const [multi = '', rest = ''] = [...client.vault('multi').archives.keys()];
    const [kept = '', numbered = ''] = singles;
    const upTo = Date.now() * 1024;
    const copy = await withEntries(
      t,
      { type: 'archives-kept', ...of('single'), bulkId: 'b', archiveIds: [kept] },
      { type: 'archives-deleted', ...of('single'), bulkId: 'b', upTo, kept: 1, at: 1 },
      { type: 'archive-numbered', ...of('single'), archiveId: numbered, number: upTo + 1 },
      { type: 'archives-deleted', ...of('gone'), bulkId: 'c', upTo, kept: 0, at: 1 },
      { type: 'ids-used', ...of('multi'), archiveIds: [rest] },
      { type: 'archive-imported', ...of('multi'), archiveId: multi, createdMs: 5, arrivedMs: 6 },
    );
    const archivesOf = (vault: string) =>
      (found(copy).find((one) => one.vault === vault && one.region === 'us-east-1') as Found).archives;
    assert.deepEqual(Object.keys(archivesOf('single')).sort(), [kept, numbered].sort());
    const left = archivesOf('multi') as Record<string, { createdMs?: number; arrivedMs?: number }>;
    assert.deepEqual(Object.keys(left), [multi]);
    assert.deepEqual([left[multi]?.createdMs, left[multi]?.arrivedMs], [5, 6]);
  });

  it('is shown as damaged with an unknown entry, and with a bulk deletion of which entries are missing', async (t) => {
    const of = { account: client.server.accountId, region: 'us-east-1', vault: 'single' };
    const unknown = run(await withEntries(t, { type: 'archive-frozen', ...of }));
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /an entry of type archive-frozen is not known here/);
    const upTo = Date.now() * 1024;
    const copy = await withEntries(t, { type: 'archives-deleted', ...of, bulkId: 'b', upTo, kept: 1, at: 1 });
    const { status, stdout, stderr } = run('--quick', copy);
    assert.equal(status, 1);
    assert.match(stderr, /keeps 1 archives, of which 0 are known/);
    assert.equal(stdout.trimEnd().split('\n').length, 9);
  });

  it('has journal files that are closed: a change at the end shows, too', async (t) => {
    const copy = await copyOfStore(t);
    const { path, text } = await lastJournal(copy);
    const closing = text.trimEnd().split('\n').at(-1) ?? '';
    assert.match(closing, /^[0-9a-f]{32} \{"closed":\{"lines":/);
    const last = text.length - closing.length - 1;
    for (const at of [last - 40, last - 1, last + 10, text.length - 1]) {
      await writeFile(path, `${text.slice(0, at)}~${text.slice(at + 1)}`);
      assert.equal(run('--quick', copy).status, 1, `byte ${at} of ${text.length}`);
    }
  });

  it('gives every archive back', () => {
    const archives = [...client.vaults.values()].flatMap((vault) => [...vault.archives]);
    assert.equal(archives.length, 9);
    for (const [i, [id, { bytes }]] of archives.entries()) {
      const file = join(folder, `extracted-${i}`);
      const { status, stderr } = run(store, '--extract', id, file);
      assert.equal(status, 0, stderr);
      assert.ok(bytes.equals(readFileSync(file)), `archive ${id}`);
    }
  });

  it('is listed with one line per archive', () => {
    const { stdout } = run('--quick', store);
    const lines = stdout.trimEnd().split('\n');
    const ids = [...client.vaults.values()].flatMap((vault) => [...vault.archives.keys()]);
    assert.deepEqual(lines.map((line) => line.split('\t')[1]).sort(), ids.sort());
    const hello = lines.find((line) => line.endsWith(JSON.stringify(QUOTED)))?.split('\t') ?? [];
    assert.equal(hello[0], `${client.server.accountId}/us-east-1/single`);
    assert.deepEqual(hello.slice(2, 4), ['12', treeHash(Buffer.from('Hello World!'))]);
  });

  for (const [kind, which, header] of [
    ['a file of its own', -1, []],
    ['a pack', 0, [-64, -56, -48, -40, -32, -16, -1]],
  ] as const) {
    it(`is reported as damaged wherever a byte is changed in ${kind}`, async (t) => {
      const copy = await copyOfStore(t);
      const { archives } = found(copy).find(({ vault }) => vault === 'single') as Found;
      const archive = Object.values(archives)
        .sort((a, b) => a.size - b.size)
        .at(which);
      const size = archive?.size ?? 0;
      const { path, start, bytes } = await placeOf(copy, archive?.blobs[0]?.name ?? '');
      const whole = await readFile(path);
      // Data, leaf, label, each field of the footer; in a pack also each field of the header.
      const ends = [64, 56, 52, 48, 40, 36, 32, 1].map((back) => bytes - back);
      for (const at of [...header, 0, size - 1, size, size + 200, ...ends]) {
        const changed = Buffer.from(whole);
        changed[start + at] = (whole[start + at] ?? 0) ^ 1;
        await writeFile(path, changed);
        assert.equal(run(copy).status, 1, `byte ${at} of ${bytes}`);
      }
      await writeFile(path, whole);
      compare(copy, client);
    });
  }
});
