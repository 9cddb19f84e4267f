/** A job's description, byte for byte: every field is present, in a fixed order, and null without a value. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { inventoryParameters, type Jobs, jobsOf } from '../../support/jobs.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import type { TestServer } from '../../support/server.ts';

const WHOLE_HASH = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';
const MS_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:topic';

let server: TestServer;
let clock: EmulatorControls;
let api: Api;
let jobs: Jobs;
let archiveId: string;
before(async () => {
  server = await startEmulator({
    flags: ['--job-times', 'expedited=1m,standard=4h,bulk=8h,inventory=4h'],
  });
  clock = controlsOf(server);
  api = apiOf(server);
  jobs = jobsOf(api);
  await api.createVault('v');
  archiveId = await api.upload('v', patternBytes(6.5 * MIB), 'an archive');
});
after(() => server.stop());

/** All fields in their order, as for an archive job in progress. */
const retrievalFields = (jobId: string, created: unknown) => ({
  Action: 'ArchiveRetrieval',
  ArchiveId: archiveId,
  ArchiveSHA256TreeHash: WHOLE_HASH,
  ArchiveSizeInBytes: 6_815_744,
  Completed: false,
  CompletionDate: null as string | null,
  CreationDate: created,
  InventoryRetrievalParameters: null,
  InventorySizeInBytes: null,
  JobDescription: null as string | null,
  JobId: jobId,
  JobOutputPath: null,
  OutputLocation: null,
  RetrievalByteRange: '0-6815743',
  SHA256TreeHash: WHOLE_HASH as string | null,
  SNSTopic: null as string | null,
  SelectParameters: null,
  StatusCode: 'InProgress',
  StatusMessage: null as string | null,
  Tier: 'Standard' as string,
  VaultARN: api.vaultArn('v'),
});

const inventoryFields = (jobId: string, created: unknown, parameters: Record<string, string | null>) => ({
  ...retrievalFields(jobId, created),
  Action: 'InventoryRetrieval',
  ArchiveId: null,
  ArchiveSHA256TreeHash: null,
  ArchiveSizeInBytes: null,
  InventoryRetrievalParameters: parameters,
  InventorySizeInBytes: null as number | null,
  RetrievalByteRange: null,
  SHA256TreeHash: null,
  Tier: null,
});

const NO_PARAMETERS = { EndDate: null, Format: 'JSON', Limit: null, Marker: null, StartDate: null };

/** Asserts the exact text of DescribeJob and ListJobs. */
async function assertDescribed(jobId: string, expected: (created: unknown) => object) {
  const answer = await api.call('GET', `/-/vaults/v/jobs/${jobId}`);
  const described = assertJson(answer);
  assert.match(String(described['CreationDate']), MS_DATE);
  assert.equal(answer.text, JSON.stringify(expected(described['CreationDate'])));
  const list = await api.call('GET', '/-/vaults/v/jobs');
  assert.ok(list.text.includes(answer.text), 'ListJobs shows the same');
  return described;
}

describe('DescribeJob', () => {
  it('shows a retrieval in progress with its archive and tree hash', async () => {
    const id = await jobs.startRetrieval('v', archiveId);
    await assertDescribed(id, (created) => retrievalFields(id, created));
  });

  it('shows range, description, topic and tier as requested', async () => {
    for (const [range, hash] of [
      ['4194304-6815743', '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1'],
      ['1048576-3145727', null],
    ] as const) {
      const id = await jobs.startRetrieval('v', archiveId, {
        RetrievalByteRange: range,
        Description: 'mine "too" \\',
        SNSTopic: TOPIC,
        Tier: 'Bulk',
      });
      await assertDescribed(id, (created) => ({
        ...retrievalFields(id, created),
        JobDescription: 'mine "too" \\',
        RetrievalByteRange: range,
        SHA256TreeHash: hash,
        SNSTopic: TOPIC,
        Tier: 'Bulk',
      }));
    }
  });

  it("shows an inventory job with its parameters in the service's order, and without a tier", async () => {
    const id = await jobs.startInventory('v', { Tier: 'Standard' });
    await assertDescribed(id, (created) => inventoryFields(id, created, NO_PARAMETERS));
    const ranged = await jobs.startInventory('v', {
      Format: 'CSV',
      InventoryRetrievalParameters: {
        Limit: 10,
        StartDate: '2013-12-04T21:25:42.500Z',
        EndDate: '2013-12-05T02:25:42+02:00',
      },
    });
    await assertDescribed(ranged, (created) =>
      inventoryFields(ranged, created, {
        EndDate: '2013-12-05T00:25:42Z',
        Format: 'CSV',
        Limit: '10',
        Marker: null,
        StartDate: '2013-12-04T21:25:42Z',
      }),
    );
  });

  it('shows a retrieval of a deleted archive, which fails when it is due', async () => {
    const gone = await api.upload('v', 'gone');
    assertEmpty(await api.call('DELETE', `/-/vaults/v/archives/${gone}`), 204);
    const id = await jobs.startRetrieval('v', gone, { Tier: 'Expedited' });
    const fields = (created: unknown) => ({
      ...retrievalFields(id, created),
      ArchiveId: gone,
      ArchiveSHA256TreeHash: null,
      ArchiveSizeInBytes: null,
      RetrievalByteRange: null,
      SHA256TreeHash: null,
      Tier: 'Expedited',
    });
    await assertDescribed(id, fields);
    await clock.advance('2m');
    const described = await jobs.describe('v', id);
    assert.match(String(described['CompletionDate']), MS_DATE);
    await assertDescribed(id, (created) => ({
      ...fields(created),
      Completed: true,
      CompletionDate: described['CompletionDate'],
      StatusCode: 'Failed',
      StatusMessage: 'Failed',
    }));
  });

  it('shows state, message and date of completed jobs, and the size of an inventory', async () => {
    const retrieval = await jobs.startRetrieval('v', archiveId, { Tier: 'Expedited' });
    const inventory = await jobs.startInventory('v');
    await clock.advance('5h');
    const { bytes } = await jobs.output('v', inventory);
    for (const [id, fields] of [
      [retrieval, (created: unknown) => ({ ...retrievalFields(retrieval, created), Tier: 'Expedited' })],
      [
        inventory,
        (created: unknown) => ({
          ...inventoryFields(inventory, created, NO_PARAMETERS),
          InventorySizeInBytes: bytes.length,
        }),
      ],
    ] as const) {
      const { CompletionDate } = await jobs.describe('v', id);
      assert.match(String(CompletionDate), MS_DATE);
      const done = { Completed: true, CompletionDate, StatusCode: 'Succeeded', StatusMessage: 'Succeeded' };
      await assertDescribed(id, (created) => ({ ...fields(created), ...done }));
    }
  });

  it('shows the requested marker until the job completes, and then the next one', async () => {
    for (const body of ['a', 'b', 'c']) await api.upload('v', body);
    const parameters = { Limit: 2 };
    const first = await jobs.startInventory('v', { InventoryRetrievalParameters: parameters });
    assert.equal(inventoryParameters(await jobs.describe('v', first))['Marker'], null);
    await clock.advance('5h');
    const marker = inventoryParameters(await jobs.describe('v', first))['Marker'];
    assert.match(marker ?? '', /^[A-Za-z0-9_-]+$/);
    const second = await jobs.startInventory('v', {
      InventoryRetrievalParameters: { ...parameters, Marker: marker },
    });
    assert.equal(inventoryParameters(await jobs.describe('v', second))['Marker'], marker);
    await clock.advance('5h');
    assert.equal(inventoryParameters(await jobs.describe('v', second))['Marker'], null);
  });

  it("answers 404 for unknown jobs and another vault's jobs", async () => {
    await api.createVault('other');
    const id = await jobs.startRetrieval('v', archiveId);
    for (const [vault, jobId] of [
      ['v', 'x'],
      ['v', 'A'.repeat(92)],
      ['other', id],
    ]) {
      for (const place of ['', '/output']) {
        const answer = await api.call('GET', `/-/vaults/${vault}/jobs/${jobId}${place}`);
        assertRefusal(answer, 404, 'ResourceNotFoundException', `The job ID was not found: ${jobId}`);
      }
    }
  });
});
