/** Inventories: the documents byte for byte, in both formats, whole and limited by date, limit and marker. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal } from '../../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { inventoryParameters, type JobMembers, type Jobs, jobsOf } from '../../support/jobs.ts';
import { hashHeaders } from '../../support/request.ts';
import type { TestServer } from '../../support/server.ts';

const SECOND_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const CSV_HEAD = 'ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n';
const COUNT = 25;

interface Row {
  readonly ArchiveId: string;
  readonly ArchiveDescription: string;
  readonly CreationDate: string;
  readonly Size: number;
  readonly SHA256TreeHash: string;
}

let server: TestServer;
let clock: EmulatorControls;
let api: Api;
let jobs: Jobs;
/** Uploads to the vault `v`, one minute apart on the emulator's clock. */
const rows: Row[] = [];
/** The emulator's time just after each upload and before the next. */
const moments: string[] = [];
before(async () => {
  server = await startEmulator();
  clock = controlsOf(server);
  api = apiOf(server);
  jobs = jobsOf(api, () => clock.advance('1ms'));
  for (const vault of ['v', 'empty']) await api.createVault(vault);
  for (let i = 0; i < COUNT; i++) {
    const body = 'x'.repeat(i + 1);
    const id = await api.upload('v', body, i === 0 ? undefined : `archive ${i}`);
    const [row] = parseJson(await jobs.inventory('v')).rows.slice(-1);
    rows.push(row as Row);
    assert.deepEqual(row, {
      ArchiveId: id,
      ArchiveDescription: i === 0 ? '' : `archive ${i}`,
      CreationDate: row?.CreationDate,
      Size: body.length,
      SHA256TreeHash: hashHeaders(body)['x-amz-sha256-tree-hash'],
    });
    moments.push((await clock.advance('1m')).now);
  }
});
after(() => server.stop());

function parseJson(text: string): { date: string; rows: Row[] } {
  const document = JSON.parse(text) as { VaultARN: string; InventoryDate: string; ArchiveList: Row[] };
  const { VaultARN, InventoryDate, ArchiveList } = document;
  assert.equal(text, JSON.stringify({ VaultARN, InventoryDate, ArchiveList }));
  assert.equal(VaultARN, api.vaultArn('v'));
  assert.match(InventoryDate, SECOND_DATE);
  return { date: InventoryDate, rows: ArchiveList };
}

/** The expected lines, for descriptions that only need to be quoted. */
const csvOf = (list: readonly Row[]) =>
  CSV_HEAD +
  list
    .map((r) => `${r.ArchiveId},"${r.ArchiveDescription}",${r.CreationDate},${r.Size},${r.SHA256TreeHash}\n`)
    .join('');

/** The rows of an inventory with these parameters; asserts that both formats agree. */
async function ranged(parameters: JobMembers): Promise<Row[]> {
  const members = { InventoryRetrievalParameters: parameters };
  const { rows: found } = parseJson(await jobs.inventory('v', members));
  assert.equal(await jobs.inventory('v', { ...members, Format: 'CSV' }), csvOf(found));
  return found;
}

describe('the JSON inventory', () => {
  it("is compact, with keys in the service's order, archives by age, and dates in whole seconds", async () => {
    const id = await jobs.startInventory('v');
    const { InventorySizeInBytes } = await jobs.untilDone('v', id);
    const { bytes, headers, status } = await jobs.output('v', id);
    assert.equal(status, 200);
    assert.deepEqual(
      [headers['content-type'], headers['content-length'], headers['accept-ranges']],
      ['application/json', String(InventorySizeInBytes), 'bytes'],
    );
    for (const absent of ['x-amz-sha256-tree-hash', 'x-amz-archive-description', 'content-range']) {
      assert.equal(absent in headers, false, absent);
    }
    assert.deepEqual(parseJson(bytes.toString()).rows, rows);
    for (const { CreationDate } of rows) assert.match(CreationDate, SECOND_DATE);
  });

  it('has an empty list for an empty vault', async () => {
    const text = await jobs.inventory('empty');
    const date = String(JSON.parse(text)['InventoryDate']);
    assert.equal(text, `{"VaultARN":"${api.vaultArn('empty')}","InventoryDate":"${date}","ArchiveList":[]}`);
    assert.equal(await jobs.inventory('empty', { Format: 'CSV' }), CSV_HEAD);
  });

  it('can be downloaded in ranges, which have no hashes', async () => {
    const id = await jobs.startInventory('v');
    await jobs.untilDone('v', id);
    const { bytes: whole } = await jobs.output('v', id);
    for (const [range, first, last] of [
      ['bytes=0-9', 0, 9],
      [`bytes=0-${whole.length - 1}`, 0, whole.length - 1],
      ['bytes=100-', 100, whole.length - 1],
      ['bytes=10-99999999', 10, whole.length - 1],
    ] as const) {
      const { status, headers, bytes } = await jobs.output('v', id, range);
      assert.equal(status, 206);
      assert.equal(headers['content-range'], `bytes ${first}-${last}/${whole.length}`);
      assert.equal(headers['x-amz-sha256-tree-hash'], undefined);
      assert.deepEqual(bytes, whole.subarray(first, last + 1));
    }
    assert.equal((await jobs.output('v', id, `bytes=${whole.length}-`)).status, 400);
  });

  it('escapes descriptions as JSON does', async () => {
    await api.createVault('json');
    const text = 'a "quoted" \\ backslash, and </script>';
    await api.upload('json', 'x', text);
    const document = await jobs.inventory('json');
    assert.ok(document.includes(`"ArchiveDescription":${JSON.stringify(text)}`));
  });
});

describe('the CSV inventory', () => {
  it('has a header row without quotes and a row for each archive, each ended by a line feed', async () => {
    const id = await jobs.startInventory('v', { Format: 'CSV' });
    const { InventorySizeInBytes } = await jobs.untilDone('v', id);
    const { bytes, headers } = await jobs.output('v', id);
    assert.equal(headers['content-type'], 'text/csv');
    assert.equal(headers['content-length'], String(InventorySizeInBytes));
    assert.equal(bytes.toString(), csvOf(rows));
  });

  it('quotes descriptions, and escapes their quotes but not their backslashes', async () => {
    await api.createVault('csv');
    const cases = [
      ['plain', '"plain"'],
      ['my archive description,1"2', '"my archive description,1\\"2"'],
      ['my archive description,1\\"2', '"my archive description,1\\\\"2"'],
      ['ends with \\', '"ends with \\"'],
      ['""', '"\\"\\""'],
      ["it's; a\ttab?".replace('\t', ' '), `"it's; a tab?"`],
      ['  leading'.trimStart(), '"leading"'],
      ['trailing  '.trimEnd(), '"trailing"'],
      ['=1+1', '"=1+1"'],
    ] as const;
    for (const [description] of cases) await api.upload('csv', 'x', description);
    const lines = (await jobs.inventory('csv', { Format: 'CSV' })).split('\n');
    assert.equal(lines.length, cases.length + 2);
    for (const [i, [, written]] of cases.entries()) {
      const line = lines[i + 1] ?? '';
      assert.match(line, /^[A-Za-z0-9_-]{138},"/);
      assert.equal(line.slice(139, -(1 + 20 + 1 + 1 + 1 + 64)), written);
      assert.match(line.slice(-(1 + 20 + 1 + 1 + 1 + 64)), /^,\S{20},1,[0-9a-f]{64}$/);
    }
  });
});

describe('range inventories', () => {
  it('list archives created at or after the start and before the end', async () => {
    // One minute after the i-th upload, and before the next.
    const at = (i: number) => moments[i] as string;
    assert.deepEqual(await ranged({ StartDate: at(4) }), rows.slice(5));
    assert.deepEqual(await ranged({ EndDate: at(4) }), rows.slice(0, 5));
    assert.deepEqual(await ranged({ StartDate: at(4), EndDate: at(9) }), rows.slice(5, 10));
    assert.deepEqual(await ranged({ StartDate: at(COUNT - 1) }), []);
    assert.deepEqual(await ranged({ EndDate: '2000-01-01T00:00:00Z' }), []);
    const second = (rows[7] as Row).CreationDate;
    assert.deepEqual(await ranged({ StartDate: second }), rows.slice(7));
    assert.deepEqual(await ranged({ EndDate: second }), rows.slice(0, 7));
  });

  it('accept dates in other time zones', async () => {
    const utc = Date.parse(moments[4] as string);
    const east = new Date(utc + 2 * 3_600_000).toISOString().replace('Z', '+02:00');
    assert.deepEqual(await ranged({ StartDate: east }), rows.slice(5));
  });

  it('reach the end by markers, in both formats, with limits of any size', async () => {
    for (const Format of ['JSON', 'CSV']) {
      for (const Limit of [1, '7', 12, 24, 25, 26]) {
        assert.deepEqual(await collect(Format, { Limit }), rows, `${Format} ${Limit}`);
      }
    }
  });

  it('accept a marker together with dates', async () => {
    const parameters = { Limit: 3, StartDate: moments[4] as string, EndDate: moments[14] as string };
    assert.deepEqual(await collect('JSON', parameters), rows.slice(5, 15));
  });

  it('return a marker only when more rows follow', async () => {
    const id = await jobs.startInventory('v', { InventoryRetrievalParameters: { Limit: COUNT } });
    assert.equal(inventoryParameters(await jobs.untilDone('v', id))['Marker'], null);
    const most = { InventoryRetrievalParameters: { Limit: COUNT - 1 } };
    const other = await jobs.startInventory('v', most);
    assert.match(inventoryParameters(await jobs.untilDone('v', other))['Marker'] ?? '', /^\S+$/);
  });

  it('refuse a marker of another vault', async () => {
    const members = { InventoryRetrievalParameters: { Limit: 1 } };
    const id = await jobs.startInventory('v', members);
    const Marker = inventoryParameters(await jobs.untilDone('v', id))['Marker'];
    await api.createVault('beside');
    await api.upload('beside', 'x');
    const body = { Type: 'inventory-retrieval', InventoryRetrievalParameters: { Marker } };
    const answer = await api.call('POST', '/-/vaults/beside/jobs', { body: JSON.stringify(body) });
    assertRefusal(answer, 400, 'InvalidParameterValueException', /^Invalid marker/);
  });

  it('continue after the last archive listed, even when it was deleted', async () => {
    await api.createVault('shrinking');
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await api.upload('shrinking', 'x'));
    const id = await jobs.startInventory('shrinking', { InventoryRetrievalParameters: { Limit: 2 } });
    const Marker = inventoryParameters(await jobs.untilDone('shrinking', id))['Marker'];
    assertEmpty(await api.call('DELETE', `/-/vaults/shrinking/archives/${ids[1]}`), 204);
    const rest = await jobs.inventory('shrinking', { InventoryRetrievalParameters: { Marker } });
    const list = JSON.parse(rest)['ArchiveList'] as Row[];
    assert.deepEqual(
      list.map(({ ArchiveId }) => ArchiveId),
      ids.slice(2),
    );
  });

  /** The rows of all pages. */
  async function collect(Format: string, parameters: JobMembers): Promise<Row[]> {
    const all: Row[] = [];
    for (let Marker: string | null = null; ; ) {
      const members = { Format, InventoryRetrievalParameters: { ...parameters, Marker } };
      const id = await jobs.startInventory('v', members);
      const next: string | null = inventoryParameters(await jobs.untilDone('v', id))['Marker'] ?? null;
      const text = (await jobs.output('v', id)).bytes.toString();
      all.push(...(Format === 'JSON' ? parseJson(text).rows : rowsOfCsv(text)));
      if (next === null) return all;
      Marker = next;
    }
  }
});

/** Parses lines whose descriptions have neither commas nor quotes. */
function rowsOfCsv(text: string): Row[] {
  const [head, ...lines] = text.split('\n');
  assert.equal(`${head}\n`, CSV_HEAD);
  assert.equal(lines.pop(), '');
  return lines.map((line) => {
    const [ArchiveId = '', description = '', CreationDate = '', size, SHA256TreeHash = ''] = line.split(',');
    return {
      ArchiveId,
      ArchiveDescription: description.slice(1, -1),
      CreationDate,
      Size: Number(size),
      SHA256TreeHash,
    };
  });
}

describe('live inventories', () => {
  it('show uploads and deletions at once; a vault without writes has no inventory date', async () => {
    const described = async () => (await api.call('GET', '/-/vaults/live')).json();
    await api.createVault('live');
    assert.equal((await described())['LastInventoryDate'], null);
    const id = await api.upload('live', 'x');
    assert.equal(JSON.parse(await jobs.inventory('live'))['ArchiveList'].length, 1);
    const written = await described();
    assert.match(String(written['LastInventoryDate']), /^\S+\.\d{3}Z$/);
    assert.equal(written['NumberOfArchives'], 1);
    assertRefusal(
      await api.call('DELETE', '/-/vaults/live'),
      400,
      'InvalidParameterValueException',
      `Vault not empty or recently written to: ${api.vaultArn('live')}`,
    );
    assertEmpty(await api.call('DELETE', `/-/vaults/live/archives/${id}`), 204);
    assert.deepEqual(JSON.parse(await jobs.inventory('live'))['ArchiveList'], []);
    assertEmpty(await api.call('DELETE', '/-/vaults/live'), 204);
  });

  it('list archives of multipart uploads like all others', async () => {
    await api.createVault('parts');
    const uploadId = await api.initiate('parts', 1_048_576, 'in parts');
    const body = Buffer.from('the only part');
    await api.putPart('parts', uploadId, 0, body);
    const hash = hashHeaders(body)['x-amz-sha256-tree-hash'] ?? '';
    const completed = await api.complete('parts', uploadId, body.length, hash);
    const [row] = JSON.parse(await jobs.inventory('parts'))['ArchiveList'] as Row[];
    assert.deepEqual(
      { ...row, CreationDate: '' },
      {
        ArchiveId: completed.headers['x-amz-archive-id'],
        ArchiveDescription: 'in parts',
        CreationDate: '',
        Size: body.length,
        SHA256TreeHash: hash,
      },
    );
  });
});
