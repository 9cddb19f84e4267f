import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../support/api.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { type Answer, hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { sha256Hex } from '../support/signer.ts';
import { storeFiles, untilBlobsAdded } from '../support/store-files.ts';
import { headText, Wire } from '../support/wire.ts';

const IDLE_MS = 1000;
/** Pause between the pieces of a moving body: well below the limit, even on a busy machine. */
const REST_MS = 100;
const PATIENT_MS = 3000;
const ARCHIVES = '/-/vaults/v/archives';
const TAGS = '/-/vaults/v/tags?operation=add';
const TIMED_OUT = [408, 'RequestTimeoutException', 'Request timed out.'] as const;

let server: TestServer;
let api: Api;
/** Connections whose heads never end; opened first and checked last, because their limit is the longest. */
let slowHead: Wire;
let silent: Wire;

before(async () => {
  server = await startServer({ flags: ['--request-idle', `${IDLE_MS}ms`] });
  api = apiOf(server);
  slowHead = await Wire.open(server.url);
  silent = await Wire.open(server.url);
  slowHead.write('GET /-/vaults/v HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  await api.createVault('v');
});
after(() => {
  slowHead.destroy();
  silent.destroy();
  return server.stop();
});

async function begin(method: string, target: string, headers: Record<string, string>): Promise<Wire> {
  const wire = await Wire.open(server.url);
  wire.write(headText(method, target, api.headersOf(method, target, { headers })));
  return wire;
}

/** Sends the body in pieces, with pauses between them. @returns the longest pause, ms. */
async function drip(wire: Wire, body: Uint8Array, pieces: number): Promise<number> {
  const length = Math.floor(body.length / pieces);
  let longestMs = 0;
  for (let at = 0; at < body.length; at += length) {
    const begun = performance.now();
    await pause(REST_MS);
    wire.write(body.subarray(at, at + length));
    longestMs = Math.max(longestMs, performance.now() - begun);
  }
  return longestMs;
}

describe('a body that stalls', () => {
  const body = patternBytes(2 * MIB);

  for (const bytes of [0, 1, MIB, 2 * MIB - 1]) {
    it(`after ${bytes} bytes gets a 408, and leaves nothing behind`, async () => {
      const before = await storeFiles(server.data);
      const wire = await begin('POST', ARCHIVES, hashHeaders(body));
      wire.write(body.subarray(0, bytes));
      assertRefusal(await wire.answer(), ...TIMED_OUT);
      await untilBlobsAdded(server.data, before, 0);
      wire.destroy();
    });
  }

  it('gets a 408 as a part too, which can be sent again', async () => {
    const id = await api.initiate('v', 2 * MIB);
    const target = `/-/vaults/v/multipart-uploads/${id}`;
    const range = { 'content-range': `bytes 0-${body.length - 1}/*` };
    const wire = await begin('PUT', target, { ...hashHeaders(body), ...range });
    wire.write(body.subarray(0, MIB));
    assertRefusal(await wire.answer(), ...TIMED_OUT);
    wire.destroy();
    assertEmpty(await api.putPart('v', id, 0, body), 204);
  });

  it('gets a 408 if it does not arrive after a 100 Continue', async () => {
    const wire = await begin('POST', ARCHIVES, { ...hashHeaders(body), expect: '100-continue' });
    await wire.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    wire.received = '';
    assertRefusal(await wire.answer(), ...TIMED_OUT);
    wire.destroy();
  });

  it('gets a 408 as JSON too, with and without a payload hash', async () => {
    const json = '{"Tags":{"a":"b"}}';
    for (const hash of [{}, { 'x-amz-content-sha256': sha256Hex(json) }]) {
      const wire = await begin('POST', TAGS, { 'content-length': String(json.length), ...hash });
      wire.write(json.slice(0, 5));
      assertRefusal(await wire.answer(), ...TIMED_OUT);
      wire.destroy();
    }
  });
});

describe('a body that keeps arriving', () => {
  let patient: TestServer;
  before(async () => {
    patient = await startServer({ flags: ['--request-idle', `${PATIENT_MS}ms`] });
    await apiOf(patient).createVault('v');
  });
  after(() => patient.stop());

  /** Sends a body steadily, for longer than the limit on pauses. @returns the answer. */
  async function steadily(target: string, headers: Record<string, string>, body: Buffer): Promise<Answer> {
    for (;;) {
      const signed = apiOf(patient).headersOf('POST', target, { headers, body });
      const wire = await Wire.open(patient.url);
      wire.write(headText('POST', target, signed));
      const begun = performance.now();
      const longestMs = await drip(wire, body, 40);
      assert.ok(performance.now() - begun > PATIENT_MS);
      const answer = await wire.answer();
      wire.destroy();
      // The machine was too busy for this client to be steady, so the answer proves nothing.
      if (answer.status !== 408 || longestMs < PATIENT_MS / 2) return answer;
    }
  }

  it('is accepted, however long it takes', async () => {
    const body = patternBytes(MIB + 10);
    const answer = await steadily(ARCHIVES, hashHeaders(body), body);
    assert.equal(answer.status, 201, answer.text);
  });

  it('is accepted as JSON too', async () => {
    const body = Buffer.from(`{"Tags":{"a":"b"}${' '.repeat(80)}}`);
    const answer = await steadily(TAGS, { 'content-length': String(body.length) }, body);
    assert.equal(answer.status, 204);
  });
});

describe('a reused connection', () => {
  it('may be idle between requests for longer than a body may pause', async () => {
    const wire = await begin('GET', '/-/vaults/v', {});
    assertJson(await wire.answer());
    await pause(2 * IDLE_MS);
    wire.write(headText('GET', '/-/vaults/v', api.headersOf('GET', '/-/vaults/v')));
    assertJson(await wire.answer());
    wire.destroy();
  });

  it('stays usable after a refused request whose body still arrived', async () => {
    const body = patternBytes(MIB);
    const headers = { ...hashHeaders(body), 'x-amz-sha256-tree-hash': '000' };
    const wire = await begin('POST', ARCHIVES, headers);
    assert.equal((await wire.answer()).status, 400);
    wire.write(body);
    wire.write(headText('GET', '/-/vaults/v', api.headersOf('GET', '/-/vaults/v')));
    assertJson(await wire.answer());
    wire.destroy();
  });
});

describe('an unfinished request head', () => {
  it('gets a 408', async () => {
    assertRefusal(await slowHead.answer(), ...TIMED_OUT);
    await slowHead.untilClosed();
  });

  it('that never began: the connection is closed', async () => {
    await silent.untilClosed();
  });
});
