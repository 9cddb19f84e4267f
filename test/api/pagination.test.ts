import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertJson, assertRefusal } from '../support/api.ts';
import { MIB } from '../support/pattern.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** More rows than a page of any list. */
const ROWS = 57;

interface List {
  readonly name: string;
  readonly target: string;
  /** The answer's member that has the rows, and the row's member that identifies it. */
  readonly member: string;
  readonly key: string;
  readonly max: number;
}

const LISTS: readonly List[] = [
  { name: 'ListVaults', target: '/-/vaults', member: 'VaultList', key: 'VaultName', max: 10 },
  {
    name: 'ListMultipartUploads',
    target: '/-/vaults/uploads/multipart-uploads',
    member: 'UploadsList',
    key: 'MultipartUploadId',
    max: 50,
  },
  {
    name: 'ListParts',
    target: '/-/vaults/parts/multipart-uploads/UPLOAD',
    member: 'Parts',
    key: 'RangeInBytes',
    max: 50,
  },
];

let server: TestServer;
let api: Api;
let partsOf: string;

before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('uploads');
  await api.createVault('parts');
  const numbers = Array.from({ length: ROWS - 2 }, (_, i) => i);
  await Promise.all(numbers.map((i) => api.createVault(`v${i}`)));
  for (let i = 0; i < ROWS; i++) await api.initiate('uploads', MIB);
  partsOf = await api.initiate('parts', MIB);
  // Every second part only, so that offsets and counts differ.
  for (let i = 0; i < ROWS; i++) await api.putPart('parts', partsOf, i * 2 * MIB, Buffer.from(String(i)));
});
after(() => server.stop());

async function page(
  list: List,
  query: Record<string, string>,
): Promise<{ rows: string[]; marker: string | null }> {
  const answer = await api.call('GET', `${targetOf(list)}?${new URLSearchParams(query)}`);
  const json = assertJson(answer);
  const rows = json[list.member] as Record<string, string>[];
  return { rows: rows.map((row) => row[list.key] ?? ''), marker: json['Marker'] as string | null };
}

function targetOf({ target }: List): string {
  return target.replace('UPLOAD', partsOf);
}

/** All rows, page by page; asserts that each page but the last is full. */
async function walk(list: List, limit: number | undefined): Promise<string[]> {
  const rows: string[] = [];
  for (let marker: string | null = ''; marker !== null; ) {
    const found = await page(list, {
      ...(limit ? { limit: String(limit) } : {}),
      ...(marker ? { marker } : {}),
    });
    const full = Math.min(limit ?? list.max, list.max);
    assert.equal(found.rows.length, Math.min(full, ROWS - rows.length));
    rows.push(...found.rows);
    assert.equal(found.marker === null, rows.length === ROWS, 'only the last page has no marker');
    marker = found.marker;
  }
  return rows;
}

for (const list of LISTS) {
  describe(`the pages of ${list.name}`, () => {
    it('return each row once, in the same order, whatever the page size', async () => {
      const all = await walk(list, undefined);
      assert.equal(new Set(all).size, ROWS);
      for (let limit = 1; limit <= 50; limit++)
        assert.deepEqual(await walk(list, limit), all, `limit ${limit}`);
    });

    it('have at most the maximum number of rows, whatever the limit', async () => {
      for (const limit of ['51', '1000', '4294967296', '99999999999999999999']) {
        assert.equal((await page(list, { limit })).rows.length, list.max);
      }
    });

    it('accept an empty marker and an empty limit as absent', async () => {
      const first = await page(list, {});
      assert.deepEqual(await page(list, { marker: '', limit: '' }), first);
    });

    it('refuse a limit that is not a whole number of at least 1', async () => {
      for (const limit of ['0', '-1', '1.5', '1e1', 'ten', ' 1', '0x1', '1\0', '+1']) {
        const answer = await api.call('GET', `${targetOf(list)}?limit=${encodeURIComponent(limit)}`);
        const message = `Invalid limit: ${limit}. It must be a whole number from 1 to ${list.max}.`;
        assertRefusal(answer, 400, 'InvalidParameterValueException', message);
      }
    });

    it('refuse a marker that was not returned by a list of this kind', async () => {
      const foreign = LISTS.filter((other) => other !== list).map(
        async (other) => (await page(other, {})).marker ?? '',
      );
      const odd = ['x', '*', '-', '\0', 'A'.repeat(2000), 'arn:aws:glacier:us-east-1:111122223333:vaults/v1'];
      for (const marker of [...(await Promise.all(foreign)), ...odd]) {
        const answer = await api.call('GET', `${targetOf(list)}?marker=${encodeURIComponent(marker)}`);
        const message = `Invalid marker: ${marker}. Use the Marker of an earlier answer, or none to start.`;
        assertRefusal(answer, 400, 'InvalidParameterValueException', message);
      }
    });

    it('ignore unknown parameters, and refuse a repeated one', async () => {
      assert.deepEqual(await page(list, { unknown: 'x', Limit: '1' }), await page(list, {}));
      const twice = await api.call('GET', `${targetOf(list)}?limit=1&limit=2`);
      assertRefusal(twice, 400, 'BadRequest', /given twice/);
    });
  });
}

describe('a list that changes between two pages', () => {
  it('of vaults continues after the last one listed, even if that was deleted', async () => {
    const there = apiOf(server, 'changing');
    for (const name of ['a', 'b', 'c', 'd']) await there.createVault(name);
    const first = assertJson(await there.call('GET', '/-/vaults?limit=2'));
    assert.equal(first['Marker'], there.vaultArn('b'));
    await there.call('DELETE', '/-/vaults/b');
    await there.createVault('aa');
    const next = await there.call(
      'GET',
      `/-/vaults?limit=2&marker=${encodeURIComponent(there.vaultArn('b'))}`,
    );
    const names = (assertJson(next)['VaultList'] as Record<string, unknown>[]).map(
      (vault) => vault['VaultName'],
    );
    assert.deepEqual(names, ['c', 'd']);
  });

  it('of uploads continues after the last one listed, even if that was aborted', async () => {
    const there = apiOf(server, 'changing-uploads');
    await there.createVault('v');
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(await there.initiate('v', MIB));
    const target = '/-/vaults/v/multipart-uploads';
    const first = assertJson(await there.call('GET', `${target}?limit=2`));
    const shown = uploadIds(first);
    await there.call('DELETE', `${target}/${shown[1]}`);
    const next = assertJson(await there.call('GET', `${target}?limit=2&marker=${first['Marker']}`));
    assert.deepEqual([...shown, ...uploadIds(next)].sort(), [...ids].sort());
  });

  it('of parts lists none twice when a part is sent again', async () => {
    const there = apiOf(server, 'changing-parts');
    await there.createVault('v');
    const id = await there.initiate('v', MIB);
    for (let i = 0; i < 4; i++) await there.putPart('v', id, i * MIB, Buffer.from('x'));
    const target = `/-/vaults/v/multipart-uploads/${id}`;
    const first = assertJson(await there.call('GET', `${target}?limit=2`));
    await there.putPart('v', id, MIB, Buffer.from('again'));
    const next = assertJson(await there.call('GET', `${target}?limit=2&marker=${first['Marker']}`));
    const ranges = (next['Parts'] as Record<string, unknown>[]).map((part) => part['RangeInBytes']);
    assert.deepEqual(ranges, [`${2 * MIB}-${2 * MIB}`, `${3 * MIB}-${3 * MIB}`]);
  });
});

function uploadIds(json: Record<string, unknown>): string[] {
  return (json['UploadsList'] as Record<string, string>[]).map((upload) => upload['MultipartUploadId'] ?? '');
}
