/** GetArchive on real servers: bytes, ranges, heads, the settings, damage, and the audit log. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../../src/treehash/index.ts';
import { adminOf } from '../../support/admin.ts';
import { type Api, apiOf, assertRefusal } from '../../support/api.ts';
import { digestOf, download } from '../../support/download.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { eventually } from '../../support/poll.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { folderFor, serverFor } from '../../support/test-servers.ts';

const SIZE = 3 * MIB + 500;
const BYTES = patternBytes(SIZE);
const INVALID = 'InvalidParameterValueException';

let server: TestServer;
let api: Api;
/** The same bytes, of one upload and in parts. */
let single: string;
let parts: string;

const pathOf = (id: string, vault = 'v') => `/-/vaults/${vault}/archives/${id}/content`;
const get = (id: string, range?: string) => download(api, pathOf(id), range === undefined ? {} : { range });

before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
  single = await api.upload('v', BYTES, 'a description');
  const uploadId = await api.initiate('v', MIB);
  for (let at = 0; at < SIZE; at += MIB) await api.putPart('v', uploadId, at, BYTES.subarray(at, at + MIB));
  const { headers } = await api.complete('v', uploadId, SIZE, treeHash(BYTES));
  parts = headers['x-amz-archive-id'] ?? '';
});
after(() => server.stop());

describe('GetArchive', () => {
  it('sends the whole archive without a job', async () => {
    for (const id of [single, parts]) {
      const { status, headers, bytes, complete } = await get(id);
      assert.deepEqual([status, complete], [200, true]);
      assert.equal(digestOf(bytes), digestOf(BYTES));
      assert.equal(headers['x-amz-sha256-tree-hash'], treeHash(BYTES));
      assert.equal(headers['content-length'], String(SIZE));
      assert.equal(headers['content-type'], 'application/octet-stream');
      assert.equal(headers['accept-ranges'], 'bytes');
      assert.equal(headers['content-range'], undefined);
      assert.equal(headers['x-amz-archive-description'], id === single ? 'a description' : undefined);
      const shown = (await api.call('GET', `/-/vaults/v/archives/${id}`)).json();
      const created = Date.parse(String(shown['CreationDate']));
      assert.equal(headers['last-modified'], new Date(created).toUTCString());
    }
  });

  it('sends ranges as GetJobOutput does, with the tree hash of aligned ones', async () => {
    const rows: readonly (readonly [string, number, number, boolean])[] = [
      ['bytes=0-0', 0, 0, false],
      ['bytes=5-1048580', 5, MIB + 4, false],
      [`bytes=0-${MIB - 1}`, 0, MIB - 1, true],
      [`bytes=0-${2 * MIB - 1}`, 0, 2 * MIB - 1, true],
      [`bytes=${MIB}-${3 * MIB - 1}`, MIB, 3 * MIB - 1, false],
      [`bytes=${3 * MIB}-`, 3 * MIB, SIZE - 1, true],
      ['bytes=-3', SIZE - 3, SIZE - 1, false],
      ['bytes=0-99999999999', 0, SIZE - 1, true],
    ];
    for (const id of [single, parts]) {
      for (const [range, first, last, aligned] of rows) {
        const { status, headers, bytes, complete } = await get(id, range);
        assert.deepEqual([status, complete], [206, true], range);
        assert.equal(headers['content-range'], `bytes ${first}-${last}/${SIZE}`);
        const expected = BYTES.subarray(first, last + 1);
        assert.equal(digestOf(bytes), digestOf(expected), range);
        assert.equal(headers['x-amz-sha256-tree-hash'], aligned ? treeHash(expected) : undefined, range);
      }
    }
  });

  it('ignores malformed ranges, and refuses a start beyond the end', async () => {
    for (const range of ['bytes=5-4', 'bytes=a-b', 'bytes=0-1,3-4', 'lines=0-1'])
      assert.equal((await get(single, range)).status, 200, range);
    const beyond = await api.call('GET', pathOf(single), { headers: { range: `bytes=${SIZE}-` } });
    const text = `The start of the range is larger than size of retrieved data: bytes=${SIZE}-`;
    assertRefusal(beyond, 400, INVALID, text);
  });

  it('answers HEAD with the same head and no byte', async () => {
    for (const range of [undefined, `bytes=0-${MIB - 1}`]) {
      const headers = { range };
      const head = await api.call('HEAD', pathOf(single), { headers });
      const whole = await get(single, range);
      assert.equal(head.status, whole.status);
      assert.equal(head.text, '');
      for (const name of ['date', 'x-amzn-requestid', 'connection', 'keep-alive']) {
        delete (head.headers as Record<string, string>)[name];
        delete (whole.headers as Record<string, string>)[name];
      }
      assert.deepEqual({ ...head.headers }, { ...whole.headers });
    }
    assert.equal((await api.call('HEAD', pathOf('x'))).status, 404);
  });

  it('refuses unknown archives', async () => {
    const answer = await api.call('GET', pathOf('x'));
    assertRefusal(answer, 404, 'ResourceNotFoundException', 'The archive ID was not found: x');
  });

  it('is on record with what was sent', async () => {
    const { headers } = await get(single, 'bytes=0-9');
    await eventually('the event', async () => {
      const lines = await adminOf(server.data).run('audit', 'export', '--action', 'moraine:GetArchive');
      const events = lines.map((line): Record<string, unknown> => JSON.parse(line));
      const event = events.find((one) => one['requestID'] === headers['x-amzn-requestid']);
      if (event === undefined) return false;
      const sent = { archiveId: single, bytesTransferredOut: 10, complete: true };
      assert.deepEqual(event['additionalEventData'], sent);
      return true;
    });
  });
});

describe('the setting direct-reads', () => {
  it('refuses GetArchive if off', async (t) => {
    const other = await serverFor(t, { data: await folderFor(t), flags: ['--direct-reads', 'off'] });
    const at = apiOf(other);
    await at.createVault('v');
    const id = await at.upload('v', 'x');
    const text = 'This server does not offer direct reads. Use InitiateJob and GetJobOutput.';
    assertRefusal(await at.call('GET', pathOf(id)), 403, 'AccessDeniedException', text);
    assert.equal((await at.call('GET', `/-/vaults/v/archives/${id}`)).status, 200);
  });

  it('counts the bytes against the data retrieval policy if counted', async (t) => {
    const other = await serverFor(t, { data: await folderFor(t), flags: ['--direct-reads', 'counted'] });
    const at = apiOf(other);
    await at.createVault('v');
    const id = await at.upload('v', patternBytes(8));
    const rule = { Strategy: 'BytesPerHour', BytesPerHour: 4 };
    const set = await at.call('PUT', '/-/policies/data-retrieval', {
      body: JSON.stringify({ Policy: { Rules: [rule] } }),
    });
    assert.equal(set.status, 204, set.text);
    assert.equal((await at.call('HEAD', pathOf(id))).status, 200);
    assert.equal((await at.call('GET', pathOf(id))).status, 200);
    const range = (value: string) => ({ headers: { range: value } });
    assert.equal((await at.call('GET', pathOf(id), range('bytes=0-6'))).status, 206);
    const text = 'GetArchive request denied by current data retrieval policy.';
    const refused = await at.call('GET', pathOf(id), range('bytes=0-1'));
    assertRefusal(refused, 400, 'PolicyEnforcedException', text);
    const body = JSON.stringify({ Type: 'archive-retrieval', ArchiveId: id });
    assert.equal((await at.call('POST', '/-/vaults/v/jobs', { body })).status, 400);
    assert.equal((await at.call('GET', pathOf(id), range('bytes=0-0'))).status, 206);
  });
});
