/** Audit events of commands, starts and downloads, and `moraine audit export`. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Admin, adminOf } from '../support/admin.ts';
import { type Api, apiOf } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { jobsOf } from '../support/jobs.ts';
import { identityPolicy } from '../support/people.ts';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer } from '../support/server.ts';

type Event = Record<string, unknown> & {
  readonly eventName: string;
  readonly requestParameters: Record<string, unknown>;
};

let server: TestServer;
let admin: Admin;
let api: Api;
before(async () => {
  server = await startServer({ flags: ['--workers', '2'] });
  admin = adminOf(server.data);
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

async function exported(...filters: string[]): Promise<Event[]> {
  return (await admin.run('audit', 'export', ...filters)).map((line) => JSON.parse(line) as Event);
}

/** An event without the members that differ from run to run. */
function shapeOf({ eventName, requestParameters }: Event): unknown {
  return [eventName, requestParameters];
}

describe('commands', () => {
  it('leave events that name the operating system user and contain no secret', async () => {
    const start = await exported();
    const secrets = [server.secretAccessKey];
    const policy = JSON.stringify(identityPolicy('Allow', 'glacier:*'));
    await admin.run('user', 'create', 'eve');
    await admin.run('policy', 'put', 'all', await admin.file('all.json', policy), '--user', 'eve');
    const key = await admin.json('key', 'create', '--user', 'eve');
    secrets.push(key['secretAccessKey'] ?? '');
    const issued = await admin.json('key', 'issue', '--user', 'eve');
    secrets.push(issued['secretAccessKey'] ?? '', issued['sessionToken'] ?? '');
    const id = key['accessKeyId'] ?? '';
    await admin.run('key', 'disable', id);
    await admin.run('key', 'enable', id);
    await admin.run('key', 'delete', id);
    await admin.run('policy', 'delete', 'all', '--user', 'eve');
    await admin.run('user', 'delete', 'eve');
    await admin.run('lock', 'confirm-time');
    const accountId = server.accountId;
    const of = { accountId, userName: 'eve' };
    const events = (await exported('--from', String(start.at(-1)?.['eventTime']))).filter(
      ({ eventType }) => eventType === 'MoraineCommand',
    );
    assert.deepEqual(events.map(shapeOf).slice(0, -1), [
      ['CreateUser', of],
      ['PutUserPolicy', { ...of, policyName: 'all', policyDocument: policy }],
      ['CreateAccessKey', of],
      ['GetSessionToken', of],
      ['UpdateAccessKey', { ...of, accessKeyId: id, status: 'disabled' }],
      ['UpdateAccessKey', { ...of, accessKeyId: id, status: 'active' }],
      ['DeleteAccessKey', { ...of, accessKeyId: id }],
      ['DeleteUserPolicy', { ...of, policyName: 'all' }],
      ['DeleteUser', of],
    ]);
    assert.equal(events.at(-1)?.eventName, 'ConfirmLockTime');
    const { username: userName, uid } = userInfo();
    for (const event of events) {
      assert.deepEqual(event['userIdentity'], { type: 'OSUser', userName, uid });
      assert.equal(event['eventSource'], 'moraine.command');
    }
    const folder = join(server.data, 'audit');
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), 'utf8');
      for (const secret of secrets) assert.ok(secret.length >= 40 && !text.includes(secret), name);
    }
  });

  it('leave no event if they change nothing', async () => {
    const before = (await exported()).length;
    await admin.run('user', 'list');
    await admin.notFound('user', 'delete', 'nobody');
    await admin.run('audit', 'verify');
    assert.equal((await exported()).length, before);
  });

  it('all leave events when run concurrently, in one chain', async () => {
    const names = ['s1', 's2', 's3', 's4'];
    await Promise.all(names.map((name) => admin.run('user', 'create', name)));
    const created = (await exported('--action', 'CreateUser')).map(
      ({ requestParameters }) => requestParameters['userName'],
    );
    for (const name of names) assert.ok(created.includes(name), name);
    const chains = (await readdir(join(server.data, 'audit'))).filter((name) => name.startsWith('commands'));
    assert.deepEqual(chains.sort(), ['commands.000000.log', 'commands.head', 'commands.sqlite']);
  });

  it('are exported together with the account and the key that the first start made', async () => {
    const events = (await exported()).filter(({ eventType }) => eventType === 'MoraineServer');
    assert.deepEqual(
      events.map(({ eventName, responseElements }) => [eventName, responseElements]),
      [
        ['CreateAccount', null],
        ['CreateAccessKey', { accessKeyId: server.accessKeyId }],
      ],
    );
  });
});

describe('downloads', () => {
  const SIZE = 24 * 1024 * 1024;

  it('leave one event each, with the number of bytes sent', async () => {
    const jobs = jobsOf(api);
    const archiveId = await api.upload('v', Buffer.alloc(SIZE, 7));
    const jobId = await jobs.startRetrieval('v', archiveId);
    assert.equal((await jobs.output('v', jobId)).bytes.length, SIZE);
    assert.equal((await jobs.output('v', jobId, 'bytes=0-9')).bytes.length, 10);
    await breakOff(`/-/vaults/v/jobs/${jobId}/output`);
    const events = await eventually('three records', async () => {
      const found = await exported('--action', 'GetJobOutput');
      return found.length >= 3 && found;
    });
    assert.equal(events.length, 3);
    const [whole, range, broken] = events.map((event) => event['additionalEventData'] as Event);
    assert.deepEqual(whole, { archiveId, bytesTransferredOut: SIZE, complete: true });
    assert.deepEqual(range, { archiveId, bytesTransferredOut: 10, complete: true });
    assert.equal(events[1]?.requestParameters['range'], 'bytes=0-9');
    assert.equal(broken?.['complete'], false);
    assert.ok(Number(broken?.['bytesTransferredOut']) < SIZE);
    for (const event of events) {
      assert.equal(event['readOnly'], true);
      assert.equal(event.requestParameters['jobId'], jobId);
    }
  });

  /** Begins a download, and disconnects after the first bytes. */
  function breakOff(path: string): Promise<void> {
    const { hostname, port } = new URL(server.url);
    return new Promise((resolve, reject) => {
      const options = { hostname, port, path, headers: api.headersOf('GET', path) };
      const outgoing = request(options, (response) => {
        response.on('error', () => {});
        response.once('data', () => {
          response.destroy();
          resolve();
        });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  }
});

describe('an export', () => {
  it('merges the events of all processes by time', async () => {
    for (let i = 0; i < 12; i++) await api.createVault(`order-${i}`);
    await admin.run('user', 'create', 'order');
    const times = (await exported()).map(({ eventTime }) => String(eventTime));
    assert.deepEqual(times, times.toSorted());
    assert.ok(times.length > 13);
  });

  it('prints the events that match the filters, and reports when there are none', async () => {
    const of = async (...filters: string[]) => (await exported(...filters)).map(({ eventName }) => eventName);
    await api.createVault('filtered');
    assert.deepEqual(await of('--vault', 'filtered'), ['CreateVault']);
    assert.deepEqual(await of('--vault', api.vaultArn('filtered')), ['CreateVault']);
    assert.deepEqual(await of('--vault', 'filtered', '--action', 'DeleteVault'), []);
    assert.deepEqual(await of('--vault', 'filtered', '--caller', server.accessKeyId), ['CreateVault']);
    assert.deepEqual(await of('--to', '2020-01-01'), []);
    const none = await runMoraine(['audit', 'export', '--data', server.data, '--vault', 'filtred']);
    assert.deepEqual([none.code, none.output], [0, '']);
    assert.match(none.errors, /^moraine: none of \d+ events matches\n$/);
    assert.match(
      await admin.refused('audit', 'export', '--action', 'DeleteArchives'),
      /--action DeleteArchives is unknown/,
    );
    assert.match(
      await admin.refused('audit', 'export', '--from', '2026-02-30'),
      /--from must be a time .*, not "2026-02-30"/,
    );
  });
});
