/** Jobs through the unmodified aws command line client. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiOf } from '../support/api.ts';
import { type AwsCli, hasAwsCli, startAwsCli } from '../support/aws-cli.ts';
import { digestOf } from '../support/download.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { unlessPresent } from '../support/require.ts';
import { type TestServer, temporaryFolder } from '../support/server.ts';

const PATTERN = patternBytes(6.5 * MIB);
const WHOLE_HASH = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';

describe('aws cli, jobs', { skip: unlessPresent(hasAwsCli, 'aws cli') }, () => {
  let server: TestServer;
  let clock: EmulatorControls;
  let folder: string;
  let cli: AwsCli;
  let archiveId: string;
  before(async () => {
    cli = startAwsCli();
    const times = 'expedited=1m,standard=4h,bulk=8h,inventory=4h';
    [server, folder] = await Promise.all([
      startEmulator({ flags: ['--job-times', times] }),
      temporaryFolder(),
    ]);
    clock = controlsOf(server);
    const api = apiOf(server);
    await api.createVault('v');
    archiveId = await api.upload('v', PATTERN, 'a pattern');
  });
  after(() => Promise.all([cli.stop(), server.stop(), rm(folder, { recursive: true, force: true })]));

  const aws = (operation: string, ...args: string[]) => {
    const all = ['--endpoint-url', server.url, 'glacier', operation, '--account-id', '-', ...args];
    return cli.run(all, server);
  };

  async function printed(operation: string, ...args: string[]): Promise<Record<string, unknown>> {
    const { code, output, errors } = await aws(operation, ...args);
    assert.equal(code, 0, `${operation}: ${errors}`);
    return output === '' ? {} : (JSON.parse(output) as Record<string, unknown>);
  }

  const start = async (parameters: object) => {
    const text = JSON.stringify(parameters);
    const { jobId } = await printed('initiate-job', '--vault-name', 'v', '--job-parameters', text);
    return String(jobId);
  };

  let files = 0;
  /** The bytes of an output, and the headers that the client prints. */
  async function output(jobId: string, ...args: string[]) {
    const file = join(folder, `output-${files++}`);
    const shown = await printed('get-job-output', '--vault-name', 'v', `--job-id=${jobId}`, ...args, file);
    return { shown, bytes: await readFile(file) };
  }

  it('retrieves in each tier, whole and in ranges; output is refused before the end and after expiry', async () => {
    const retrieval = { Type: 'archive-retrieval', ArchiveId: archiveId };
    const ids = await Promise.all([
      start({ ...retrieval, Tier: 'Expedited' }),
      start({ ...retrieval, Tier: 'Standard', RetrievalByteRange: '4194304-6815743' }),
      start({ ...retrieval, Tier: 'Bulk', Description: 'mine' }),
      start({ ...retrieval, RetrievalByteRange: '1048576-3145727' }),
    ]);
    const [whole, aligned, slow, unaligned] = ids as [string, string, string, string];
    const early = await aws('get-job-output', '--vault-name', 'v', `--job-id=${slow}`, join(folder, 'early'));
    assert.notEqual(early.code, 0);
    assert.match(
      early.errors,
      new RegExp(
        `\\(InvalidParameterValueException\\) .*: The job is not currently available for download: ${slow}\\s*$`,
      ),
    );
    await clock.advance('9h');

    const [all, part, rest, odd, described] = await Promise.all([
      output(whole),
      output(whole, '--range', 'bytes=2097152-4194303'),
      output(aligned),
      output(unaligned),
      printed('describe-job', '--vault-name', 'v', `--job-id=${slow}`),
    ]);
    assert.equal(digestOf(all.bytes), digestOf(PATTERN));
    assert.deepEqual(all.shown, {
      acceptRanges: 'bytes',
      archiveDescription: 'a pattern',
      checksum: WHOLE_HASH,
      contentType: 'application/octet-stream',
      status: 200,
    });
    assert.equal(digestOf(part.bytes), digestOf(PATTERN.subarray(2 * MIB, 4 * MIB)));
    assert.deepEqual(
      [part.shown['status'], part.shown['contentRange'], part.shown['checksum']],
      [
        206,
        'bytes 2097152-4194303/6815744',
        '91ff91571203aa8641de1ae54a861615cf7f426bded1bf91c9e7f53303d7f409',
      ],
    );
    assert.equal(digestOf(rest.bytes), digestOf(PATTERN.subarray(4 * MIB)));
    assert.equal(rest.shown['checksum'], '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1');
    assert.equal(digestOf(odd.bytes), digestOf(PATTERN.subarray(MIB, 3 * MIB)));
    assert.equal('checksum' in odd.shown, false);
    assert.deepEqual(
      [described['StatusCode'], described['Tier'], described['JobDescription'], described['SHA256TreeHash']],
      ['Succeeded', 'Bulk', 'mine', WHOLE_HASH],
    );

    const { JobList } = await printed('list-jobs', '--vault-name', 'v', '--statuscode', 'Succeeded');
    assert.equal((JobList as unknown[]).length, 4);
    await clock.advance('24h');
    const late = await aws('get-job-output', '--vault-name', 'v', `--job-id=${whole}`, join(folder, 'late'));
    assert.match(late.errors, /\(ResourceNotFoundException\) .*: The job ID was not found: /);
  });

  it('gets inventories in both formats, by date, and page by page', async () => {
    const api = apiOf(server);
    const ids = [archiveId, await api.upload('v', 'second', 'with, "quotes"')];
    const { now } = await clock.advance('1h');
    ids.push(await api.upload('v', 'third'));
    const inventory = (Format: string, InventoryRetrievalParameters: object = {}) =>
      start({ Type: 'inventory-retrieval', Format, InventoryRetrievalParameters });
    const [json, csv, since, first] = (await Promise.all([
      inventory('JSON'),
      inventory('CSV'),
      inventory('JSON', { StartDate: now }),
      inventory('JSON', { Limit: '2' }),
    ])) as [string, string, string, string];
    await clock.advance('5h');
    const listed = async (jobId: string) => {
      const { bytes, shown } = await output(jobId);
      assert.equal(shown['contentType'], 'application/json');
      const list = JSON.parse(bytes.toString())['ArchiveList'] as { ArchiveId: string }[];
      return list.map(({ ArchiveId }) => ArchiveId);
    };
    const [all, text, later, page, { InventoryRetrievalParameters }] = await Promise.all([
      listed(json),
      output(csv),
      listed(since),
      listed(first),
      printed('describe-job', '--vault-name', 'v', `--job-id=${first}`),
    ]);
    assert.deepEqual([all, later, page], [ids, ids.slice(2), ids.slice(0, 2)]);
    assert.equal(text.shown['contentType'], 'text/csv');
    assert.ok(text.bytes.toString().includes(`\n${ids[1]},"with, \\"quotes\\"",`));
    const { Marker } = InventoryRetrievalParameters as { Marker: string };
    const last = await inventory('JSON', { Limit: '2', Marker });
    await clock.advance('5h');
    assert.deepEqual(await listed(last), ids.slice(2));
  });

  it('sets and gets notifications and the retrieval policy', async () => {
    const file = join(folder, 'notifications.json');
    const config = {
      SNSTopic: 'arn:aws:sns:us-east-1:111122223333:topic',
      Events: ['ArchiveRetrievalCompleted'],
    };
    await writeFile(file, JSON.stringify(config));
    const vault = ['--vault-name', 'v'];
    await printed('set-vault-notifications', ...vault, '--vault-notification-config', `file://${file}`);
    assert.deepEqual(await printed('get-vault-notifications', ...vault), { vaultNotificationConfig: config });
    await printed('delete-vault-notifications', ...vault);
    const none = await aws('get-vault-notifications', ...vault);
    assert.match(none.errors, /No notification configuration is set for vault: v/);
    const Policy = { Rules: [{ Strategy: 'BytesPerHour', BytesPerHour: 10_737_418_240 }] };
    await printed('set-data-retrieval-policy', '--policy', JSON.stringify(Policy));
    assert.deepEqual(await printed('get-data-retrieval-policy'), { Policy });
  });
});
