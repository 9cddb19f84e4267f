import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type Api,
  apiOf,
  assertEmpty,
  assertJson,
  assertRefusal,
  type CallOptions,
} from '../../support/api.ts';
import { PATTERN_VECTORS } from '../../support/hash-vectors.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { eventually } from '../../support/poll.ts';
import { type Answer, hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { sha256Hex } from '../../support/signer.ts';
import { storeFiles, untilBlobsAdded } from '../../support/store-files.ts';

const INVALID = 'InvalidParameterValueException';
const MISSING = 'MissingParameterValueException';
const NOT_FOUND = 'ResourceNotFoundException';
const MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UPLOADS = '/-/vaults/v/multipart-uploads';

/** 3.5 MiB of the pattern: three parts of 1 MiB and one of half a MiB. */
const DATA = patternBytes(3.5 * MIB);
const WHOLE = treeOf(DATA.length);
const PARTS = [0, 1, 2, 3].map((i) => DATA.subarray(i * MIB, (i + 1) * MIB));

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
  await api.createVault('w');
});
after(() => server.stop());

function treeOf(bytes: number): string {
  return PATTERN_VECTORS.find(([size]) => size === bytes)?.[2] ?? '';
}

const initiate = (headers: CallOptions['headers'] = {}): Promise<Answer> =>
  api.call('POST', UPLOADS, { headers });
const list = (id: string): Promise<Answer> => api.call('GET', `${UPLOADS}/${id}`);
const abort = (id: string): Promise<Answer> => api.call('DELETE', `${UPLOADS}/${id}`);
const complete = (id: string, size = DATA.length, hash = WHOLE): Promise<Answer> =>
  api.complete('v', id, size, hash);

/** Sends a part with some of its headers changed. */
function put(
  id: string,
  headers: CallOptions['headers'],
  body: Uint8Array = PARTS[0] ?? Buffer.alloc(0),
): Promise<Answer> {
  const usual = { ...hashHeaders(body), 'content-range': `bytes 0-${body.length - 1}/*` };
  return api.call('PUT', `${UPLOADS}/${id}`, { headers: { ...usual, ...headers }, body });
}

/** Starts an upload and sends the parts of these numbers, in this order. */
async function uploadParts(...numbers: number[]): Promise<string> {
  const id = await api.initiate('v', MIB);
  for (const n of numbers) assertEmpty(await api.putPart('v', id, n * MIB, PARTS[n] ?? Buffer.alloc(0)), 204);
  return id;
}

function assertUnknown(answer: Answer, id: string): void {
  assertRefusal(answer, 404, NOT_FOUND, `The upload ID was not found: ${id}`);
}

describe('InitiateMultipartUpload', () => {
  it('answers 201 with location and id, and no body', async () => {
    const answer = await initiate({ 'x-amz-part-size': '1048576', 'content-length': '0' });
    assertEmpty(answer, 201);
    const id = answer.headers['x-amz-multipart-upload-id'] ?? '';
    assert.match(id, /^[A-Za-z0-9_-]{92}$/);
    assert.equal(answer.headers['location'], `/${server.accountId}/vaults/v/multipart-uploads/${id}`);
    await abort(id);
  });

  it('accepts every part size from 1 MiB to 4 GiB and starts a new upload each time', async () => {
    const ids = new Set<string>();
    for (let size = MIB; size <= 4096 * MIB; size *= 2) ids.add(await api.initiate('v', size));
    assert.equal(ids.size, 13);
    for (const id of ids) assertEmpty(await abort(id), 204);
  });

  it("refuses every other part size with the service's text", async () => {
    const rule =
      'Part size must not be null, must be a power of two and be between 1048576 and 4294967296 bytes.';
    for (const size of [
      '0',
      '10485760',
      '10485759',
      '17179869184',
      '524288',
      '-1',
      'x',
      '1e6',
      '1048576.0',
    ]) {
      const answer = await initiate({ 'x-amz-part-size': size });
      assertRefusal(answer, 400, INVALID, `Invalid part size: ${size}. ${rule}`);
    }
    assertRefusal(await initiate(), 400, INVALID, `Invalid part size: null. ${rule}`);
  });

  it('refuses descriptions that are too long or not printable', async () => {
    for (const text of ['d'.repeat(1025), 'tab\there', 'caf\xe9']) {
      const answer = await initiate({ 'x-amz-part-size': '1048576', 'x-amz-archive-description': text });
      assertRefusal(answer, 400, INVALID, /^Invalid x-amz-archive-description: /);
    }
  });

  it('answers 404 for a missing vault', async () => {
    const headers = { 'x-amz-part-size': '1048576' };
    const answer = await api.call('POST', '/-/vaults/none/multipart-uploads', { headers });
    assertRefusal(answer, 404, NOT_FOUND, `Vault not found for ARN: ${api.vaultArn('none')}`);
  });
});

describe('UploadMultipartPart', () => {
  let id: string;
  before(async () => {
    id = await api.initiate('v', MIB);
  });

  it('answers 204 with the tree hash of the part, and no body', async () => {
    const wide = await api.initiate('v', 4 * MIB);
    const answer = await api.putPart('v', wide, 0, DATA);
    assertEmpty(answer, 204);
    assert.equal(answer.headers['x-amz-sha256-tree-hash'], WHOLE);
    await abort(wide);
  });

  it('accepts a total length after the slash, and a part of one byte at any place', async () => {
    assertEmpty(await put(id, { 'content-range': 'bytes 0-1048575/3670016' }), 204);
    assertEmpty(await api.putPart('v', id, 5 * MIB, Buffer.from('x')), 204);
    assertEmpty(await api.putPart('v', id, 9999 * MIB, Buffer.from('x')), 204);
  });

  it('refuses a malformed range, an empty one, and one beyond its own total length', async () => {
    const odd = [
      'bytes=0-1048575/*',
      'bytes 0-1048575',
      '0-1048575/*',
      'bytes 909994937-909994936/*',
      'bytes */*',
      'x',
    ];
    for (const range of [...odd, 'bytes 0-1048575/1048575', 'Bytes 0-1048575/*']) {
      assertRefusal(
        await put(id, { 'content-range': range }),
        400,
        INVALID,
        `Invalid Content-Range: ${range}`,
      );
    }
  });

  it('refuses a range whose length is not that of the body', async () => {
    for (const range of ['bytes 0-4194303/*', 'bytes 0-1048574/*', 'bytes 1-1048575/*']) {
      const message = `Content-Range: ${range} is incompatible with Content-Length: 1048576`;
      assertRefusal(await put(id, { 'content-range': range }), 400, INVALID, message);
    }
  });

  it('refuses a part that begins inside another part or exceeds the part size', async () => {
    const between = await put(id, { 'content-range': 'bytes 1-1048576/*' });
    assertRefusal(between, 400, INVALID, /^Invalid Content-Range: bytes 1-1048576\/\*/);
    const long = await put(id, { 'content-range': 'bytes 0-1048576/*' }, patternBytes(MIB + 1));
    assertRefusal(long, 400, INVALID, /^Invalid Content-Range: bytes 0-1048576\/\*/);
  });

  it('refuses part 10,001', async () => {
    const answer = await api.putPart('v', id, 10_000 * MIB, PARTS[0] ?? Buffer.alloc(0));
    const message =
      'This is part number 10001 for the current multipart upload. It exceeds the limit of 10000 parts.';
    assertRefusal(answer, 400, INVALID, message);
  });

  it('refuses a part without its range or its hashes', async () => {
    for (const name of ['content-range', 'x-amz-sha256-tree-hash', 'x-amz-content-sha256']) {
      const answer = await put(id, { [name]: undefined });
      assertRefusal(answer, 400, MISSING, `Required parameter missing: ${name}`);
    }
  });

  it('refuses an empty part and one without a length', async () => {
    const empty = { ...hashHeaders(''), 'content-range': 'bytes 0-0/*' };
    const answer = await api.call('PUT', `${UPLOADS}/${id}`, { headers: empty });
    assertRefusal(answer, 400, INVALID, /^Invalid Content-Length: 0\. The request has no body/);
    const chunked = await put(id, { 'content-length': undefined, 'transfer-encoding': 'chunked' });
    assertRefusal(chunked, 411, MISSING, 'Required parameter missing: Content-Length');
  });

  it('refuses wrong hashes, checking the linear one first, and keeps nothing', async () => {
    const before = await storeFiles(server.data);
    const hash = hashHeaders(PARTS[0] ?? '')['x-amz-sha256-tree-hash'];
    const wrong = 'cd'.repeat(32);
    const mismatch = await put(id, { 'x-amz-sha256-tree-hash': wrong });
    assertRefusal(mismatch, 400, INVALID, `Checksum mismatch: expected ${wrong}, computed ${hash}`);
    const linear = await put(id, { 'x-amz-content-sha256': wrong, 'x-amz-sha256-tree-hash': wrong });
    const message = `The value passed in as x-amz-content-sha256 does not match the computed payload hash. Computed digest: ${hash} expected hash: ${wrong}`;
    assertRefusal(linear, 403, 'InvalidSignatureException', message);
    const malformed = await put(id, { 'x-amz-sha256-tree-hash': '000' });
    assertRefusal(malformed, 400, INVALID, 'Invalid x-amz-sha256-tree-hash: 000');
    await untilBlobsAdded(server.data, before, 0);
  });

  it('answers 404 for an upload that is unknown, ended or in another vault', async () => {
    const elsewhere = await api.initiate('w', MIB);
    const aborted = await uploadParts();
    await abort(aborted);
    for (const unknown of ['x', 'A'.repeat(92), `${id}A`, elsewhere, aborted]) {
      assertUnknown(await api.putPart('v', unknown, 0, Buffer.from('x')), unknown);
    }
  });

  it('replaces an earlier part of the same range, and removes its bytes', async () => {
    const before = await storeFiles(server.data);
    const again = await api.initiate('v', MIB);
    for (const body of ['first', 'second, longer', '3rd'])
      await api.putPart('v', again, 0, Buffer.from(body));
    const parts = assertJson(await list(again))['Parts'];
    assert.deepEqual(parts, [{ RangeInBytes: '0-2', SHA256TreeHash: sha256Hex('3rd') }]);
    await untilBlobsAdded(server.data, before, 1);
    await abort(again);
  });
});

describe('ListParts', () => {
  it('shows what InitiateMultipartUpload declared, and no parts yet', async () => {
    const id = await api.initiate('v', 2 * MIB, '  a  description ');
    const answer = await list(id);
    const { CreationDate, ...rest } = assertJson(answer);
    const keys = [
      'ArchiveDescription',
      'CreationDate',
      'Marker',
      'MultipartUploadId',
      'PartSizeInBytes',
      'Parts',
      'VaultARN',
    ];
    assert.deepEqual(Object.keys(answer.json()), keys);
    assert.match(String(CreationDate), MILLISECONDS);
    assert.deepEqual(rest, {
      ArchiveDescription: 'a  description',
      Marker: null,
      MultipartUploadId: id,
      PartSizeInBytes: 2 * MIB,
      Parts: [],
      VaultARN: api.vaultArn('v'),
    });
    await abort(id);
  });

  it('lists the parts by range, in whatever order they arrived', async () => {
    const id = await uploadParts(3, 0, 2, 1);
    const json = assertJson(await list(id));
    const expected = PARTS.map((part, i) => ({
      RangeInBytes: `${i * MIB}-${i * MIB + part.length - 1}`,
      SHA256TreeHash: sha256Hex(part),
    }));
    assert.deepEqual(json['Parts'], expected);
    assert.equal(json['ArchiveDescription'], null);
    await abort(id);
  });

  it('answers 404 for an upload that is unknown or in another vault', async () => {
    const elsewhere = await api.initiate('w', MIB);
    for (const id of ['x', elsewhere]) assertUnknown(await list(id), id);
  });
});

describe('ListMultipartUploads', () => {
  it('lists only uploads in progress', async () => {
    const there = apiOf(server, 'list-uploads');
    await there.createVault('v');
    const none = await there.call('GET', UPLOADS);
    assert.equal(none.text, '{"Marker":null,"UploadsList":[]}');
    const [open, aborted, completed] = [
      await there.initiate('v', 2 * MIB, 'one'),
      await there.initiate('v', MIB),
      await there.initiate('v', MIB),
    ];
    await there.call('DELETE', `${UPLOADS}/${aborted}`);
    await there.putPart('v', completed, 0, Buffer.from('x'));
    await there.complete('v', completed, 1, sha256Hex('x'));
    const [only, ...more] = assertJson(await there.call('GET', UPLOADS))['UploadsList'] as Record<
      string,
      unknown
    >[];
    assert.deepEqual(more, []);
    const keys = ['ArchiveDescription', 'CreationDate', 'MultipartUploadId', 'PartSizeInBytes', 'VaultARN'];
    assert.deepEqual(Object.keys(only ?? {}), keys);
    const { CreationDate, ...rest } = only ?? {};
    assert.match(String(CreationDate), MILLISECONDS);
    assert.deepEqual(rest, {
      ArchiveDescription: 'one',
      MultipartUploadId: open,
      PartSizeInBytes: 2 * MIB,
      VaultARN: there.vaultArn('v'),
    });
  });
});

describe('CompleteMultipartUpload', () => {
  it('answers 201 with location, id and tree hash, and ends the upload', async () => {
    const before = assertJson(await api.call('GET', '/-/vaults/v'));
    const id = await uploadParts(2, 3, 1, 0);
    const answer = await complete(id);
    assertEmpty(answer, 201);
    const archiveId = answer.headers['x-amz-archive-id'] ?? '';
    assert.match(archiveId, /^[A-Za-z0-9_-]{138}$/);
    assert.equal(answer.headers['location'], `/${server.accountId}/vaults/v/archives/${archiveId}`);
    assert.equal(answer.headers['x-amz-sha256-tree-hash'], WHOLE);
    const after = assertJson(await api.call('GET', '/-/vaults/v'));
    assert.equal(Number(after['NumberOfArchives']) - Number(before['NumberOfArchives']), 1);
    assert.equal(Number(after['SizeInBytes']) - Number(before['SizeInBytes']), DATA.length + 32_768);
    assertUnknown(await list(id), id);
    assertUnknown(await abort(id), id);
    assertUnknown(await api.putPart('v', id, 0, PARTS[0] ?? Buffer.alloc(0)), id);
    assertEmpty(await api.call('DELETE', `/-/vaults/v/archives/${archiveId}`), 204);
  });

  it('gives the same answer when repeated, and refuses another size or hash', async () => {
    const id = await uploadParts(0, 1, 2, 3);
    const first = await complete(id);
    for (let i = 0; i < 3; i++) {
      const again = await complete(id);
      assertEmpty(again, 201);
      for (const name of ['x-amz-archive-id', 'location', 'x-amz-sha256-tree-hash']) {
        assert.equal(again.headers[name], first.headers[name]);
      }
    }
    const size = `Invalid x-amz-archive-size: ${DATA.length - 1}. The upload was completed with ${DATA.length} bytes.`;
    assertRefusal(await complete(id, DATA.length - 1), 400, INVALID, size);
    const other = 'ef'.repeat(32);
    assertRefusal(
      await complete(id, DATA.length, other),
      400,
      INVALID,
      `Invalid x-amz-sha256-tree-hash: ${other} The upload was completed with the tree hash ${WHOLE}.`,
    );
    assertEmpty(await complete(id, DATA.length, WHOLE.toUpperCase()), 201);
  });

  it('makes one archive when sent many times concurrently', async () => {
    const before = assertJson(await api.call('GET', '/-/vaults/v'));
    const id = await uploadParts(0, 1, 2, 3);
    const answers = await Promise.all(Array.from({ length: 12 }, () => complete(id)));
    for (const answer of answers) assertEmpty(answer, 201);
    assert.equal(new Set(answers.map((answer) => answer.headers['x-amz-archive-id'])).size, 1);
    const after = assertJson(await api.call('GET', '/-/vaults/v'));
    assert.equal(Number(after['NumberOfArchives']) - Number(before['NumberOfArchives']), 1);
  });

  it('accepts an upload of one short part, and parts of every size', async () => {
    const short = await api.initiate('v', MIB);
    await api.putPart('v', short, 0, Buffer.from('x'));
    assertEmpty(await complete(short, 1, sha256Hex('x')), 201);
    for (const partSize of [2 * MIB, 4 * MIB]) {
      const id = await api.initiate('v', partSize);
      for (let at = 0; at < DATA.length; at += partSize) {
        await api.putPart('v', id, at, DATA.subarray(at, at + partSize));
      }
      assertEmpty(await complete(id), 201);
    }
  });

  it('leaves the upload open for another try when refused', async () => {
    const id = await api.initiate('v', MIB);
    const retry = async (n: number): Promise<void> => {
      assertEmpty(await api.putPart('v', id, n * MIB, PARTS[n] ?? Buffer.alloc(0)), 204);
    };
    assertRefusal(await complete(id), 400, INVALID, /has no parts/);
    await retry(1);
    assertRefusal(await complete(id), 400, INVALID, /range 0-1048575 was not uploaded/);
    await retry(0);
    await retry(3);
    assertRefusal(await complete(id), 400, INVALID, /range 2097152-3145727 was not uploaded/);
    await api.putPart('v', id, 2 * MIB, Buffer.from('short'));
    assertRefusal(
      await complete(id),
      400,
      INVALID,
      /part 2097152-2097156 is shorter than the part size, 1048576/,
    );
    await retry(2);
    const size = `Invalid x-amz-archive-size: ${DATA.length + 1}. The uploaded parts hold ${DATA.length} bytes, 0-${DATA.length - 1}.`;
    assertRefusal(await complete(id, DATA.length + 1), 400, INVALID, size);
    const wrong = 'ab'.repeat(32);
    assertRefusal(
      await complete(id, DATA.length, wrong),
      400,
      INVALID,
      new RegExp(`^Invalid x-amz-sha256-tree-hash: ${wrong} The tree hash of the uploaded parts is `),
    );
    assertEmpty(await complete(id), 201);
  });

  it('refuses a missing or invalid size or hash', async () => {
    const id = await uploadParts(0, 1, 2, 3);
    const call = (headers: CallOptions['headers']): Promise<Answer> =>
      api.call('POST', `${UPLOADS}/${id}`, { headers });
    const size = { 'x-amz-archive-size': String(DATA.length) };
    const hash = { 'x-amz-sha256-tree-hash': WHOLE };
    assertRefusal(await call(hash), 400, MISSING, 'Required parameter missing: x-amz-archive-size');
    assertRefusal(await call(size), 400, MISSING, 'Required parameter missing: x-amz-sha256-tree-hash');
    for (const odd of ['0', '-1', '1.5', 'x', '42949672960001']) {
      const answer = await call({ ...hash, 'x-amz-archive-size': odd });
      assertRefusal(answer, 400, INVALID, `Invalid x-amz-archive-size: ${odd}`);
    }
    for (const odd of ['000', WHOLE.slice(1), 'z'.repeat(64)]) {
      const answer = await call({ ...size, 'x-amz-sha256-tree-hash': odd });
      assertRefusal(answer, 400, INVALID, `Invalid x-amz-sha256-tree-hash: ${odd}`);
    }
    await abort(id);
  });

  it('answers 404 for an upload that is unknown, aborted or in another vault', async () => {
    const aborted = await uploadParts(0, 1, 2, 3);
    await abort(aborted);
    const elsewhere = await api.initiate('w', MIB);
    for (const id of ['x', aborted, elsewhere]) assertUnknown(await complete(id), id);
  });

  it('races with an Abort: exactly one of the two succeeds', async () => {
    for (let round = 0; round < 5; round++) {
      const id = await uploadParts(0, 1, 2, 3);
      const [done, aborted] = await Promise.all([complete(id), abort(id)]);
      assert.deepEqual([done.status, aborted.status].sort(), done.status === 201 ? [201, 404] : [204, 404]);
    }
  });
});

describe('AbortMultipartUpload', () => {
  it('answers 204 each time, and removes the bytes', async () => {
    const before = await storeFiles(server.data);
    const id = await uploadParts(0, 3);
    await untilBlobsAdded(server.data, before, 2);
    for (let i = 0; i < 3; i++) assertEmpty(await abort(id), 204);
    assertUnknown(await list(id), id);
    await untilBlobsAdded(server.data, before, 0);
  });

  it('answers 404 for an upload that is unknown or in another vault', async () => {
    const elsewhere = await api.initiate('w', MIB);
    for (const id of ['x', 'A'.repeat(92), elsewhere]) assertUnknown(await abort(id), id);
  });
});

describe('the memory of completed and aborted uploads', () => {
  it('ends after the remembered time: then a repeat gets a 404', async () => {
    const forgetful = await startServer({ flags: ['--complete-memory', '1ms'] });
    try {
      const there = apiOf(forgetful);
      await there.createVault('v');
      const [done, aborted] = [await there.initiate('v', MIB), await there.initiate('v', MIB)];
      await there.putPart('v', done, 0, Buffer.from('x'));
      assertEmpty(await there.complete('v', done, 1, sha256Hex('x')), 201);
      assertEmpty(await there.call('DELETE', `${UPLOADS}/${aborted}`), 204);
      const gone = async (answer: () => Promise<Answer>): Promise<Answer> =>
        eventually('a repeat is a 404', async () => {
          const again = await answer();
          return again.status === 404 && again;
        });
      assertUnknown(await gone(() => there.complete('v', done, 1, sha256Hex('x'))), done);
      assertUnknown(await gone(() => there.call('DELETE', `${UPLOADS}/${aborted}`)), aborted);
    } finally {
      await forgetful.stop();
    }
  });
});
