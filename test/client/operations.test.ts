/** The client library's 33 operations, its errors and its retries against a real server. */
import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { ConnectionError, type GlacierClient, GlacierError, systemRuntime } from '../../src/client/index.ts';
import { treeHash } from '../../src/treehash/index.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { HARMLESS_LOCK } from '../support/every-operation.ts';
import { libraryClient } from '../support/library-client.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import type { TestServer } from '../support/server.ts';
import { sha256Hex } from '../support/signer.ts';

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:topic';
const PATTERN = patternBytes(2.5 * MIB);

/** Records the pauses that the client would make, and makes none. */
function hasty(pauses: number[] = []) {
  return {
    ...systemRuntime,
    random: () => 0.5,
    async sleep(ms: number, signal?: AbortSignal): Promise<void> {
      // The pause before a body that no server has asked for is a real one.
      if (signal?.aborted === false && ms === 1000) return systemRuntime.sleep(ms, signal);
      pauses.push(ms);
    },
  };
}

describe('moraine/client', () => {
  let server: TestServer;
  let emulator: EmulatorControls;
  let client: GlacierClient;
  before(async () => {
    server = await startEmulator();
    emulator = controlsOf(server);
    client = libraryClient(server);
  });
  after(async () => {
    client.close();
    await server.stop();
  });

  async function newVault(vaultName: string) {
    await client.createVault({ vaultName });
    return { vaultName };
  }

  describe('calls', () => {
    it('create, describe, list and delete vaults', async () => {
      const vault = { vaultName: 'fresh' };
      const created = await client.createVault(vault);
      assert.equal(created.location, `/${server.accountId}/vaults/fresh`);
      const described = await client.describeVault(vault);
      assert.match(described.creationDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(described.vaultArn, `arn:aws:glacier:us-east-1:${server.accountId}:vaults/fresh`);
      const { vaultList, marker } = await client.listVaults({ limit: 10 });
      assert.deepEqual([vaultList, marker], [[described], null]);
      assert.equal(await client.deleteVault(vault), undefined);
      assert.deepEqual((await client.listVaults()).vaultList, []);
    });

    it('change and list tags, whose keys stay as they are', async () => {
      const vault = await newVault('tagged');
      const tags = { Owner: 'Zoë', owner: 'Jo', 'cost center': '42' };
      await client.addTagsToVault({ ...vault, tags });
      assert.deepEqual(await client.listTagsForVault(vault), { tags });
      await client.removeTagsFromVault({ ...vault, tagKeys: ['Owner', 'cost center'] });
      assert.deepEqual(await client.listTagsForVault(vault), { tags: { owner: 'Jo' } });
    });

    it('store and delete an archive of bytes in memory', async () => {
      const vault = await newVault('archives');
      const stored = await client.uploadArchive({ ...vault, body: PATTERN, archiveDescription: 'a (b)' });
      assert.equal(stored.treeHash, treeHash(PATTERN));
      assert.ok(stored.location.endsWith(`/archives/${stored.archiveId}`));
      const { archiveId } = stored;
      const described = await client.describeArchive({ ...vault, archiveId });
      assert.deepEqual([described.size, described.archiveDescription], [PATTERN.length, 'a (b)']);
      assert.deepEqual(described.segments, [
        { offset: 0, size: PATTERN.length, treeHash: treeHash(PATTERN) },
      ]);
      const further = client.describeArchive({ ...vault, archiveId, segmentsMarker: 'wrong' });
      await assert.rejects(further, { status: 400 });
      await client.deleteArchive({ ...vault, archiveId });
    });

    it('store an archive from a stream whose hashes are given', async () => {
      const vault = await newVault('streams');
      const body = {
        length: PATTERN.length,
        async *open() {
          for (let at = 0; at < PATTERN.length; at += 65_536) yield PATTERN.subarray(at, at + 65_536);
        },
      };
      const hashes = { contentHash: sha256Hex(PATTERN), treeHash: treeHash(PATTERN) };
      const stored = await client.uploadArchive({ ...vault, body, ...hashes });
      assert.equal(stored.treeHash, hashes.treeHash);
    });

    it('upload in parts', async () => {
      const vault = await newVault('parts');
      const { uploadId } = await client.initiateMultipartUpload({
        ...vault,
        partSize: 2 * MIB,
        archiveDescription: 'in parts',
      });
      const upload = { ...vault, uploadId };
      for (const [first, end] of [
        [0, 2 * MIB],
        [2 * MIB, PATTERN.length],
      ] as const) {
        const body = PATTERN.subarray(first, end);
        const sent = await client.uploadMultipartPart({
          ...upload,
          body,
          range: `bytes ${first}-${end - 1}/*`,
        });
        assert.equal(sent.treeHash, treeHash(body));
      }
      const { parts, marker, ...about } = await client.listParts(upload);
      assert.deepEqual(
        parts.map(({ rangeInBytes }) => rangeInBytes),
        ['0-2097151', '2097152-2621439'],
      );
      assert.equal(parts[0]?.treeHash, treeHash(PATTERN.subarray(0, 2 * MIB)));
      assert.equal(marker, null);
      assert.equal(about.archiveDescription, 'in parts');
      const { uploadsList } = await client.listMultipartUploads(vault);
      assert.deepEqual(uploadsList, [about]);
      const whole = { archiveSize: PATTERN.length, treeHash: treeHash(PATTERN) };
      assert.equal((await client.completeMultipartUpload({ ...upload, ...whole })).treeHash, whole.treeHash);
      const other = await client.initiateMultipartUpload({ ...vault, partSize: MIB });
      await client.abortMultipartUpload({ ...vault, uploadId: other.uploadId });
      assert.deepEqual((await client.listMultipartUploads(vault)).uploadsList, []);
    });

    it('retrieve an archive and an inventory', async () => {
      const vault = await newVault('jobs');
      const { archiveId } = await client.uploadArchive({ ...vault, body: PATTERN, archiveDescription: 'd' });
      const retrieval = { type: 'archive-retrieval', archiveId, tier: 'Bulk', description: 'why' } as const;
      const { jobId } = await client.initiateJob({ ...vault, ...retrieval });
      await emulator.advance('1s');
      const job = await client.describeJob({ ...vault, jobId });
      assert.deepEqual(
        [job.action, job.statusCode, job.treeHash, job.archiveTreeHash, job.tier, job.jobDescription],
        ['ArchiveRetrieval', 'Succeeded', treeHash(PATTERN), treeHash(PATTERN), 'Bulk', 'why'],
      );
      const whole = await client.getJobOutput({ ...vault, jobId });
      assert.deepEqual(
        [whole.status, whole.contentLength, whole.treeHash],
        [200, PATTERN.length, treeHash(PATTERN)],
      );
      assert.equal(whole.archiveDescription, 'd');
      assert.ok(PATTERN.equals(await buffer(whole.body)));
      const range = await client.getJobOutput({ ...vault, jobId, range: 'bytes=0-1048575' });
      assert.deepEqual([range.status, range.contentRange], [206, `bytes 0-1048575/${PATTERN.length}`]);
      assert.ok(PATTERN.subarray(0, MIB).equals(await buffer(range.body)));
      const inventory = await client.initiateJob({
        ...vault,
        type: 'inventory-retrieval',
        format: 'CSV',
        inventoryRetrievalParameters: { limit: '1' },
      });
      await emulator.advance('1s');
      const described = await client.describeJob({ ...vault, jobId: inventory.jobId });
      assert.deepEqual(described.inventoryRetrievalParameters, {
        format: 'CSV',
        limit: '1',
        startDate: null,
        endDate: null,
        marker: null,
      });
      const { jobList } = await client.listJobs({ ...vault, statuscode: 'Succeeded', completed: true });
      assert.deepEqual(new Set(jobList.map((one) => one.jobId)), new Set([jobId, inventory.jobId]));
    });

    it('set, get and delete policies, notifications and locks', async () => {
      const vault = await newVault('settings');
      const policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'glacier:*', Resource: '*' },
        ],
      });
      await client.setVaultAccessPolicy({ ...vault, policy });
      assert.deepEqual(await client.getVaultAccessPolicy(vault), { policy });
      await client.deleteVaultAccessPolicy(vault);
      const notifications = { snsTopic: TOPIC, events: ['ArchiveRetrievalCompleted'] } as const;
      await client.setVaultNotifications({ ...vault, ...notifications });
      assert.deepEqual(await client.getVaultNotifications(vault), notifications);
      await client.deleteVaultNotifications(vault);
      const lock = { ...vault, policy: JSON.stringify(HARMLESS_LOCK) };
      await client.initiateVaultLock(lock);
      await client.abortVaultLock(vault);
      const { lockId } = await client.initiateVaultLock(lock);
      assert.equal((await client.getVaultLock(vault)).state, 'InProgress');
      await client.completeVaultLock({ ...vault, lockId });
      const locked = await client.getVaultLock(vault);
      assert.deepEqual([locked.state, locked.policy, locked.expirationDate], ['Locked', lock.policy, null]);
    });

    it('set and get what belongs to the account', async () => {
      const limited = { policy: { rules: [{ strategy: 'BytesPerHour', bytesPerHour: 1024 ** 3 }] } } as const;
      await client.setDataRetrievalPolicy(limited);
      assert.deepEqual(await client.getDataRetrievalPolicy(), limited);
      await client.setDataRetrievalPolicy({ policy: { rules: [{ strategy: 'None' }] } });
      const { capacityId } = await client.purchaseProvisionedCapacity();
      const { provisionedCapacityList } = await client.listProvisionedCapacity();
      assert.deepEqual(
        provisionedCapacityList.map((unit) => unit.capacityId),
        [capacityId],
      );
    });
  });

  describe('errors', () => {
    it("keep the server's explanation", async () => {
      const failing = client.describeVault({ vaultName: 'missing' });
      await assert.rejects(failing, (error) => {
        assert.ok(error instanceof GlacierError);
        assert.deepEqual(
          [error.operation, error.status, error.code, error.fault],
          ['DescribeVault', 404, 'ResourceNotFoundException', 'Client'],
        );
        assert.match(error.message, /^Vault not found for ARN: arn:aws:glacier:.*\/missing$/);
        assert.match(error.requestId ?? '', /^[\w-]{47,48}$/);
        return true;
      });
    });

    it('of a refused upload arrive before its body is read', async () => {
      let opened = 0;
      const body = {
        length: PATTERN.length,
        open() {
          opened++;
          return [PATTERN];
        },
      };
      const hashes = { contentHash: sha256Hex(PATTERN), treeHash: treeHash(PATTERN) };
      await assert.rejects(client.uploadArchive({ vaultName: 'missing', body, ...hashes }), { status: 404 });
      assert.equal(opened, 0);
      // The connection is still good.
      assert.equal((await client.listVaults({ limit: 1 })).vaultList.length, 1);
    });

    it("pass on what the body's source throws, and do not send it again", async () => {
      const vault = await newVault('broken-source');
      let opened = 0;
      const body = {
        length: PATTERN.length,
        async *open() {
          opened++;
          yield PATTERN.subarray(0, MIB);
          throw new RangeError('the disk is gone');
        },
      };
      const hashes = { contentHash: sha256Hex(PATTERN), treeHash: treeHash(PATTERN) };
      await assert.rejects(client.uploadArchive({ ...vault, body, ...hashes }), RangeError);
      assert.equal(opened, 1);
    });

    it('name an input that would change the path', async () => {
      await assert.rejects(client.deleteVault({ vaultName: '' }), /^TypeError: vaultName must be a text/);
    });

    it('tell that nothing listens at the endpoint', async () => {
      const pauses: number[] = [];
      const lost = libraryClient({ ...server, url: 'http://127.0.0.1:1' }, { runtime: hasty(pauses) });
      await assert.rejects(lost.listVaults(), (error) => {
        assert.ok(error instanceof ConnectionError);
        assert.equal(error.unclear, false);
        assert.match(
          error.message,
          /^ListVaults: the connection to http:\/\/127\.0\.0\.1:1 failed: .*ECONNREFUSED/,
        );
        return true;
      });
      assert.deepEqual(pauses, [100, 200, 400, 800]);
    });
  });

  describe('retries', () => {
    it('send a throttled request again after growing pauses', async () => {
      const pauses: number[] = [];
      const patient = libraryClient(server, { runtime: hasty(pauses) });
      await emulator.fault('ListVaults', 'ThrottlingException', 3);
      await patient.listVaults();
      assert.deepEqual(pauses, [100, 200, 400]);
      patient.close();
    });

    it('repeat an import, which names its archive', async () => {
      const vault = await newVault('imported');
      const patient = libraryClient(server, { runtime: hasty() });
      await emulator.faultWith({ operation: 'UploadArchive', cut: 'after' });
      const origin = { archiveId: 'from-elsewhere', creationDate: '2013-03-20T17:03:43.221Z' };
      const { archiveId } = await patient.uploadArchive({ ...vault, body: PATTERN, ...origin });
      assert.equal(archiveId, origin.archiveId);
      const described = await patient.describeArchive({ ...vault, archiveId });
      assert.equal(described.creationDate, origin.creationDate);
      assert.equal((await patient.describeVault(vault)).numberOfArchives, 1);
      patient.close();
    });

    it('end after the last attempt with the last error', async () => {
      const twice = libraryClient(server, { runtime: hasty(), retry: { attempts: 2 } });
      await emulator.fault('ListVaults', 'ServiceUnavailableException', 2);
      await assert.rejects(twice.listVaults(), { code: 'ServiceUnavailableException', status: 500 });
      await twice.listVaults();
      twice.close();
    });

    it('send no refused request again', async () => {
      const pauses: number[] = [];
      const patient = libraryClient(server, { runtime: hasty(pauses) });
      await assert.rejects(patient.describeVault({ vaultName: 'missing' }), { status: 404 });
      assert.deepEqual(pauses, []);
      patient.close();
    });

    it('repeat what may be repeated when the connection is cut after the act', async () => {
      const patient = libraryClient(server, { runtime: hasty() });
      await emulator.faultWith({ operation: 'CreateVault', cut: 'after' });
      await patient.createVault({ vaultName: 'cut-after' });
      const vault = { vaultName: 'cut-after' };
      await emulator.faultWith({ operation: 'UploadArchive', cut: 'after' });
      await assert.rejects(patient.uploadArchive({ ...vault, body: PATTERN }), (error) => {
        assert.ok(error instanceof ConnectionError);
        assert.equal(error.unclear, true);
        return true;
      });
      assert.equal((await patient.describeVault(vault)).numberOfArchives, 1);
      patient.close();
    });

    it('send an upload again that was throttled, but none whose end is unclear', async () => {
      const vault = await newVault('again');
      const patient = libraryClient(server, { runtime: hasty() });
      await emulator.fault('UploadArchive', 'ThrottlingException', 1);
      await patient.uploadArchive({ ...vault, body: PATTERN });
      await emulator.fault('UploadArchive', 'ServiceUnavailableException', 1);
      await assert.rejects(patient.uploadArchive({ ...vault, body: PATTERN }), { status: 500 });
      patient.close();
    });
  });

  describe('an abort signal', () => {
    it('ends a call before it is sent, and during a pause', async () => {
      const stop = new AbortController();
      const runtime = {
        ...systemRuntime,
        async sleep() {
          stop.abort(new Error('enough'));
        },
      };
      const stopped = libraryClient(server, { runtime });
      await emulator.fault('ListVaults', 'ThrottlingException', 1);
      await assert.rejects(stopped.listVaults({}, { signal: stop.signal }), /^Error: enough$/);
      await assert.rejects(stopped.listVaults({}, { signal: stop.signal }), /^Error: enough$/);
      stopped.close();
    });

    it('ends an upload in the middle of its body', async () => {
      const vault = await newVault('stopped');
      const stop = new AbortController();
      const body = {
        length: PATTERN.length,
        async *open() {
          yield PATTERN.subarray(0, MIB);
          stop.abort(new Error('enough'));
          yield PATTERN.subarray(MIB);
        },
      };
      const hashes = { contentHash: sha256Hex(PATTERN), treeHash: treeHash(PATTERN) };
      const upload = client.uploadArchive({ ...vault, body, ...hashes }, { signal: stop.signal });
      await assert.rejects(upload, /^Error: enough$/);
    });
  });

  describe('credentials from a function', () => {
    it('are asked for once, and again when they end', async () => {
      let asked = 0;
      let nowMs = Date.now();
      const { accessKeyId, secretAccessKey } = server;
      const renewing = libraryClient(server, {
        runtime: { ...systemRuntime, now: () => nowMs },
        async credentials() {
          asked++;
          return { accessKeyId, secretAccessKey, expiresMs: nowMs + 100_000 };
        },
      });
      await Promise.all([renewing.listVaults(), renewing.listVaults()]);
      assert.equal(asked, 1);
      nowMs += 50_000;
      await renewing.listVaults();
      assert.equal(asked, 2);
      renewing.close();
    });
  });
});
