import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const FIELDS = [
  'CreationDate',
  'LastInventoryDate',
  'NumberOfArchives',
  'SizeInBytes',
  'VaultARN',
  'VaultName',
];

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

describe('CreateVault', () => {
  let api: Api;
  before(() => {
    api = apiOf(server, 'create-vault');
  });

  it('answers 201 with the location, and the same when repeated', async () => {
    for (const account of ['-', '-', server.accountId]) {
      const answer = await api.call('PUT', `/${account}/vaults/v1`);
      assertEmpty(answer, 201);
      assert.equal(answer.headers['location'], `/${server.accountId}/vaults/v1`);
    }
  });

  it('does not change an existing vault', async () => {
    await api.createVault('kept');
    const before = await api.call('GET', '/-/vaults/kept');
    await api.createVault('kept');
    assert.equal((await api.call('GET', '/-/vaults/kept')).text, before.text);
  });

  it('accepts every allowed name, and keeps its case', async () => {
    for (const name of [
      'a',
      'A',
      '-',
      '...',
      '.x',
      'v'.repeat(255),
      '__proto__',
      'constructor',
      'tags',
      'archives',
    ]) {
      const answer = await api.call('PUT', `/-/vaults/${name}`);
      assertEmpty(answer, 201);
      assert.equal(answer.headers['location'], `/${server.accountId}/vaults/${name}`);
      assert.equal(assertJson(await api.call('GET', `/-/vaults/${name}`))['VaultName'], name);
    }
  });

  it('refuses every other name, and quotes it in the error', async () => {
    const names = ['v'.repeat(256), 'a b', 'a:b', 'ä', 'a/b', 'a\0', 'a"b', 'a\\b', '*', '%', '😀', 'a\n'];
    for (const name of names) {
      const answer = await api.call('PUT', `/-/vaults/${encodeURIComponent(name)}`);
      assertRefusal(answer, 400, 'InvalidParameterValueException', `Invalid vault name: ${name}`);
    }
  });

  it('refuses names that a path cannot address', async () => {
    for (const name of ['.', '..', '%2E', '%2e%2e', '.%2E']) {
      const answer = await api.call('PUT', `/-/vaults/${name}`);
      assertRefusal(answer, 400, 'InvalidParameterValueException', /./);
    }
  });

  it('accepts an empty body, whatever headers clients send with it', async () => {
    const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    const labels = [
      { 'content-length': '0' },
      { 'content-length': '0', 'content-type': 'application/json' },
      { 'x-amz-content-sha256': emptyHash, 'x-amz-sha256-tree-hash': '' },
    ];
    for (const headers of labels) assertEmpty(await api.call('PUT', '/-/vaults/labelled', { headers }), 201);
  });

  it('creates separate vaults of the same name in two regions', async () => {
    const [east, west] = [apiOf(server, 'create-east'), apiOf(server, 'create-west')];
    await east.createVault('same');
    assert.equal((await west.call('GET', '/-/vaults/same')).status, 404);
    await west.createVault('same');
    await east.upload('same', 'x');
    assert.equal(assertJson(await west.call('GET', '/-/vaults/same'))['NumberOfArchives'], 0);
  });

  it('creates a thousand vaults in an account and region, and refuses the next one', async () => {
    const crowded = apiOf(server, 'crowded');
    const names = Array.from({ length: 1000 }, (_, i) => `v${i}`);
    await inLots(names, 50, (name) => crowded.createVault(name));
    const refused = await crowded.call('PUT', '/-/vaults/one-more');
    assertRefusal(refused, 400, 'LimitExceededException', /1000/);
    assertEmpty(await crowded.call('PUT', '/-/vaults/v999'), 201);
    assertEmpty(await crowded.call('DELETE', '/-/vaults/v0'), 204);
    assertEmpty(await crowded.call('PUT', '/-/vaults/one-more'), 201);
    assertEmpty(await apiOf(server, 'not-crowded').call('PUT', '/-/vaults/one-more'), 201);
  });
});

describe('DescribeVault', () => {
  let api: Api;
  before(() => {
    api = apiOf(server, 'describe-vault');
  });

  it('returns six fields in order, with zeros and null for a fresh vault', async () => {
    await api.createVault('fresh');
    const answer = await api.call('GET', '/-/vaults/fresh');
    const json = assertJson(answer);
    assert.deepEqual(Object.keys(json), FIELDS);
    const { CreationDate, ...rest } = json;
    assert.match(String(CreationDate), MILLISECONDS);
    assert.deepEqual(rest, {
      LastInventoryDate: null,
      NumberOfArchives: 0,
      SizeInBytes: 0,
      VaultARN: api.vaultArn('fresh'),
      VaultName: 'fresh',
    });
  });

  it('counts uploads and deletions at once, and adds 32 KiB to the size of each archive', async () => {
    await api.createVault('counted');
    const first = await api.upload('counted', 'Hello World!');
    await api.upload('counted', 'x'.repeat(1000));
    const two = assertJson(await api.call('GET', `/${server.accountId}/vaults/counted`));
    assert.deepEqual([two['NumberOfArchives'], two['SizeInBytes']], [2, 1012 + 2 * 32_768]);
    assert.match(String(two['LastInventoryDate']), MILLISECONDS);
    await api.call('DELETE', `/-/vaults/counted/archives/${first}`);
    const one = assertJson(await api.call('GET', '/-/vaults/counted'));
    assert.deepEqual([one['NumberOfArchives'], one['SizeInBytes']], [1, 1000 + 32_768]);
  });

  it("shows the region's partition in the ARN", async () => {
    for (const [region, partition] of [
      ['cn-north-1', 'aws-cn'],
      ['us-gov-west-1', 'aws-us-gov'],
    ] as const) {
      const there = apiOf(server, region);
      await there.createVault('v');
      const arn = assertJson(await there.call('GET', '/-/vaults/v'))['VaultARN'];
      assert.equal(arn, `arn:${partition}:glacier:${region}:${server.accountId}:vaults/v`);
    }
  });

  it('names a missing vault by its ARN; names are case-sensitive', async () => {
    await api.createVault('cased');
    for (const name of ['none', 'Cased']) {
      const answer = await api.call('GET', `/-/vaults/${name}`);
      const message = `Vault not found for ARN: ${api.vaultArn(name)}`;
      assertRefusal(answer, 404, 'ResourceNotFoundException', message);
    }
  });

  it('answers 404 for an invalid name, without an ARN', async () => {
    for (const name of ['testz:z', 'a b', 'v'.repeat(256), 'a\0b', 'a/b']) {
      const answer = await api.call('GET', `/-/vaults/${encodeURIComponent(name)}`);
      assertRefusal(answer, 404, 'ResourceNotFoundException', `Vault not found for ARN: ${name}`);
    }
  });
});

describe('ListVaults', () => {
  it('returns an empty list without vaults', async () => {
    const answer = await apiOf(server, 'list-none').call('GET', '/-/vaults');
    assert.equal(answer.text, '{"Marker":null,"VaultList":[]}');
    assertJson(answer);
  });

  it('returns the descriptions of DescribeVault, by name in ASCII order', async () => {
    const api = apiOf(server, 'list-some');
    for (const name of ['b', 'a', 'B', '_', '-', '1', 'a.']) await api.createVault(name);
    await api.upload('a', 'x');
    const json = assertJson(await api.call('GET', `/${server.accountId}/vaults`));
    const list = json['VaultList'] as Record<string, unknown>[];
    assert.deepEqual(Object.keys(json), ['Marker', 'VaultList']);
    assert.deepEqual(
      list.map((vault) => vault['VaultName']),
      ['-', '1', 'B', '_', 'a', 'a.', 'b'],
    );
    for (const vault of list) {
      assert.deepEqual(vault, assertJson(await api.call('GET', `/-/vaults/${vault['VaultName']}`)));
    }
  });

  it('accepts a path with a final slash', async () => {
    const answer = await apiOf(server, 'list-none').call('GET', '/-/vaults/');
    assert.equal(answer.text, '{"Marker":null,"VaultList":[]}');
  });
});

describe('DeleteVault', () => {
  let api: Api;
  before(() => {
    api = apiOf(server, 'delete-vault');
  });

  it('answers 204 for a fresh vault and for a missing one', async () => {
    await api.createVault('gone');
    for (let i = 0; i < 2; i++) assertEmpty(await api.call('DELETE', '/-/vaults/gone'), 204);
    assertEmpty(await api.call('DELETE', '/-/vaults/never-was'), 204);
    assert.equal((await api.call('GET', '/-/vaults/gone')).status, 404);
  });

  it('refuses a vault with archives, and deletes it once they are deleted', async () => {
    await api.createVault('full');
    const id = await api.upload('full', 'x');
    const message = `Vault not empty or recently written to: ${api.vaultArn('full')}`;
    assertRefusal(await api.call('DELETE', '/-/vaults/full'), 400, 'InvalidParameterValueException', message);
    await api.call('DELETE', `/-/vaults/full/archives/${id}`);
    assertEmpty(await api.call('DELETE', '/-/vaults/full'), 204);
  });

  it('deletes open uploads and tags too; a later vault of that name starts empty', async () => {
    await api.createVault('reborn');
    const uploadId = await api.initiate('reborn', 1_048_576);
    await api.putPart('reborn', uploadId, 0, Buffer.from('x'));
    await api.call('POST', '/-/vaults/reborn/tags?operation=add', { body: '{"Tags":{"a":"b"}}' });
    assertEmpty(await api.call('DELETE', '/-/vaults/reborn'), 204);
    await api.createVault('reborn');
    assert.equal((await api.call('GET', '/-/vaults/reborn/tags')).text, '{"Tags":{}}');
    const uploads = assertJson(await api.call('GET', '/-/vaults/reborn/multipart-uploads'));
    assert.deepEqual(uploads['UploadsList'], []);
    assert.equal((await api.call('GET', `/-/vaults/reborn/multipart-uploads/${uploadId}`)).status, 404);
  });

  it('answers 404 with the bare name for an invalid name', async () => {
    const answer = await api.call('DELETE', '/-/vaults/a:b');
    assertRefusal(answer, 404, 'ResourceNotFoundException', 'Vault not found for ARN: a:b');
  });
});

/** Runs `task` for each item, `count` at a time. */
async function inLots<Item>(
  items: readonly Item[],
  count: number,
  task: (item: Item) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += count) await Promise.all(items.slice(at, at + count).map(task));
}
