/** Jobs through the unmodified official JavaScript SDK. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  CreateVaultCommand,
  DeleteVaultNotificationsCommand,
  DescribeJobCommand,
  GetDataRetrievalPolicyCommand,
  GetJobOutputCommand,
  type GetJobOutputCommandOutput,
  GetVaultNotificationsCommand,
  GlacierClient,
  InitiateJobCommand,
  InsufficientCapacityException,
  InvalidParameterValueException,
  type JobParameters,
  LimitExceededException,
  ListProvisionedCapacityCommand,
  PolicyEnforcedException,
  PurchaseProvisionedCapacityCommand,
  paginateListJobs,
  ResourceNotFoundException,
  SetDataRetrievalPolicyCommand,
  SetVaultNotificationsCommand,
  UploadArchiveCommand,
} from '@aws-sdk/client-glacier';
import { digestOf } from '../support/download.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import type { TestServer } from '../support/server.ts';

const PATTERN = patternBytes(6.5 * MIB);
const WHOLE_HASH = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';
const VAULT = { accountId: '-', vaultName: 'jobs' };
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:topic';

describe('@aws-sdk/client-glacier, jobs', () => {
  let server: TestServer;
  let clock: EmulatorControls;
  let client: GlacierClient;
  let archiveId: string;
  before(async () => {
    const times = 'expedited=1m,standard=4h,bulk=8h,inventory=4h';
    server = await startEmulator({ flags: ['--job-times', times, '--expedited-capacity', '1'] });
    clock = controlsOf(server);
    const { url: endpoint, accessKeyId, secretAccessKey } = server;
    const credentials = { accessKeyId, secretAccessKey };
    client = new GlacierClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
    await client.send(new CreateVaultCommand(VAULT));
    const upload = { ...VAULT, archiveDescription: 'pattern', body: PATTERN };
    archiveId = (await client.send(new UploadArchiveCommand(upload))).archiveId ?? '';
  });
  after(async () => {
    client.destroy();
    await server.stop();
  });

  async function start(jobParameters: JobParameters): Promise<string> {
    const { jobId, location } = await client.send(new InitiateJobCommand({ ...VAULT, jobParameters }));
    assert.equal(location, `/${server.accountId}/vaults/${VAULT.vaultName}/jobs/${jobId}`);
    return jobId ?? '';
  }
  const retrieve = (more: JobParameters = {}) =>
    start({ Type: 'archive-retrieval', ArchiveId: archiveId, ...more });
  const describeJob = (jobId: string) => client.send(new DescribeJobCommand({ ...VAULT, jobId }));
  const output = (jobId: string, range?: string) =>
    client.send(new GetJobOutputCommand({ ...VAULT, jobId, ...(range === undefined ? {} : { range }) }));
  const bytesOf = async ({ body }: GetJobOutputCommandOutput) =>
    (await body?.transformToByteArray()) ?? new Uint8Array();

  it('retrieves a whole archive in each tier once its job is due', async () => {
    for (const [Tier, hours] of [
      ['Expedited', '2m'],
      ['Standard', '5h'],
      ['Bulk', '9h'],
    ] as const) {
      const id = await retrieve({ Tier, Description: 'mine' });
      const early = new RegExp(`^The job is not currently available for download: ${id}$`);
      await assert.rejects(output(id), (error: Error) => {
        assert.ok(error instanceof InvalidParameterValueException);
        assert.match(error.message, early);
        return true;
      });
      await clock.advance(hours);
      const described = await describeJob(id);
      assert.deepEqual(
        [described.Tier, described.StatusCode, described.Completed, described.JobDescription],
        [Tier, 'Succeeded', true, 'mine'],
      );
      assert.deepEqual([described.SHA256TreeHash, described.ArchiveSHA256TreeHash], [WHOLE_HASH, WHOLE_HASH]);
      const answer = await output(id);
      assert.deepEqual(
        [answer.status, answer.checksum, answer.archiveDescription, answer.contentType, answer.acceptRanges],
        [200, WHOLE_HASH, 'pattern', 'application/octet-stream', 'bytes'],
      );
      assert.equal(digestOf(await bytesOf(answer)), digestOf(PATTERN));
    }
  });

  it('downloads ranges with and without a checksum, and the whole for an empty range', async () => {
    const id = await retrieve();
    await clock.advance('5h');
    for (const [first, last, checksum] of [
      [4 * MIB, 6.5 * MIB - 1, '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1'],
      [MIB, 3 * MIB - 1, undefined],
      [0, 1023, undefined],
    ] as const) {
      const answer = await output(id, `bytes=${first}-${last}`);
      assert.deepEqual(
        [answer.status, answer.contentRange, answer.checksum],
        [206, `bytes ${first}-${last}/${PATTERN.length}`, checksum],
      );
      assert.equal(digestOf(await bytesOf(answer)), digestOf(PATTERN.subarray(first, last + 1)));
    }
    const whole = await output(id, '');
    assert.equal(whole.status, 200);
    assert.equal((await bytesOf(whole)).length, PATTERN.length);
    const part = await retrieve({ RetrievalByteRange: `${2 * MIB}-${4 * MIB - 1}` });
    await clock.advance('5h');
    const answer = await output(part);
    assert.equal(answer.checksum, '91ff91571203aa8641de1ae54a861615cf7f426bded1bf91c9e7f53303d7f409');
    assert.equal(digestOf(await bytesOf(answer)), digestOf(PATTERN.subarray(2 * MIB, 4 * MIB)));
    await assert.rejects(retrieve({ RetrievalByteRange: '0-1023' }), InvalidParameterValueException);
  });

  it('gets inventories in both formats, by date, and page by page', async () => {
    const vault = { accountId: '-', vaultName: 'listed' };
    await client.send(new CreateVaultCommand(vault));
    const ids: string[] = [];
    let middle = '';
    for (let i = 0; i < 7; i++) {
      const upload = { ...vault, archiveDescription: `number ${i}`, body: Buffer.from('x') };
      ids.push((await client.send(new UploadArchiveCommand(upload))).archiveId ?? '');
      const { now } = await clock.advance('1m');
      if (i === 3) middle = now;
    }
    const inventory = async (Format: string, InventoryRetrievalParameters: object) => {
      const jobParameters = { Type: 'inventory-retrieval', Format, InventoryRetrievalParameters };
      const { jobId } = await client.send(new InitiateJobCommand({ ...vault, jobParameters }));
      await clock.advance('5h');
      const described = await client.send(new DescribeJobCommand({ ...vault, jobId }));
      const answer = await client.send(new GetJobOutputCommand({ ...vault, jobId }));
      assert.equal(answer.contentType, Format === 'JSON' ? 'application/json' : 'text/csv');
      const text = Buffer.from(await bytesOf(answer)).toString();
      assert.equal(described.InventorySizeInBytes, text.length);
      return { text, marker: described.InventoryRetrievalParameters?.Marker };
    };
    const listed = ({ text }: { text: string }) =>
      (JSON.parse(text)['ArchiveList'] as { ArchiveId: string }[]).map(({ ArchiveId }) => ArchiveId);
    assert.deepEqual(listed(await inventory('JSON', {})), ids);
    assert.deepEqual(listed(await inventory('JSON', { StartDate: middle })), ids.slice(4));
    assert.deepEqual(listed(await inventory('JSON', { EndDate: middle })), ids.slice(0, 4));
    const { text } = await inventory('CSV', { StartDate: middle });
    assert.deepEqual(
      text.split('\n').map((line) => line.split(',')[0]),
      ['ArchiveId', ...ids.slice(4), ''],
    );
    const pages: string[] = [];
    for (let marker: string | undefined; ; ) {
      const parameters = { Limit: '3', ...(marker === undefined ? {} : { Marker: marker }) };
      const page = await inventory('JSON', parameters);
      pages.push(...listed(page));
      marker = page.marker ?? undefined;
      if (marker === undefined) break;
    }
    assert.deepEqual(pages, ids);
  });

  it('lists jobs page by page, newest first, until a day after their completion', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await retrieve());
    const listed = async (filter: object) => {
      const found: string[] = [];
      for await (const page of paginateListJobs({ client, pageSize: 2 }, { ...VAULT, ...filter }))
        found.push(...(page.JobList ?? []).map(({ JobId }) => JobId ?? ''));
      return found;
    };
    assert.deepEqual((await listed({ statuscode: 'InProgress' })).slice(0, 5), ids.toReversed());
    await clock.advance('5h');
    assert.deepEqual(await listed({ completed: 'false' }), []);
    assert.deepEqual(
      (await listed({ completed: 'true', statuscode: 'Succeeded' })).slice(0, 5),
      ids.toReversed(),
    );
    await clock.advance('25h');
    assert.deepEqual(await listed({}), []);
    await assert.rejects(output(ids[0] ?? ''), ResourceNotFoundException);
    await assert.rejects(describeJob(ids[0] ?? ''), ResourceNotFoundException);
  });

  it('sets, gets and deletes the notifications of a vault', async () => {
    const vaultNotificationConfig = {
      SNSTopic: TOPIC,
      Events: ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'],
    };
    await client.send(new SetVaultNotificationsCommand({ ...VAULT, vaultNotificationConfig }));
    const got = await client.send(new GetVaultNotificationsCommand(VAULT));
    assert.deepEqual(got.vaultNotificationConfig, vaultNotificationConfig);
    await client.send(new DeleteVaultNotificationsCommand(VAULT));
    await assert.rejects(client.send(new GetVaultNotificationsCommand(VAULT)), ResourceNotFoundException);
  });

  it('throws the exceptions of retrieval policy and capacity limits', async () => {
    const account = { accountId: '-' };
    const setPolicy = (rule: object) =>
      client.send(new SetDataRetrievalPolicyCommand({ ...account, Policy: { Rules: [rule] } }));
    await setPolicy({ Strategy: 'BytesPerHour', BytesPerHour: 1 });
    const { Policy } = await client.send(new GetDataRetrievalPolicyCommand(account));
    assert.deepEqual(Policy, { Rules: [{ Strategy: 'BytesPerHour', BytesPerHour: 1 }] });
    await assert.rejects(retrieve(), PolicyEnforcedException);
    await setPolicy({ Strategy: 'None' });
    await retrieve();
    await retrieve({ Tier: 'Expedited' });
    await assert.rejects(retrieve({ Tier: 'Expedited' }), InsufficientCapacityException);
    const purchase = () => client.send(new PurchaseProvisionedCapacityCommand(account));
    const { capacityId } = await purchase();
    await retrieve({ Tier: 'Expedited' });
    const { ProvisionedCapacityList } = await client.send(new ListProvisionedCapacityCommand(account));
    assert.equal(ProvisionedCapacityList?.[0]?.CapacityId, capacityId);
    await purchase();
    await assert.rejects(purchase(), LimitExceededException);
  });
});
