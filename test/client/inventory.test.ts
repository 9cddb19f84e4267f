/** Lists, inventories and hashes of the client library against a real server. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  eachJob,
  eachPart,
  eachUpload,
  eachVault,
  type GlacierClient,
  hashSource,
  inventory,
  systemRuntime,
} from '../../src/client/index.ts';
import { treeHash } from '../../src/treehash/index.ts';
import { collect } from '../support/blob-store-contract.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { libraryClient } from '../support/library-client.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { type TestServer, temporaryFolder } from '../support/server.ts';
import { sha256Hex } from '../support/signer.ts';

const vaultName = 'listed';
const ARCHIVES = 120;

describe('moraine/client', () => {
  let server: TestServer;
  let emulator: EmulatorControls;
  let client: GlacierClient;
  before(async () => {
    server = await startEmulator();
    emulator = controlsOf(server);
    client = libraryClient(server, { runtime: { ...systemRuntime, random: () => 0 } });
    await client.createVault({ vaultName });
    for (let i = 0; i < ARCHIVES; i++)
      await client.uploadArchive({ vaultName, body: Buffer.from(`${i}`), archiveDescription: `no. "${i}"` });
  });
  after(async () => {
    client.close();
    await server.stop();
  });

  for (const format of ['JSON', 'CSV'] as const)
    it(`reads an inventory in ${format}, also when the connection is cut`, async () => {
      await emulator.faultWith({ operation: 'GetJobOutput', cut: 'during', times: 3 });
      const entries = await collect(inventory(client, { vaultName, format }));
      assert.deepEqual(
        new Set(entries.map((one) => one.archiveDescription)),
        new Set(Array.from({ length: ARCHIVES }, (_, i) => `no. "${i}"`)),
      );
      const first = entries.find((one) => one.archiveDescription === 'no. "0"');
      assert.deepEqual([first?.size, first?.treeHash], [1, treeHash(Buffer.from('0'))]);
    });

  it('reads an inventory with a limit, and one by its job', async () => {
    const { jobId } = await client.initiateJob({
      vaultName,
      type: 'inventory-retrieval',
      inventoryRetrievalParameters: { limit: '7' },
    });
    assert.equal((await collect(inventory(client, { vaultName, jobId }))).length, 7);
    const limited = inventory(client, { vaultName, parameters: { limit: '5' } });
    assert.equal((await collect(limited)).length, 5);
  });

  it('stops reading an inventory early', async () => {
    for await (const { size } of inventory(client, { vaultName })) {
      assert.ok(size > 0);
      break;
    }
  });

  it('lists vaults, uploads, parts and jobs over all pages', async () => {
    const { uploadId } = await client.initiateMultipartUpload({ vaultName, partSize: MIB });
    const part = Buffer.alloc(MIB);
    for (let i = 0; i < 53; i++) {
      const range = `bytes ${i * MIB}-${(i + 1) * MIB - 1}/*`;
      await client.uploadMultipartPart({ vaultName, uploadId, body: part, range });
    }
    const parts = await collect(eachPart(client, { vaultName, uploadId }));
    assert.deepEqual([parts.length, parts.at(-1)?.rangeInBytes], [53, `${52 * MIB}-${53 * MIB - 1}`]);
    for (let i = 0; i < 52; i++) {
      await client.initiateMultipartUpload({ vaultName, partSize: MIB });
      await client.createVault({ vaultName: `v${100 + i}` });
    }
    assert.equal((await collect(eachUpload(client, { vaultName }))).length, 53);
    const vaults = await collect(eachVault(client));
    assert.equal(vaults.length, 53);
    const jobs = await collect(eachJob(client, { vaultName, statuscode: 'Succeeded' }));
    assert.ok(jobs.length >= 4);
    assert.ok(jobs.every((job) => job.action === 'InventoryRetrieval'));
  });

  it('hashes files, bytes and streams', async () => {
    const folder = await temporaryFolder();
    const bytes = patternBytes(3 * MIB + 5);
    const path = join(folder, 'file');
    await writeFile(path, bytes);
    async function* stream() {
      for (let at = 0; at < bytes.length; at += 99_999) yield bytes.subarray(at, at + 99_999);
    }
    const expected = { size: bytes.length, contentHash: sha256Hex(bytes), treeHash: treeHash(bytes) };
    for (const source of [{ path }, bytes, stream()]) assert.deepEqual(await hashSource(source), expected);
    await writeFile(path, '');
    assert.equal((await hashSource({ path })).treeHash, treeHash(Buffer.alloc(0)));
    await rm(folder, { recursive: true });
  });
});
