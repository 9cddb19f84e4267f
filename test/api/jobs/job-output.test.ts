/** GetJobOutput: bytes, ranges, tree hashes, headers and refusals. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertRefusal } from '../../support/api.ts';
import { type Download, digestOf } from '../../support/download.ts';
import { type Jobs, jobsOf } from '../../support/jobs.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import type { Answer } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const SIZE = 6.5 * MIB;
const LAST = SIZE - 1;
const PATTERN = patternBytes(SIZE);
const WHOLE_HASH = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';

/** Ranges of 6.5 MiB of the pattern; the tree hash of each, or why it has none. */
const RANGES: readonly (readonly [first: number, last: number, hash: string | null])[] = [
  [0, 6815743, WHOLE_HASH],
  [0, 1048575, '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd'],
  [1048576, 2097151, '504e927a5ea2903d460324641213944313f27685c6635c2cc7c1792078cc562f'],
  [0, 2097151, 'acc47ea8aea61d894f1c028af7c8427e70b55fbd69e840f888385dcc2b329b16'],
  [2097152, 4194303, '91ff91571203aa8641de1ae54a861615cf7f426bded1bf91c9e7f53303d7f409'],
  [2097152, 3145727, '71f45b021910d0f553d2fbd1a274cbdddada92c522fbf4e87fc0afaded725db5'],
  [0, 4194303, '38c7dd39e4f6235b623ee2866bee41cac37d8f647c52fac3b382f06b72e7258a'],
  [4194304, 6291455, 'ce9b3743fa501c827c42f8e053ac03cf95719593362f5ad5c1aa05aceeba6204'],
  [4194304, 6815743, '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1'],
  [6291456, 6815743, 'e799567b9f28eb484ecf9e5ab8bb81ce6e6c594d892d48768bef768cab4e5792'],
  [1048576, 3145727, null],
  [2097152, 6291455, null],
  [3145728, 5242879, null],
  [0, 3145727, null],
  [0, 6291455, null],
  [5242880, 6815743, null],
];
/** Ranges that are valid for a download but not for a job. */
const UNALIGNED: readonly (readonly [first: number, last: number, hash: null])[] = [
  [0, 1023, null],
  [1048576, 2097152, null],
  [6815743, 6815743, null],
  [1, 6815742, null],
  [1048575, 1048576, null],
  [3000000, 5000000, null],
];

let server: TestServer;
let api: Api;
let jobs: Jobs;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  jobs = jobsOf(api);
  await api.createVault('v');
});
after(() => server.stop());

async function uploadInParts(partSize: number): Promise<string> {
  const uploadId = await api.initiate('v', partSize, 'in parts');
  for (let first = 0; first < SIZE; first += partSize) {
    const answer = await api.putPart('v', uploadId, first, PATTERN.subarray(first, first + partSize));
    assert.equal(answer.status, 204, answer.text);
  }
  const completed = await api.complete('v', uploadId, SIZE, WHOLE_HASH);
  assert.equal(completed.status, 201, completed.text);
  return completed.headers['x-amz-archive-id'] ?? '';
}

const ARCHIVES = [
  ['in one piece', () => api.upload('v', PATTERN, 'in one piece')],
  ['in parts of 1 MiB', () => uploadInParts(MIB)],
  ['in parts of 2 MiB', () => uploadInParts(2 * MIB)],
  ['in parts of 4 MiB', () => uploadInParts(4 * MIB)],
  ['in one part of 8 MiB', () => uploadInParts(8 * MIB)],
] as const;

interface Expected {
  readonly status: 200 | 206;
  readonly bytes: Uint8Array;
  readonly hash: string | null;
  readonly contentRange?: string;
}

/** Asserts the whole answer: status, bytes, and exactly the expected headers among these. */
function assertOutput(answer: Download, expected: Expected, what: string): void {
  const { headers } = answer;
  const { 'x-amzn-requestid': requestId = '', 'content-type': type } = headers;
  assert.deepEqual(
    {
      status: answer.status,
      complete: answer.complete,
      length: headers['content-length'],
      contentRange: headers['content-range'],
      hash: headers['x-amz-sha256-tree-hash'],
      acceptRanges: headers['accept-ranges'],
      type,
    },
    {
      status: expected.status,
      complete: true,
      length: String(expected.bytes.length),
      contentRange: expected.contentRange,
      hash: expected.hash ?? undefined,
      acceptRanges: 'bytes',
      type: 'application/octet-stream',
    },
    what,
  );
  assert.match(requestId, /^[A-Za-z0-9_-]{47,48}$/);
  assert.equal(headers['transfer-encoding'], undefined);
  assert.equal(digestOf(answer.bytes), digestOf(expected.bytes), what);
}

for (const [name, upload] of ARCHIVES) {
  describe(`an archive uploaded ${name}`, () => {
    let archiveId: string;
    before(async () => {
      archiveId = await upload();
    });

    it('is downloaded whole, with its description and tree hash', async () => {
      const id = await jobs.startRetrieval('v', archiveId);
      const answer = await jobs.output('v', id);
      assertOutput(answer, { status: 200, bytes: PATTERN, hash: WHOLE_HASH }, name);
      assert.equal(answer.headers['x-amz-archive-description'], name === 'in one piece' ? name : 'in parts');
    });

    it('is downloaded in ranges, with a hash exactly if the range is tree-hash aligned', async () => {
      const id = await jobs.startRetrieval('v', archiveId);
      for (const [first, last, hash] of [...RANGES, ...UNALIGNED]) {
        const expected = {
          status: 206,
          bytes: PATTERN.subarray(first, last + 1),
          hash,
          contentRange: `bytes ${first}-${last}/${SIZE}`,
        } as const;
        const range = `bytes=${first}-${last}`;
        assertOutput(await jobs.output('v', id, range), expected, range);
      }
    });

    it('is retrieved in ranges, with a hash exactly if the range is tree-hash aligned', async () => {
      for (const [first, last, hash] of RANGES) {
        const range = `${first}-${last}`;
        const id = await jobs.startRetrieval('v', archiveId, { RetrievalByteRange: range });
        const described = await jobs.describe('v', id);
        assert.equal(described['SHA256TreeHash'], hash, range);
        assert.equal(described['ArchiveSHA256TreeHash'], WHOLE_HASH);
        assert.equal(described['ArchiveSizeInBytes'], SIZE);
        const bytes = PATTERN.subarray(first, last + 1);
        assertOutput(await jobs.output('v', id), { status: 200, bytes, hash }, range);
        const all = `bytes=0-${bytes.length - 1}`;
        const contentRange = `bytes 0-${bytes.length - 1}/${bytes.length}`;
        assertOutput(await jobs.output('v', id, all), { status: 206, bytes, hash, contentRange }, range);
      }
    });

    it('counts download ranges from the start of the job’s range; hashes are nodes of the archive’s tree', async () => {
      const id = await jobs.startRetrieval('v', archiveId, { RetrievalByteRange: '4194304-6815743' });
      const total = 2.5 * MIB;
      for (const [first, last, hash] of [
        [0, 1048575, '5272eaba70b434df72f23cc7048bcebea2c6d2d985ceba4b0f2fda4ec67523c8'],
        [1048576, 2097151, 'f7d7378329b92f6c494ee6d7acef0edee0d8a3b57b9149c67dcf778b8a03451f'],
        [0, 2097151, 'ce9b3743fa501c827c42f8e053ac03cf95719593362f5ad5c1aa05aceeba6204'],
        [2097152, 2621439, 'e799567b9f28eb484ecf9e5ab8bb81ce6e6c594d892d48768bef768cab4e5792'],
        [0, 2621439, '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1'],
        [1048576, 2621439, null],
        [0, 1048576, null],
        [5, 10, null],
      ] as const) {
        const bytes = PATTERN.subarray(4 * MIB + first, 4 * MIB + last + 1);
        const contentRange = `bytes ${first}-${last}/${total}`;
        const range = `bytes=${first}-${last}`;
        assertOutput(await jobs.output('v', id, range), { status: 206, bytes, hash, contentRange }, range);
      }
    });

    it('sends no hash for a job whose range is only megabyte aligned', async () => {
      const id = await jobs.startRetrieval('v', archiveId, { RetrievalByteRange: '1048576-3145727' });
      for (const [first, last] of [
        [0, 1048575],
        [1048576, 2097151],
        [0, 2097151],
      ] as const) {
        const bytes = PATTERN.subarray(MIB + first, MIB + last + 1);
        const contentRange = `bytes ${first}-${last}/2097152`;
        const range = `bytes=${first}-${last}`;
        const expected = { status: 206, bytes, hash: null, contentRange } as const;
        assertOutput(await jobs.output('v', id, range), expected, range);
      }
      const whole = PATTERN.subarray(MIB, 3 * MIB);
      assertOutput(await jobs.output('v', id), { status: 200, bytes: whole, hash: null }, 'whole');
    });
  });
}

describe('the Range header', () => {
  let jobId: string;
  before(async () => {
    jobId = await jobs.startRetrieval('v', await api.upload('v', PATTERN));
  });
  const part = (first: number, last: number, hash: string | null = null): Expected => ({
    status: 206,
    bytes: PATTERN.subarray(first, last + 1),
    hash,
    contentRange: `bytes ${first}-${last}/${SIZE}`,
  });

  it('may have an open end; an end beyond the output is clamped before alignment is checked', async () => {
    const end = '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1';
    assertOutput(await jobs.output('v', jobId, 'bytes=4194304-'), part(4194304, LAST, end), 'open');
    assertOutput(await jobs.output('v', jobId, 'bytes=0-'), part(0, LAST, WHOLE_HASH), 'all');
    for (const last of ['8388607', '6815744', '9223372036854775807', '9'.repeat(40)]) {
      const range = `bytes=4194304-${last}`;
      assertOutput(await jobs.output('v', jobId, range), part(4194304, LAST, end), range);
    }
    const one = await jobs.startRetrieval('v', await api.upload('v', 'x'));
    const hash = digestOf(Buffer.from('x'));
    const expected = { status: 206, bytes: Buffer.from('x'), hash, contentRange: 'bytes 0-0/1' } as const;
    assertOutput(await jobs.output('v', one, 'bytes=0-4194303'), expected, 'clamped to one byte');
  });

  it('may request the last bytes of the output', async () => {
    assertOutput(await jobs.output('v', jobId, 'bytes=-5'), part(LAST - 4, LAST), 'suffix');
    const hash = 'e799567b9f28eb484ecf9e5ab8bb81ce6e6c594d892d48768bef768cab4e5792';
    assertOutput(await jobs.output('v', jobId, 'bytes=-524288'), part(6291456, LAST, hash), 'suffix');
    assertOutput(await jobs.output('v', jobId, 'bytes=-9999999'), part(0, LAST, WHOLE_HASH), 'suffix');
  });

  it('is ignored when it is empty, malformed or has several ranges', async () => {
    for (const range of [
      '',
      'bytes 0-4194303/235812776',
      '0-100/493',
      'bytes=',
      'bytes=-',
      'bytes=-0',
      'bytes=a-b',
      'bytes=5-4',
      'bytes=0-1,5-6',
      'bytes=0--1',
      'bytes=0x0-5',
      'items=0-5',
    ]) {
      const answer = await jobs.output('v', jobId, range);
      assertOutput(answer, { status: 200, bytes: PATTERN, hash: WHOLE_HASH }, `'${range}'`);
    }
  });

  it('is refused when it starts beyond the output, with an error text for this case', async () => {
    for (const range of ['bytes=6815744-', 'bytes=8388608-12582911', `bytes=${'9'.repeat(30)}-`]) {
      const text = `The start of the range is larger than size of retrieved data: ${range}`;
      const target = `/-/vaults/v/jobs/${jobId}/output`;
      const answer: Answer = await api.call('GET', target, { headers: { range } });
      assertRefusal(answer, 400, 'InvalidParameterValueException', text);
    }
    const members = { RetrievalByteRange: '0-1048575' };
    const ranged = await jobs.startRetrieval('v', await api.upload('v', PATTERN), members);
    assert.equal((await jobs.output('v', ranged, 'bytes=1048576-')).status, 400);
    assert.equal((await jobs.output('v', ranged, 'bytes=1048575-')).status, 206);
  });
});

describe('another vector', () => {
  it('is the pattern of 3,250,586 bytes: its middle and its end have hashes, but their union has none', async () => {
    const size = 3_250_586;
    const bytes = patternBytes(size);
    const jobId = await jobs.startRetrieval('v', await api.upload('v', bytes));
    for (const [first, last, hash] of [
      [0, size - 1, '4845010850029fcffd3413f49c8e03d490194113934ff34d43b387f3e6a98448'],
      [1048576, 2097151, '504e927a5ea2903d460324641213944313f27685c6635c2cc7c1792078cc562f'],
      [2097152, size - 1, '32c2a0ef26e3df8cc61512a0b220b881df9e30f586a88306852b6df3ac91f511'],
      [1048576, size - 1, null],
    ] as const) {
      const contentRange = `bytes ${first}-${last}/${size}`;
      const expected = { status: 206, bytes: bytes.subarray(first, last + 1), hash, contentRange } as const;
      const range = `bytes=${first}-${last}`;
      assertOutput(await jobs.output('v', jobId, range), expected, range);
    }
  });

  it('has no description header if the archive has no description', async () => {
    const jobId = await jobs.startRetrieval('v', await api.upload('v', 'plain'));
    const { headers } = await jobs.output('v', jobId);
    assert.equal('x-amz-archive-description' in headers, false);
  });
});
