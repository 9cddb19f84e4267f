/** Faults requested from the emulator: delays, cut connections, short and corrupt downloads. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../src/treehash/index.ts';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { type Jobs, jobsOf } from '../support/jobs.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { hashHeaders } from '../support/request.ts';
import type { TestServer } from '../support/server.ts';
import { storeFiles } from '../support/store-files.ts';
import { headText, Wire } from '../support/wire.ts';

const SIZE = 5 * MIB + 3;
const BODY = patternBytes(SIZE);
const TREE_HASH = treeHash(BODY);

let server: TestServer;
let api: Api;
let jobs: Jobs;
let controls: EmulatorControls;
let jobId: string;
let archiveId: string;
before(async () => {
  server = await startEmulator();
  api = apiOf(server);
  jobs = jobsOf(api);
  controls = controlsOf(server);
  await api.createVault('v');
  archiveId = await api.upload('v', BODY);
  jobId = await jobs.startRetrieval('v', archiveId);
});
after(() => server.stop());

/** Sends the text on a new connection; returns everything received until the server ends it. */
async function receivedFor(method: string, target: string, body: Buffer = Buffer.alloc(0)): Promise<string> {
  const wire = await Wire.open(server.url);
  const headers = body.length === 0 ? {} : hashHeaders(body);
  wire.write(headText(method, target, api.headersOf(method, target, { headers, body })));
  wire.write(body);
  await wire.untilClosed();
  wire.destroy();
  return wire.received;
}

const archives = async (): Promise<unknown> =>
  (await api.call('GET', '/-/vaults/v')).json()['NumberOfArchives'];

describe('a latency', () => {
  it('delays only the named operation, for the given time', async () => {
    await controls.faultWith({ operation: 'DescribeVault', latency: '700ms', times: 1 });
    const begun = performance.now();
    let answered = false;
    const slow = api.call('GET', '/-/vaults/v').then((answer) => {
      answered = true;
      return answer;
    });
    assert.equal((await api.call('GET', '/-/vaults')).status, 200);
    if (performance.now() - begun < 600) assert.equal(answered, false);
    assert.equal((await slow).status, 200);
    assert.ok(performance.now() - begun >= 690);
    assert.deepEqual((await controls.state()).faults, []);
  });

  it('precedes an error or a cut of the same fault', async () => {
    const fault = { operation: 'DescribeVault', latency: '300ms', code: 'ThrottlingException' };
    assert.deepEqual((await controls.faultWith(fault)).faults, [{ ...fault, times: 1 }]);
    const begun = performance.now();
    const answer = await api.call('GET', '/-/vaults/v');
    assert.ok(performance.now() - begun >= 290);
    assert.equal(answer.json()['code'], 'ThrottlingException');
  });

  it('ends when the server is asked to stop', async () => {
    const own = await startEmulator();
    await controlsOf(own).faultWith({ operation: 'ListVaults', latency: '1h' });
    const answer = apiOf(own).call('GET', '/-/vaults');
    await eventually('the fault to be met', async () => (await controlsOf(own).state()).faults.length === 0);
    assert.equal(await own.stop(), 0);
    assert.equal((await answer).status, 200);
  });
});

describe('a cut connection', () => {
  it('before the operation: no answer, and no effect', async () => {
    const before = await archives();
    await controls.faultWith({ operation: 'UploadArchive', cut: 'before' });
    assert.equal(await receivedFor('POST', '/-/vaults/v/archives', Buffer.from('cut before')), '');
    assert.equal(await archives(), before);
    await controls.faultWith({ operation: 'CreateVault', cut: 'before' });
    assert.equal(await receivedFor('PUT', '/-/vaults/never'), '');
    assert.equal((await api.call('GET', '/-/vaults/never')).status, 404);
  });

  it('during an upload: no answer, nothing stored, and the next try succeeds', async () => {
    const before = await archives();
    const blobs = (await storeFiles(server.data)).blobs.length;
    for (const body of [Buffer.from('small'), BODY]) {
      await controls.faultWith({ operation: 'UploadArchive', cut: 'during' });
      assert.equal(await receivedFor('POST', '/-/vaults/v/archives', body), '');
    }
    assert.equal(await archives(), before);
    assert.equal((await storeFiles(server.data)).blobs.length, blobs);
    await api.upload('v', 'small');
  });

  it('during a download: the client gets half of the bytes that Content-Length announced', async () => {
    await controls.faultWith({ operation: 'GetJobOutput', cut: 'during' });
    const { status, headers, bytes, complete } = await jobs.output('v', jobId);
    assert.deepEqual([status, headers['content-length'], complete], [200, String(SIZE), false]);
    assert.ok(bytes.equals(BODY.subarray(0, SIZE >> 1)), `${bytes.length} bytes`);
  });

  it('during another answer: the client gets half of its body', async () => {
    await controls.faultWith({ operation: 'DescribeVault', cut: 'during' });
    const [head = '', body = ''] = (await receivedFor('GET', '/-/vaults/v')).split('\r\n\r\n');
    const whole = (await api.call('GET', '/-/vaults/v')).text;
    assert.match(head, new RegExp(`^HTTP/1\\.1 200 [^]*content-length: ${whole.length}`, 'i'));
    assert.equal(body, whole.slice(0, whole.length >> 1));
  });

  it('after the operation: no answer, but the change is made', async () => {
    await controls.faultWith({ operation: 'CreateVault', cut: 'after' });
    assert.equal(await receivedFor('PUT', '/-/vaults/after'), '');
    assert.equal((await api.call('GET', '/-/vaults/after')).status, 200);
    await controls.faultWith({ operation: 'DeleteVault', cut: 'after' });
    assert.equal(await receivedFor('DELETE', '/-/vaults/after'), '');
    assert.equal((await api.call('GET', '/-/vaults/after')).status, 404);
    await controls.faultWith({ operation: 'GetJobOutput', cut: 'after' });
    assert.equal(await receivedFor('GET', `/-/vaults/v/jobs/${jobId}/output`), '');
  });

  it('leaves no error in the log', async () => {
    assert.doesNotMatch(server.errors(), /"level":[56]0/);
  });
});

describe('a bad download', () => {
  it('that is short is valid HTTP: only size and tree hash reveal it', async () => {
    await controls.faultWith({ operation: 'GetJobOutput', download: 'short' });
    const { status, headers, bytes, complete } = await jobs.output('v', jobId);
    assert.deepEqual([status, complete, bytes.length], [200, true, Math.ceil(SIZE / 2)]);
    assert.equal(headers['x-amz-sha256-tree-hash'], TREE_HASH);
    assert.notEqual(treeHash(bytes), TREE_HASH);
  });

  it('that is corrupt differs in one bit, and the next download is right', async () => {
    await controls.faultWith({ operation: 'GetJobOutput', download: 'corrupt', times: 2 });
    for (const range of [undefined, `bytes=0-${MIB - 1}`]) {
      const { headers, bytes, complete } = await jobs.output('v', jobId, range);
      const expected = BODY.subarray(0, bytes.length);
      const wrong = [...bytes.keys()].filter((i) => bytes[i] !== expected[i]);
      assert.deepEqual([complete, wrong], [true, [bytes.length >> 1]]);
      assert.equal((bytes[wrong[0] ?? 0] ?? 0) ^ (expected[wrong[0] ?? 0] ?? 0), 1);
      assert.equal(headers['x-amz-sha256-tree-hash'], treeHash(expected));
    }
    assert.ok((await jobs.output('v', jobId)).bytes.equals(BODY));
  });

  it('can be of an inventory or of a one-byte archive', async () => {
    const inventory = await jobs.startInventory('v');
    await jobs.untilDone('v', inventory);
    const { bytes } = await jobs.output('v', inventory);
    await controls.faultWith({ operation: 'GetJobOutput', download: 'corrupt' });
    assert.notDeepEqual((await jobs.output('v', inventory)).bytes, bytes);
    const one = await jobs.startRetrieval('v', await api.upload('v', 'x'));
    for (const [download, expected] of [
      ['corrupt', 'y'],
      ['short', 'x'],
    ] as const) {
      await controls.faultWith({ operation: 'GetJobOutput', download });
      assert.equal((await jobs.output('v', one)).bytes.toString(), expected);
    }
  });

  it('neither changes stored bytes nor marks them as damaged', async () => {
    const again = await jobs.startRetrieval('v', archiveId);
    const { headers, bytes } = await jobs.output('v', again);
    assert.equal(headers['x-amz-sha256-tree-hash'], TREE_HASH);
    assert.ok(bytes.equals(BODY));
    assert.doesNotMatch(server.errors(), /damaged/i);
  });
});

describe('pending faults', () => {
  it('can be removed all at once', async () => {
    await controls.fault('ListVaults', 'ThrottlingException', 3);
    await controls.faultWith({ operation: 'GetJobOutput', download: 'short', times: 3 });
    assert.equal((await controls.state()).faults.length, 2);
    assert.deepEqual((await controls.clearFaults()).faults, []);
    assert.equal((await api.call('GET', '/-/vaults')).status, 200);
    assert.equal((await jobs.output('v', jobId)).bytes.length, SIZE);
  });

  it('are removed by a reset', async () => {
    const own = await startEmulator();
    try {
      await controlsOf(own).fault('ListVaults', 'ThrottlingException', 3);
      assert.deepEqual((await controlsOf(own).reset()).faults, []);
      assert.equal((await apiOf(own).call('GET', '/-/vaults')).status, 200);
    } finally {
      await own.stop();
    }
  });

  it('are refused when invalid', async () => {
    const bad = async (members: Record<string, unknown>, message: RegExp) =>
      assertRefusal(await controls.post('/faults', members), 400, 'InvalidParameterValueException', message);
    for (const latency of ['2', '-2s', '2h', 2, null, {}])
      await bad({ operation: 'ListVaults', latency }, /^Invalid latency: /);
    for (const cut of ['middle', '', true, null])
      await bad({ operation: 'ListVaults', cut }, /^Invalid cut: /);
    for (const download of ['long', null, 1])
      await bad({ operation: 'GetJobOutput', download }, /^Invalid download: /);
    await bad({ operation: 'UploadArchive', download: 'short' }, /^Invalid download: short.*GetJobOutput/);
    await bad({ operation: 'ListVaults', cut: 'before', code: 'ThrottlingException' }, /code and cut/);
    await bad({ operation: 'ListVaults', latncy: '2s' }, /^Invalid member: latncy/);
    assert.deepEqual((await controls.state()).faults, []);
  });
});
