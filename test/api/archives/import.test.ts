import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../../src/treehash/index.ts';
import {
  type Api,
  apiOf,
  assertEmpty,
  assertJson,
  assertRefusal,
  type CallOptions,
} from '../../support/api.ts';
import { policyBody } from '../../support/every-operation.ts';
import { jobsOf } from '../../support/jobs.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { type Answer, hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { storeFiles, untilBlobsAdded } from '../../support/store-files.ts';

const INVALID = 'InvalidParameterValueException';
const BODY = 'Hello World!';
const DATE = '2013-03-20T17:03:43.221Z';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  for (const name of ['v', 'other']) await api.createVault(name);
});
after(() => server.stop());

let lastNo = 0;
const newId = (): string => `imported_${lastNo++}`;

interface Import {
  readonly vault?: string;
  readonly body?: Uint8Array | string;
  readonly date?: string | undefined;
  readonly options?: CallOptions;
}

function upload(id: string, { vault = 'v', body = BODY, date, options = {} }: Import = {}): Promise<Answer> {
  const headers = { ...hashHeaders(body), 'x-moraine-archive-id': id, 'x-moraine-creation-date': date };
  return api.call('POST', `/-/vaults/${vault}/archives`, { headers, body, ...options });
}

function initiate(id: string, headers: CallOptions['headers'] = {}, vault = 'v'): Promise<Answer> {
  const all = { 'x-amz-part-size': String(MIB), 'x-moraine-archive-id': id, ...headers };
  return api.call('POST', `/-/vaults/${vault}/multipart-uploads`, { headers: all });
}

const unusable = (answer: Answer, id: string) =>
  assertRefusal(answer, 400, INVALID, `This archive ID cannot be used: ${id}`);
const remove = (id: string, vault = 'v') => api.call('DELETE', `/-/vaults/${vault}/archives/${id}`);

/** The bytes of an archive in `v`. */
async function retrieve(id: string): Promise<string> {
  const job = await jobsOf(api).startRetrieval('v', id);
  await jobsOf(api).untilDone('v', job);
  return (await jobsOf(api).output('v', job)).bytes.toString();
}

/** Asserts that the vault has the archive as an inventory shows it. */
async function assertListed(vault: string, id: string, date: string): Promise<void> {
  const { ArchiveList } = JSON.parse(await jobsOf(api).inventory(vault)) as {
    ArchiveList: { ArchiveId: string; CreationDate: string }[];
  };
  const found = ArchiveList.filter(({ ArchiveId }) => ArchiveId === id);
  assert.deepEqual(
    found.map(({ CreationDate }) => CreationDate.slice(0, 19)),
    [date.slice(0, 19)],
  );
}

describe('an import by UploadArchive', () => {
  it('makes an archive of the id and the date that are given', async () => {
    const id = newId();
    const answer = await upload(id, { date: DATE });
    assertEmpty(answer, 201);
    assert.equal(answer.headers['x-amz-archive-id'], id);
    assert.equal(answer.headers['location'], `/${server.accountId}/vaults/v/archives/${id}`);
    assert.equal(answer.headers['x-amz-sha256-tree-hash'], treeHash(Buffer.from(BODY)));
    await assertListed('v', id, DATE);
    const { CreationDate, ImportedDate } = assertJson(await api.call('GET', `/-/vaults/v/archives/${id}`));
    assert.equal(CreationDate, DATE);
    assert.ok(Date.parse(ImportedDate as string) > Date.parse(DATE));
    assert.equal(await retrieve(id), BODY);
  });

  it('takes ids of 1 to 255 characters', async () => {
    for (const id of ['i', `-_${'aZ9'.repeat(84)}x`]) assertEmpty(await upload(id), 201);
    for (const id of ['', 'a'.repeat(256), 'a.b', 'a b', 'a/b', 'ä', 'a%20']) {
      const answer = await upload(id);
      assertRefusal(answer, 400, INVALID, /^Invalid x-moraine-archive-id: .* 1 to 255 characters of A-Z/);
    }
  });

  it('takes dates up to now', async () => {
    for (const date of ['1970-01-01T00:00:00Z', DATE, '2013-03-20T17:03:43Z', new Date().toISOString()])
      assertEmpty(await upload(newId(), { date }), 201);
    for (const date of ['', 'yesterday', '2013-02-30T00:00:00Z', '1969-12-31T23:59:59Z', '2013-03-20']) {
      const answer = await upload(newId(), { date });
      assertRefusal(
        answer,
        400,
        INVALID,
        /^Invalid x-moraine-creation-date: .* It must be a date since 1970/,
      );
    }
    const future = new Date(Date.now() + 60_000).toISOString();
    const text = `Invalid x-moraine-creation-date: ${future} is in the future.`;
    assertRefusal(await upload(newId(), { date: future }), 400, INVALID, new RegExp(`^${text}`));
  });

  it('is refused for a date without an id', async () => {
    const headers = { ...hashHeaders(BODY), 'x-moraine-creation-date': DATE };
    const answer = await api.call('POST', '/-/vaults/v/archives', { headers, body: BODY });
    const text = 'Required parameter missing: x-moraine-archive-id';
    assertRefusal(answer, 400, 'MissingParameterValueException', text);
  });

  it('is refused unless both headers are signed', async () => {
    const id = newId();
    for (const [name, value] of [
      ['x-moraine-archive-id', id],
      ['x-moraine-creation-date', DATE],
    ] as const) {
      const headers = { ...hashHeaders(BODY), 'x-moraine-archive-id': id, [name]: undefined };
      const options = { headers, body: BODY, unsigned: { [name]: value } };
      const text = `'${name}' must be a 'SignedHeader' in the AWS Authorization.`;
      for (const path of ['archives', 'multipart-uploads']) {
        const answer = await api.call('POST', `/-/vaults/v/${path}`, options);
        assertRefusal(answer, 403, 'InvalidSignatureException', text);
      }
    }
    // Other operations ignore them.
    const ignored = { unsigned: { 'x-moraine-archive-id': id } };
    assert.equal((await api.call('GET', '/-/vaults/v', ignored)).status, 200);
  });

  it('is answered as the first time for the same bytes, and stores nothing', async () => {
    const id = newId();
    const first = await upload(id, { date: DATE });
    const files = await storeFiles(server.data);
    for (const date of [DATE, undefined]) {
      const again = await upload(id, { date });
      assertEmpty(again, 201);
      for (const name of ['location', 'x-amz-archive-id', 'x-amz-sha256-tree-hash'])
        assert.equal(again.headers[name], first.headers[name]);
    }
    await untilBlobsAdded(server.data, files, 0);
    await assertListed('v', id, DATE);
  });

  it('is refused for an id that is in use or was deleted, wherever it is or was', async () => {
    const id = newId();
    assertEmpty(await upload(id), 201);
    const all: Import[] = [{ body: 'Hello World?' }, { body: 'longer than that' }, { vault: 'other' }];
    for (const one of all) unusable(await upload(id, one), id);
    unusable(await initiate(id), id);
    unusable(await initiate(id, {}, 'other'), id);
    assertEmpty(await remove(id), 204);
    for (const one of [...all, {}]) unusable(await upload(id, one), id);
    unusable(await initiate(id), id);
  });

  it('of an archive that this server made is answered if it is there, and refused if not', async () => {
    const id = await api.upload('v', BODY);
    const answer = await upload(id);
    assertEmpty(answer, 201);
    assert.equal(answer.headers['x-amz-archive-id'], id);
    for (const one of [{ body: 'Hello World?' }, { body: 'longer than that' }, { vault: 'other' }])
      unusable(await upload(id, one), id);
    unusable(await initiate(id), id);
    assertEmpty(await remove(id), 204);
    for (const vault of ['v', 'other']) unusable(await upload(id, { vault }), id);
    unusable(await initiate(id), id);
  });

  it('leaves its id free if the body is not what was declared', async () => {
    const id = newId();
    const options = { headers: { ...hashHeaders('Hello World?'), 'x-moraine-archive-id': id }, body: BODY };
    const answer = await upload(id, { options });
    assert.equal(answer.status, 403, answer.text);
    assertEmpty(await upload(id, { vault: 'other' }), 201);
  });

  it('of one id at the same time makes one archive', async () => {
    const id = newId();
    const bodies = ['one', 'two', 'one', 'two', 'one', 'two'];
    const answers = await Promise.all(bodies.map((body) => upload(id, { body })));
    const won = bodies.filter((_, i) => answers[i]?.status === 201);
    assert.equal(new Set(won).size, 1);
    for (const answer of answers) if (answer.status !== 201) unusable(answer, id);
    assert.equal(await retrieve(id), won[0]);
  });
});

describe('an imported archive', () => {
  it('is as old for policies as its import', async () => {
    const id = newId();
    assertEmpty(await upload(id, { vault: 'other', date: DATE }), 201);
    const Condition = { NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } };
    const Statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 'glacier:DeleteArchive',
      Resource: '*',
      Condition,
    };
    const policy = policyBody({ Version: '2012-10-17', Statement: [Statement] });
    const target = '/-/vaults/other/access-policy';
    assertEmpty(await api.call('PUT', target, { body: policy }), 204);
    assert.equal((await remove(id, 'other')).status, 403);
    assertEmpty(await api.call('DELETE', target), 204);
    assertEmpty(await remove(id, 'other'), 204);
  });

  it('can be deleted again, from its own vault only', async () => {
    const id = newId();
    await upload(id);
    for (let i = 0; i < 2; i++) assertEmpty(await remove(id), 204);
    const text = `The archive ID was not found: ${id}`;
    assertRefusal(await remove(id, 'other'), 404, 'ResourceNotFoundException', text);
    assertRefusal(await remove('never-here'), 404, 'ResourceNotFoundException', /never-here/);
  });
});

describe('an import in parts', () => {
  const uploadIdOf = (answer: Answer): string => {
    assertEmpty(answer, 201);
    return answer.headers['x-amz-multipart-upload-id'] ?? '';
  };

  it('makes an archive of the id and the date that are given', async () => {
    const id = newId();
    const uploadId = uploadIdOf(await initiate(id, { 'x-moraine-creation-date': DATE }));
    const body = patternBytes(MIB + 5);
    await api.putPart('v', uploadId, 0, body.subarray(0, MIB));
    await api.putPart('v', uploadId, MIB, body.subarray(MIB));
    const answer = await api.complete('v', uploadId, body.length, treeHash(body));
    assertEmpty(answer, 201);
    assert.equal(answer.headers['x-amz-archive-id'], id);
    await assertListed('v', id, DATE);
    assertEmpty(await api.complete('v', uploadId, body.length, treeHash(body)), 201);
    // The same bytes in one request are the same archive.
    assertEmpty(await upload(id, { body }), 201);
    unusable(await initiate(id, { 'x-moraine-creation-date': DATE }), id);
  });

  it('is started once: a repeat gets the same upload id while it is open', async () => {
    const id = newId();
    const description = { 'x-amz-archive-description': 'a description' };
    const uploadId = uploadIdOf(await initiate(id, description));
    const all = await Promise.all(Array.from({ length: 4 }, () => initiate(id, description)));
    for (const one of all) assert.equal(uploadIdOf(one), uploadId);
    for (const headers of [{}, { ...description, 'x-amz-part-size': String(2 * MIB) }])
      unusable(await initiate(id, headers), id);
    unusable(await initiate(id, description, 'other'), id);
    unusable(await upload(id), id);
    const listed = assertJson(await api.call('GET', '/-/vaults/v/multipart-uploads'))['UploadsList'];
    assert.equal(
      (listed as { MultipartUploadId: string }[]).filter((one) => one.MultipartUploadId === uploadId).length,
      1,
    );
    assertEmpty(await api.call('DELETE', `/-/vaults/v/multipart-uploads/${uploadId}`), 204);
    assert.notEqual(uploadIdOf(await initiate(id, description, 'other')), uploadId);
  });

  it('is refused for a date in the future', async () => {
    const date = new Date(Date.now() + 60_000).toISOString();
    const answer = await initiate(newId(), { 'x-moraine-creation-date': date });
    assertRefusal(answer, 400, INVALID, /^Invalid x-moraine-creation-date: .* is in the future/);
  });
});
