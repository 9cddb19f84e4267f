/** The official JavaScript SDK as published, unmodified. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import {
  AbortMultipartUploadCommand,
  AddTagsToVaultCommand,
  CompleteMultipartUploadCommand,
  CreateVaultCommand,
  DeleteArchiveCommand,
  DeleteVaultCommand,
  DescribeVaultCommand,
  GlacierClient,
  GlacierServiceException,
  InitiateMultipartUploadCommand,
  InvalidParameterValueException,
  LimitExceededException,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  ListTagsForVaultCommand,
  ListVaultsCommand,
  paginateListMultipartUploads,
  paginateListParts,
  paginateListVaults,
  RemoveTagsFromVaultCommand,
  ResourceNotFoundException,
  UploadArchiveCommand,
  UploadMultipartPartCommand,
  waitUntilVaultExists,
  waitUntilVaultNotExists,
} from '@aws-sdk/client-glacier';
import { treeHash } from '../../src/treehash/index.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const VECTORS = [
  ['1 byte', 1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['1 MiB', MIB, '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd'],
  ['6.5 MiB', 6.5 * MIB, '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed'],
] as const;

describe('@aws-sdk/client-glacier', () => {
  let server: TestServer;
  let client: GlacierClient;
  let folder: string;
  before(async () => {
    [server, folder] = await Promise.all([startServer(), temporaryFolder()]);
    client = clientOf(server);
  });
  after(async () => {
    client.destroy();
    await Promise.all([server.stop(), rm(folder, { recursive: true, force: true })]);
  });

  async function newVault(vaultName: string) {
    const vault = { accountId: '-', vaultName };
    await client.send(new CreateVaultCommand(vault));
    return vault;
  }

  async function newUpload(vaultName: string, partSize = MIB) {
    const vault = { accountId: '-', vaultName };
    const command = new InitiateMultipartUploadCommand({ ...vault, partSize: String(partSize) });
    return { ...vault, uploadId: present((await client.send(command)).uploadId) };
  }

  const arnOf = (vaultName: string) => `arn:aws:glacier:us-east-1:${server.accountId}:vaults/${vaultName}`;

  describe('vaults', () => {
    it('are created, described and deleted', async () => {
      const vault = { accountId: '-', vaultName: 'fresh' };
      const created = await client.send(new CreateVaultCommand(vault));
      assert.equal(created.$metadata.httpStatusCode, 201);
      assert.equal(created.location, `/${server.accountId}/vaults/fresh`);
      const { $metadata, CreationDate, ...described } = await client.send(new DescribeVaultCommand(vault));
      assert.equal($metadata.httpStatusCode, 200);
      assert.match(CreationDate ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual(described, {
        NumberOfArchives: 0,
        SizeInBytes: 0,
        VaultARN: arnOf('fresh'),
        VaultName: 'fresh',
      });
      const deleted = await client.send(new DeleteVaultCommand(vault));
      assert.equal(deleted.$metadata.httpStatusCode, 204);
      await assert.rejects(client.send(new DescribeVaultCommand(vault)), ResourceNotFoundException);
    });

    it('are found with the account id and without one', async () => {
      await newVault('reached');
      for (const accountId of [server.accountId, '', undefined]) {
        const described = await client.send(new DescribeVaultCommand({ accountId, vaultName: 'reached' }));
        assert.equal(described.VaultName, 'reached');
      }
    });

    it("return a request id of the service's form", async () => {
      const { $metadata } = await client.send(new ListVaultsCommand({ accountId: '-' }));
      assert.match($metadata.requestId ?? '', /^[A-Za-z0-9_-]{47,48}$/);
    });

    it('are listed in pages, in order of their names', async () => {
      const region = 'eu-west-1';
      const elsewhere = clientOf(server, { region });
      const names = Array.from({ length: 25 }, (_, i) => `v${String(i).padStart(2, '0')}`);
      for (const vaultName of [...names].reverse()) {
        await elsewhere.send(new CreateVaultCommand({ accountId: '-', vaultName }));
      }
      const pages: (string | undefined)[][] = [];
      for await (const page of paginateListVaults({ client: elsewhere }, { accountId: '-' })) {
        pages.push((page.VaultList ?? []).map((vault) => vault.VaultName));
      }
      elsewhere.destroy();
      assert.deepEqual(pages.flat(), names);
      assert.deepEqual(
        pages.map((page) => page.length),
        [10, 10, 5],
      );
    });

    it("satisfy the SDK's waiters", async () => {
      const vault = await newVault('waited-for');
      const exists = await waitUntilVaultExists({ client, maxWaitTime: 10 }, vault);
      assert.equal(exists.state, 'SUCCESS');
      await client.send(new DeleteVaultCommand(vault));
      const gone = await waitUntilVaultNotExists({ client, maxWaitTime: 10 }, vault);
      assert.equal(gone.state, 'SUCCESS');
    });
  });

  describe('tags', () => {
    it('are added, listed and removed', async () => {
      const vault = await newVault('tagged');
      const Tags = { owner: 'Zoë', 'cost center': '42', empty: '' };
      await client.send(new AddTagsToVaultCommand({ ...vault, Tags }));
      await client.send(new AddTagsToVaultCommand({ ...vault, Tags: { owner: 'Jo' } }));
      const listed = await client.send(new ListTagsForVaultCommand(vault));
      assert.deepEqual(listed.Tags, { ...Tags, owner: 'Jo' });
      const TagKeys = ['owner', 'empty', 'never there'];
      const removed = await client.send(new RemoveTagsFromVaultCommand({ ...vault, TagKeys }));
      assert.equal(removed.$metadata.httpStatusCode, 204);
      assert.deepEqual((await client.send(new ListTagsForVaultCommand(vault))).Tags, { 'cost center': '42' });
    });

    it('are refused beyond fifty, and nothing changes', async () => {
      const vault = await newVault('much-tagged');
      for (let ten = 0; ten < 5; ten++) {
        const Tags = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`key ${ten}${i}`, 'x']));
        await client.send(new AddTagsToVaultCommand({ ...vault, Tags }));
      }
      await refusal(
        client.send(new AddTagsToVaultCommand({ ...vault, Tags: { 'one more': 'x' } })),
        LimitExceededException,
        'The quota for the number of tags that can be assigned to this resource has been reached.',
      );
      const { Tags = {} } = await client.send(new ListTagsForVaultCommand(vault));
      assert.equal(Object.keys(Tags).length, 50);
    });
  });

  describe('archives', () => {
    for (const [name, size, hash] of VECTORS) {
      it(`of ${name} get the tree hash of the known vector`, async () => {
        const vault = await newVault('vectors');
        const uploaded = await client.send(
          new UploadArchiveCommand({ ...vault, body: patternBytes(size), archiveDescription: name }),
        );
        assert.equal(uploaded.$metadata.httpStatusCode, 201);
        assert.equal(uploaded.checksum, hash);
        assert.match(uploaded.archiveId ?? '', /^[A-Za-z0-9_-]{138}$/);
        assert.equal(uploaded.location, `/${server.accountId}/vaults/vectors/archives/${uploaded.archiveId}`);
      });
    }

    it('are uploaded from a file stream', async () => {
      const [, size, hash] = VECTORS[2];
      const file = join(folder, 'whole');
      await writeFile(file, patternBytes(size));
      const vault = await newVault('streamed');
      const body = createReadStream(file);
      const uploaded = await client.send(new UploadArchiveCommand({ ...vault, body }));
      assert.equal(uploaded.checksum, hash);
      const described = await client.send(new DescribeVaultCommand(vault));
      assert.equal(described.NumberOfArchives, 1);
      assert.equal(described.SizeInBytes, size + 32_768);
    });

    it("get the hash of AWS's own integration test", async () => {
      const vault = await newVault('sdk-feature');
      const body = Buffer.alloc(0.25 * MIB, '0');
      const uploaded = await client.send(new UploadArchiveCommand({ ...vault, body }));
      assert.equal(uploaded.checksum, '6faefade5a638cd3545d638dd5754763658e32209e69420cb559b7650d4bf93a');
    });

    it('are deleted, again with the same answer, and then their vault can be deleted', async () => {
      const vault = await newVault('emptied');
      const { archiveId } = await client.send(new UploadArchiveCommand({ ...vault, body: 'Hello World!' }));
      await refusal(
        client.send(new DeleteVaultCommand(vault)),
        InvalidParameterValueException,
        `Vault not empty or recently written to: ${arnOf('emptied')}`,
      );
      for (let turn = 0; turn < 2; turn++) {
        const deleted = await client.send(new DeleteArchiveCommand({ ...vault, archiveId }));
        assert.equal(deleted.$metadata.httpStatusCode, 204);
      }
      const gone = await client.send(new DeleteVaultCommand(vault));
      assert.equal(gone.$metadata.httpStatusCode, 204);
    });
  });

  describe('wrong checksums', () => {
    const body = patternBytes(0.05 * MIB);
    const computed = treeHash(body);
    const upload = async (checksum: string) =>
      client.send(new UploadArchiveCommand({ ...(await newVault('mismatch')), body, checksum }));

    it('of 32 zeros get a mismatch error with both hashes', async () => {
      await refusal(
        upload('0'.repeat(32)),
        InvalidParameterValueException,
        `Checksum mismatch: expected ${'0'.repeat(64)}, computed ${computed}`,
      );
    });

    it('of 000 are refused as invalid', async () => {
      await refusal(upload('000'), InvalidParameterValueException, 'Invalid x-amz-sha256-tree-hash: 000');
    });

    it('of no data get an explanation', async () => {
      const empty = treeHash(Buffer.alloc(0));
      const error = await refused(upload(empty));
      const text = `Checksum mismatch: expected ${empty}, computed ${computed} `;
      assert.ok(error.message.startsWith(text), error.message);
      assert.match(error.message.slice(text.length), /SHA-256 of no data/);
    });

    it('leave no archive behind', async () => {
      await refused(upload('0'.repeat(64)));
      const described = await client.send(new DescribeVaultCommand(await newVault('mismatch')));
      assert.equal(described.NumberOfArchives, 0);
    });
  });

  describe('a multipart upload of 100 parts, eight at a time and out of order', () => {
    const COUNT = 100;
    const whole = patternBytes(COUNT * MIB);
    const claim = { archiveSize: String(whole.length), checksum: treeHash(whole) };
    let upload: { accountId: string; vaultName: string; uploadId: string };
    let archiveId: string;
    before(async () => {
      await newVault('hundred');
      upload = await newUpload('hundred');
    });

    const listedUploads = async () => {
      const { UploadsList = [] } = await client.send(new ListMultipartUploadsCommand(upload));
      return UploadsList.map((open) => open.MultipartUploadId);
    };

    it('accepts every part and returns its hash', async () => {
      // 37 and 100 are coprime, so each part is sent once, neighbours far apart and the last one early.
      const order = Array.from({ length: COUNT }, (_, i) => (i * 37 + 99) % COUNT);
      await Readable.from(order).forEach(
        async (index: number) => {
          const body = whole.subarray(index * MIB, (index + 1) * MIB);
          const range = `bytes ${index * MIB}-${(index + 1) * MIB - 1}/*`;
          const sent = await client.send(new UploadMultipartPartCommand({ ...upload, range, body }));
          assert.equal(sent.$metadata.httpStatusCode, 204);
          assert.equal(sent.checksum, treeHash(body));
        },
        { concurrency: 8 },
      );
    });

    it('is listed while it is open', async () => {
      assert.deepEqual(await listedUploads(), [upload.uploadId]);
    });

    it('lists its parts by range in pages of fifty', async () => {
      // Copies the input, because the paginator writes its marker into it.
      const pages: { RangeInBytes?: string | undefined; SHA256TreeHash?: string | undefined }[][] = [];
      for await (const page of paginateListParts({ client }, { ...upload })) pages.push(page.Parts ?? []);
      assert.deepEqual(
        pages.map((page) => page.length),
        [50, 50],
      );
      const wanted = Array.from({ length: COUNT }, (_, i) => ({
        RangeInBytes: `${i * MIB}-${(i + 1) * MIB - 1}`,
        SHA256TreeHash: treeHash(whole.subarray(i * MIB, (i + 1) * MIB)),
      }));
      assert.deepEqual(pages.flat(), wanted);
    });

    it('refuses a Complete with a wrong hash, and stays open', async () => {
      const wrong = new CompleteMultipartUploadCommand({ ...upload, ...claim, checksum: 'f'.repeat(64) });
      await refusal(
        client.send(wrong),
        InvalidParameterValueException,
        `Invalid x-amz-sha256-tree-hash: ${'f'.repeat(64)} The tree hash of the uploaded parts is ${claim.checksum}. The plain SHA-256 of the whole archive is another value: a tree hash is built from the SHA-256 of each MiB.`,
      );
      assert.deepEqual(await listedUploads(), [upload.uploadId]);
    });

    it('is completed with the hash of the whole archive', async () => {
      const done = await client.send(new CompleteMultipartUploadCommand({ ...upload, ...claim }));
      assert.equal(done.$metadata.httpStatusCode, 201);
      assert.equal(done.checksum, claim.checksum);
      archiveId = present(done.archiveId);
      assert.equal(done.location, `/${server.accountId}/vaults/hundred/archives/${archiveId}`);
    });

    it('returns the same archive id when completed again, and makes one archive', async () => {
      const again = await client.send(new CompleteMultipartUploadCommand({ ...upload, ...claim }));
      assert.equal(again.$metadata.httpStatusCode, 201);
      assert.equal(again.archiveId, archiveId);
      const described = await client.send(new DescribeVaultCommand(upload));
      assert.equal(described.NumberOfArchives, 1);
      assert.equal(described.SizeInBytes, whole.length + 32_768);
    });

    it('is gone afterwards: it is not listed, and parts and aborts get a 404', async () => {
      assert.deepEqual(await listedUploads(), []);
      const part = { range: `bytes 0-${MIB - 1}/*`, body: whole.subarray(0, MIB) };
      for (const call of [
        () => client.send(new ListPartsCommand(upload)),
        () => client.send(new UploadMultipartPartCommand({ ...upload, ...part })),
        () => client.send(new AbortMultipartUploadCommand(upload)),
      ]) {
        await refusal(call(), ResourceNotFoundException, `The upload ID was not found: ${upload.uploadId}`);
      }
    });

    it('leaves an archive that can be deleted', async () => {
      const deleted = await client.send(new DeleteArchiveCommand({ ...upload, archiveId }));
      assert.equal(deleted.$metadata.httpStatusCode, 204);
      assert.equal((await client.send(new DescribeVaultCommand(upload))).NumberOfArchives, 0);
    });
  });

  describe('multipart uploads', () => {
    it("get the hash of AWS's own integration test: 2.5 MiB in parts of 1 MiB", async () => {
      await newVault('sdk-multipart');
      const upload = await newUpload('sdk-multipart');
      const whole = Buffer.alloc(2.5 * MIB, '0');
      for (let first = 0; first < whole.length; first += MIB) {
        const body = whole.subarray(first, first + MIB);
        const range = `bytes ${first}-${first + body.length - 1}/*`;
        await client.send(new UploadMultipartPartCommand({ ...upload, range, body }));
      }
      const checksum = '86118ad0c187fd240db59a37360e0e7f8a3a0c608eed740b4cd7b4271ab45171';
      const claim = { archiveSize: String(whole.length), checksum };
      const done = await client.send(new CompleteMultipartUploadCommand({ ...upload, ...claim }));
      assert.equal(done.checksum, checksum);
    });

    it('accept parts as file streams', async () => {
      const [, size, checksum] = VECTORS[2];
      const file = join(folder, 'parts');
      await writeFile(file, patternBytes(size));
      await newVault('streamed-parts');
      const upload = await newUpload('streamed-parts', 4 * MIB);
      for (const [start, end] of [
        [4 * MIB, size - 1],
        [0, 4 * MIB - 1],
      ] as const) {
        const part = { range: `bytes ${start}-${end}/*`, body: createReadStream(file, { start, end }) };
        await client.send(new UploadMultipartPartCommand({ ...upload, ...part }));
      }
      const claim = { archiveSize: String(size), checksum };
      const done = await client.send(new CompleteMultipartUploadCommand({ ...upload, ...claim }));
      assert.equal(done.checksum, checksum);
    });

    it('make one archive when completed several times concurrently', async () => {
      const vault = await newVault('at-once');
      const upload = await newUpload('at-once');
      const body = 'Hello World!';
      await client.send(new UploadMultipartPartCommand({ ...upload, range: 'bytes 0-11/*', body }));
      const claim = { archiveSize: '12', checksum: treeHash(Buffer.from(body)) };
      const command = () => client.send(new CompleteMultipartUploadCommand({ ...upload, ...claim }));
      const done = await Promise.all(Array.from({ length: 8 }, command));
      assert.equal(new Set(done.map(({ archiveId }) => present(archiveId))).size, 1);
      assert.equal((await client.send(new DescribeVaultCommand(vault))).NumberOfArchives, 1);
    });

    it('are aborted, again with the same answer, and are gone at once', async () => {
      const vault = await newVault('aborted');
      const upload = await newUpload('aborted');
      const part = { range: 'bytes 0-11/*', body: 'Hello World!' };
      await client.send(new UploadMultipartPartCommand({ ...upload, ...part }));
      for (let turn = 0; turn < 2; turn++) {
        const aborted = await client.send(new AbortMultipartUploadCommand(upload));
        assert.equal(aborted.$metadata.httpStatusCode, 204);
      }
      assert.deepEqual((await client.send(new ListMultipartUploadsCommand(vault))).UploadsList, []);
      await refusal(
        client.send(new UploadMultipartPartCommand({ ...upload, ...part })),
        ResourceNotFoundException,
        `The upload ID was not found: ${upload.uploadId}`,
      );
    });

    it('are listed in pages, each upload once', async () => {
      const vault = await newVault('many-uploads');
      const opened = await Promise.all(Array.from({ length: 55 }, () => newUpload('many-uploads')));
      const pages: (string | undefined)[][] = [];
      for await (const page of paginateListMultipartUploads({ client }, { ...vault })) {
        pages.push((page.UploadsList ?? []).map((upload) => upload.MultipartUploadId));
      }
      assert.deepEqual(pages.flat().sort(), opened.map((upload) => upload.uploadId).sort());
      assert.deepEqual(
        pages.map((page) => page.length),
        [50, 5],
      );
    });

    it('keep the description byte for byte', async () => {
      const vault = await newVault('described');
      const archiveDescription = 'two  spaces, %41%20escapes, a+b=c & "quotes"';
      const command = new InitiateMultipartUploadCommand({
        ...vault,
        partSize: '1048576',
        archiveDescription,
      });
      const { uploadId } = await client.send(command);
      const { UploadsList } = await client.send(new ListMultipartUploadsCommand(vault));
      assert.equal(UploadsList?.[0]?.ArchiveDescription, archiveDescription);
      const parts = await client.send(new ListPartsCommand({ ...vault, uploadId }));
      assert.equal(parts.ArchiveDescription, archiveDescription);
    });
  });

  describe('refusals', () => {
    it('name a missing vault', async () => {
      const vault = { accountId: '-', vaultName: 'none' };
      const text = `Vault not found for ARN: ${arnOf('none')}`;
      for (const call of [
        () => client.send(new DescribeVaultCommand(vault)),
        () => client.send(new UploadArchiveCommand({ ...vault, body: 'x' })),
        () => client.send(new InitiateMultipartUploadCommand({ ...vault, partSize: '1048576' })),
        () => client.send(new ListTagsForVaultCommand(vault)),
      ]) {
        await refusal(call(), ResourceNotFoundException, text);
      }
    });

    it('name an invalid part size', async () => {
      const vault = await newVault('part-sizes');
      for (const partSize of ['0', '10485760', '10485759', '17179869184']) {
        await refusal(
          client.send(new InitiateMultipartUploadCommand({ ...vault, partSize })),
          InvalidParameterValueException,
          `Invalid part size: ${partSize}. Part size must not be null, must be a power of two and be between 1048576 and 4294967296 bytes.`,
        );
      }
    });

    it('name a range that does not match its part', async () => {
      await newVault('ranges');
      const upload = await newUpload('ranges');
      const send = (range: string) =>
        client.send(new UploadMultipartPartCommand({ ...upload, range, body: 'Hello World!' }));
      await refusal(
        send('bytes 0-1048575/*'),
        InvalidParameterValueException,
        'Content-Range: bytes 0-1048575/* is incompatible with Content-Length: 12',
      );
      await refusal(
        send('bytes 12-11/*'),
        InvalidParameterValueException,
        'Invalid Content-Range: bytes 12-11/*',
      );
      await refusal(
        send('bytes 10485760000-10485760011/*'),
        InvalidParameterValueException,
        'This is part number 10001 for the current multipart upload. It exceeds the limit of 10000 parts.',
      );
    });

    it("name the account if it is not the caller's", async () => {
      const error = await refused(client.send(new ListVaultsCommand({ accountId: '000000000000' })));
      assert.equal(error.name, 'AccessDeniedException');
      assert.equal(error.message, 'Access denied for account ID: 000000000000');
    });

    it('tell an unknown access key from a wrong secret', async () => {
      const { accessKeyId, secretAccessKey } = server;
      const stranger = clientOf(server, {
        credentials: { accessKeyId: 'AKIASTRANGER0000', secretAccessKey },
      });
      const wrong = clientOf(server, { credentials: { accessKeyId, secretAccessKey: 'not the secret' } });
      const unknown = await refused(stranger.send(new ListVaultsCommand({ accountId: '-' })));
      const forged = await refused(wrong.send(new ListVaultsCommand({ accountId: '-' })));
      stranger.destroy();
      wrong.destroy();
      assert.equal(unknown.name, 'UnrecognizedClientException');
      assert.equal(unknown.message, 'The security token included in the request is invalid.');
      assert.equal(forged.name, 'InvalidSignatureException');
      assert.match(forged.message, /^The request signature we calculated does not match/);
    });
  });

  describe('a wrong client clock', () => {
    const HOUR = 3_600_000;
    const list = new ListVaultsCommand({ accountId: '-' });

    it('that is off by an hour gets an error with both times', async () => {
      const texts = [
        [
          -HOUR,
          /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$/,
        ],
        [
          HOUR,
          /^Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 5 min\.\)$/,
        ],
      ] as const;
      for (const [systemClockOffset, text] of texts) {
        const skewed = clientOf(server, { systemClockOffset });
        const error = await refused(skewed.send(list));
        skewed.destroy();
        assert.equal(error.name, 'InvalidSignatureException');
        assert.match(error.message, text);
      }
    });

    it("is corrected by the SDK from the answer's Date header", async ({ mock }) => {
      mock.timers.enable({ apis: ['Date'], now: Date.now() + HOUR });
      const skewed = clientOf(server, { maxAttempts: 2 });
      const { $metadata } = await skewed.send(list);
      skewed.destroy();
      assert.equal($metadata.httpStatusCode, 200);
      assert.equal($metadata.attempts, 2);
    });
  });
});

type ClientOptions = ConstructorParameters<typeof GlacierClient>[0];

/** One attempt only, because a retry would hide a refusal. */
function clientOf(
  { url, accessKeyId, secretAccessKey }: TestServer,
  options: ClientOptions = {},
): GlacierClient {
  const credentials = { accessKeyId, secretAccessKey };
  return new GlacierClient({ endpoint: url, region: 'us-east-1', credentials, maxAttempts: 1, ...options });
}

/** The error that the call rejects with. */
async function refused(call: Promise<unknown>): Promise<GlacierServiceException> {
  const error: unknown = await call.then(
    () => assert.fail('it was not refused'),
    (reason) => reason,
  );
  assert.ok(error instanceof GlacierServiceException, String(error));
  return error;
}

/** Asserts that the call rejects with this error class and exactly this text. */
async function refusal(
  call: Promise<unknown>,
  kind: new (...args: never[]) => GlacierServiceException,
  message: string,
): Promise<void> {
  const error = await refused(call);
  assert.equal(error.message, message);
  assert.ok(error instanceof kind, error.name);
}

function present(value: string | undefined): string {
  assert.ok(value);
  return value;
}
