import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../../src/treehash/index.ts';
import { type Api, apiOf, assertJson, assertRefusal } from '../../support/api.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const INVALID = 'InvalidParameterValueException';
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

type Shown = Readonly<Record<string, unknown>>;

let server: TestServer;
let api: Api;
/** Description, and the size of the archive. */
const UPLOADS: readonly (readonly [string | undefined, number])[] = [
  ['photos/2019/a.jpg', 30],
  ['{"Path":"photos/2019/B.JPG","UTCDateModified":"20190714T123059Z"}', 20],
  [undefined, 10],
  ['mt2 eyJmaWxlbmFtZSI6ImRpci9maWxlIDEudHh0IiwibXRpbWUiOiIyMDE5MDcxNFQxMjMwNTlaIn0', 50],
  ['my//notes', 40],
];
const ids: string[] = [];

before(async () => {
  server = await startServer();
  api = apiOf(server);
  for (const vault of ['v', 'other']) await api.createVault(vault);
  await api.upload('other', 'x');
  for (const [description, size] of UPLOADS) ids.push(await api.upload('v', patternBytes(size), description));
});
after(() => server.stop());

async function list(query: string): Promise<readonly Shown[]> {
  const json = assertJson(await api.call('GET', `/-/vaults/v/archives${query}`));
  assert.deepEqual(Object.keys(json), ['ArchiveList', 'Marker', 'CompleteUpTo']);
  assert.match(String(json['CompleteUpTo']), DATE);
  assert.equal(json['Marker'], null);
  return json['ArchiveList'] as Shown[];
}

/** The places of the listed archives among the uploads. */
const places = async (query: string) =>
  (await list(query)).map((one) => ids.indexOf(String(one['ArchiveId'])));

describe('ListArchives', () => {
  it('shows every archive of the vault, the oldest first, with the name in its description', async () => {
    const shown = await list('');
    assert.deepEqual(
      shown.map(({ Name, NameFormat, ModifiedDate, ArchiveDescription, Size }) => [
        Name,
        NameFormat,
        ModifiedDate,
        ArchiveDescription,
        Size,
      ]),
      [
        ['photos/2019/a.jpg', 'plain', null, UPLOADS[0]?.[0], 30],
        ['photos/2019/B.JPG', 'json', '2019-07-14T12:30:59.000Z', UPLOADS[1]?.[0], 20],
        [null, null, null, null, 10],
        ['dir/file 1.txt', 'mt2', '2019-07-14T12:30:59.000Z', UPLOADS[3]?.[0], 50],
        [null, null, null, 'my//notes', 40],
      ],
    );
    for (const [i, one] of shown.entries()) {
      assert.deepEqual(Object.keys(one), [
        'ArchiveId',
        'ArchiveDescription',
        'Name',
        'NameFormat',
        'ModifiedDate',
        'CreationDate',
        'ImportedDate',
        'Size',
        'SHA256TreeHash',
        'Damaged',
        'LastVerifiedDate',
        'DeletionDate',
      ]);
      assert.equal(one['ArchiveId'], ids[i]);
      assert.match(String(one['CreationDate']), DATE);
      assert.equal(one['SHA256TreeHash'], treeHash(patternBytes(UPLOADS[i]?.[1] ?? 0)));
      const { Damaged, ImportedDate, LastVerifiedDate, DeletionDate } = one;
      assert.deepEqual([Damaged, ImportedDate, LastVerifiedDate, DeletionDate], [false, null, null, null]);
    }
  });

  it('combines filters by and', async () => {
    const rows: readonly (readonly [string, readonly number[]])[] = [
      ['?prefix=photos/', [0, 1]],
      ['?prefix=photos%2F2019%2FB', [1]],
      ['?prefix=PHOTOS', []],
      ['?prefix=', [0, 1, 2, 3, 4]],
      ['?contains=JPG', [0, 1]],
      ['?contains=utcdate', [1]],
      ['?contains=file%201', [3]],
      ['?contains=NOTES', [4]],
      ['?size-min=20&size-max=40', [0, 1, 4]],
      ['?size-min=20&contains=a.jpg', [0]],
      [`?tree-hash=${treeHash(patternBytes(10)).toUpperCase()}`, [2]],
      ['?created-after=2020-01-01T00:00:00Z', [0, 1, 2, 3, 4]],
      ['?created-before=2020-01-01T00:00:00Z', []],
      ['?created-after=2020-01-01T00:00:00Z&prefix=dir', [3]],
    ];
    for (const [query, expected] of rows) assert.deepEqual(await places(query), expected, query);
  });

  it('takes the first moment of a period and leaves out its end', async () => {
    const [first] = await list('');
    const at = String(first?.['CreationDate']);
    assert.ok((await places(`?created-after=${at}`)).includes(0));
    assert.ok(!(await places(`?created-before=${at}`)).includes(0));
  });

  it('orders by creation, name and size, in both directions', async () => {
    const rows: readonly (readonly [string, readonly number[]])[] = [
      ['?order=created', [0, 1, 2, 3, 4]],
      ['?direction=desc', [4, 3, 2, 1, 0]],
      ['?order=size&direction=asc', [2, 1, 0, 4, 3]],
      ['?order=size&direction=desc', [3, 4, 0, 1, 2]],
      ['?order=name', [3, 1, 0, 2, 4]],
      ['?order=name&direction=desc', [0, 1, 3, 4, 2]],
    ];
    for (const [query, expected] of rows) assert.deepEqual(await places(query), expected, query);
  });

  it('goes from page to page by its markers', async () => {
    for (const [query, expected] of [
      ['?limit=2', [0, 1, 2, 3, 4]],
      ['?limit=2&direction=desc', [4, 3, 2, 1, 0]],
      ['?limit=2&order=name', [3, 1, 0, 2, 4]],
      ['?limit=1&prefix=photos/', [0, 1]],
    ] as const) {
      const found: number[] = [];
      for (let marker: unknown = ''; marker !== null; ) {
        const json = assertJson(await api.call('GET', `/-/vaults/v/archives${query}&marker=${marker}`));
        const shown = json['ArchiveList'] as Shown[];
        assert.ok(shown.length <= 2);
        found.push(...shown.map((one) => ids.indexOf(String(one['ArchiveId']))));
        marker = json['Marker'];
      }
      assert.deepEqual(found, expected, query);
    }
  });

  it('clamps the limit, and has 50 by default', async () => {
    await api.createVault('many');
    for (let i = 0; i < 51; i++) await api.upload('many', 'x');
    const count = async (query: string) => {
      const json = assertJson(await api.call('GET', `/-/vaults/many/archives${query}`));
      return [(json['ArchiveList'] as Shown[]).length, json['Marker'] === null];
    };
    assert.deepEqual(await count(''), [50, false]);
    assert.deepEqual(await count('?limit=51'), [51, true]);
    assert.deepEqual(await count('?limit=1000000'), [51, true]);
  });

  it('shows what was just uploaded, and no longer what was just deleted', async () => {
    await api.createVault('changing');
    const id = await api.upload('changing', 'x');
    const shown = async () => {
      const json = assertJson(await api.call('GET', '/-/vaults/changing/archives'));
      return (json['ArchiveList'] as Shown[]).map((one) => one['ArchiveId']);
    };
    assert.deepEqual(await shown(), [id]);
    await api.call('DELETE', `/-/vaults/changing/archives/${id}`);
    assert.deepEqual(await shown(), []);
  });

  it('refuses invalid values, naming them', async () => {
    const rows: readonly (readonly [string, RegExp])[] = [
      ['limit=0', /^Invalid limit: 0\. It must be a whole number from 1 to 1000\.$/],
      ['contains=', /^Invalid contains: \. It must have 1 to 256 characters, not 0\.$/],
      [`contains=${'x'.repeat(257)}`, /not 257\.$/],
      ['created-after=yesterday', /^Invalid created-after: yesterday\. It must be a date such as/],
      ['created-before=2019-02-30T00:00:00Z', /^Invalid created-before: 2019-02-30/],
      ['size-min=-1', /^Invalid size-min: -1\. It must be a whole number of bytes\.$/],
      ['size-max=1k', /^Invalid size-max: 1k\./],
      ['tree-hash=abc', /^Invalid tree-hash: abc\. It must have 64 hexadecimal digits\.$/],
      ['order=date', /^Invalid order: date\. It must be created, name or size\.$/],
      ['direction=up', /^Invalid direction: up\. It must be asc or desc\.$/],
      ['marker=x', /^Invalid marker: x\. Use the Marker of an earlier answer/],
    ];
    for (const [query, message] of rows)
      assertRefusal(await api.call('GET', `/-/vaults/v/archives?${query}`), 400, INVALID, message);
    const page = assertJson(await api.call('GET', '/-/vaults/v/archives?limit=1'));
    const other = await api.call('GET', `/-/vaults/v/archives?order=size&marker=${page['Marker']}`);
    assertRefusal(other, 400, INVALID, /^Invalid marker: /);
  });

  it('refuses a missing vault with the text of the API', async () => {
    const text = `Vault not found for ARN: ${api.vaultArn('nowhere')}`;
    assertRefusal(
      await api.call('GET', '/-/vaults/nowhere/archives'),
      404,
      'ResourceNotFoundException',
      text,
    );
  });
});

describe('DescribeArchive', () => {
  const describeArchive = (id: string, query = '') => api.call('GET', `/-/vaults/v/archives/${id}${query}`);

  it('shows the archive as the list does, and its one segment', async () => {
    const [listed] = await list('');
    const { Segments, SegmentsMarker, ...shown } = assertJson(await describeArchive(ids[0] ?? ''));
    assert.deepEqual(shown, listed);
    assert.deepEqual(Segments, [{ Offset: 0, Size: 30, SHA256TreeHash: listed?.['SHA256TreeHash'] }]);
    assert.equal(SegmentsMarker, null);
  });

  it('shows the parts of a multipart archive as segments', async () => {
    await api.createVault('parts');
    const bytes = patternBytes(2 * MIB + 5);
    const uploadId = await api.initiate('parts', MIB);
    for (let at = 0; at < bytes.length; at += MIB)
      await api.putPart('parts', uploadId, at, bytes.subarray(at, at + MIB));
    const { headers } = await api.complete('parts', uploadId, bytes.length, treeHash(bytes));
    const path = `/-/vaults/parts/archives/${headers['x-amz-archive-id']}`;
    const json = assertJson(await api.call('GET', path));
    const segment = (Offset: number, Size: number) => ({
      Offset,
      Size,
      SHA256TreeHash: treeHash(bytes.subarray(Offset, Offset + Size)),
    });
    assert.deepEqual(json['Segments'], [segment(0, MIB), segment(MIB, MIB), segment(2 * MIB, 5)]);
    assert.equal(json['SegmentsMarker'], null);
  });

  it('refuses unknown, deleted and foreign archives as the API does', async () => {
    const notFound = (id: string) => `The archive ID was not found: ${id}`;
    const gone = await api.upload('v', 'x');
    await api.call('DELETE', `/-/vaults/v/archives/${gone}`);
    for (const id of ['x', gone])
      assertRefusal(await describeArchive(id), 404, 'ResourceNotFoundException', notFound(id));
    const foreign = await api.upload('other', 'x');
    assertRefusal(await describeArchive(foreign), 400, INVALID, `Invalid vault name: ${api.vaultArn('v')}`);
    assertRefusal(
      await describeArchive(ids[0] ?? '', '?segments-marker=x'),
      400,
      INVALID,
      /^Invalid marker: x/,
    );
  });
});
