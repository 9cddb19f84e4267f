/** The unmodified aws command line client. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../src/treehash/index.ts';
import { type AwsCli, hasAwsCli, startAwsCli } from '../support/aws-cli.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { hashHeaders, send } from '../support/request.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

const VECTORS = [
  ['1 byte', 1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['1 MiB', MIB, '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd'],
  ['6.5 MiB', 6.5 * MIB, '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed'],
] as const;

/** Groups run concurrently; the tests of a group run in sequence. */
const IN_ORDER = { concurrency: 1 };

describe('aws cli', { skip: unlessPresent(hasAwsCli, 'aws cli'), concurrency: 3 }, () => {
  let server: TestServer;
  let folder: string;
  let cli: AwsCli;
  before(async () => {
    cli = startAwsCli();
    [server, folder] = await Promise.all([startServer(), temporaryFolder()]);
    await Promise.all([
      ...VECTORS.map(([name, size]) => writeFile(fileOf(name), patternBytes(size))),
      writeFile(fileOf('nothing'), ''),
    ]);
  });
  after(() => Promise.all([cli.stop(), server.stop(), rm(folder, { recursive: true, force: true })]));

  const fileOf = (name: string) => join(folder, name);
  const arnOf = (vault: string) => `arn:aws:glacier:us-east-1:${server.accountId}:vaults/${vault}`;

  /** Runs one operation. */
  function aws(operation: string, ...args: string[]) {
    const account = args.includes('--account-id') ? [] : ['--account-id', '-'];
    const all = ['--endpoint-url', server.url, 'glacier', operation, ...account, ...args];
    return cli.run(all, server);
  }

  /** The JSON that an operation prints; it must succeed. */
  async function printed(operation: string, ...args: string[]) {
    const { code, output, errors } = await aws(operation, ...args);
    assert.equal(code, 0, `${operation}: ${errors}`);
    return (output === '' ? {} : JSON.parse(output)) as Record<string, unknown>;
  }

  /** Asserts that an operation fails with exactly this code and text. */
  async function refused(operation: string, args: readonly string[], code: string, message: string) {
    const outcome = await aws(operation, ...args);
    const name = operation.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const text = `An error occurred (${code}) when calling the ${name} operation: ${message}`;
    assert.equal(outcome.errors.replace(' (reached max retries: 0)', '').trim(), text);
    assert.notEqual(outcome.code, 0);
  }

  /** Prepares fixtures without the client, which would take half a second per call. */
  async function prepare(method: string, target: string, headers: Record<string, string> = {}, body = '') {
    const answer = await send(server.url, server, { method, target: `/-/vaults/${target}`, headers, body });
    assert.ok(answer.status < 300, answer.text);
    return answer.headers;
  }

  const newVault = (vault: string) => prepare('PUT', vault);

  async function newUpload(vault: string): Promise<string> {
    await newVault(vault);
    const headers = { 'x-amz-part-size': String(MIB) };
    return (await prepare('POST', `${vault}/multipart-uploads`, headers))['x-amz-multipart-upload-id'] ?? '';
  }

  async function newArchive(vault: string): Promise<string> {
    await newVault(vault);
    const body = 'Hello World!';
    return (await prepare('POST', `${vault}/archives`, hashHeaders(body), body))['x-amz-archive-id'] ?? '';
  }

  describe('vaults', IN_ORDER, () => {
    it('are created, described, listed and deleted', async () => {
      assert.deepEqual(await printed('create-vault', '--vault-name', 'fresh'), {
        location: `/${server.accountId}/vaults/fresh`,
      });
      const described = await printed('describe-vault', '--vault-name', 'fresh');
      assert.match(String(described['CreationDate']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual(described, {
        VaultARN: arnOf('fresh'),
        VaultName: 'fresh',
        CreationDate: described['CreationDate'],
        NumberOfArchives: 0,
        SizeInBytes: 0,
      });
      const { VaultList } = await printed('list-vaults', '--account-id', server.accountId);
      assert.ok(namesOf(VaultList).includes('fresh'));
      assert.deepEqual(await printed('delete-vault', '--vault-name', 'fresh'), {});
      await refused(
        'describe-vault',
        ['--vault-name', 'fresh'],
        'ResourceNotFoundException',
        `Vault not found for ARN: ${arnOf('fresh')}`,
      );
    });

    it('are listed over several pages', async () => {
      const names = Array.from({ length: 12 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
      for (const name of names) await newVault(name);
      const { VaultList } = await printed('list-vaults');
      assert.deepEqual(
        namesOf(VaultList).filter((name) => name.startsWith('page-')),
        names,
      );
    });
  });

  describe('tags', IN_ORDER, () => {
    it('are added, listed and removed', async () => {
      await newVault('tagged');
      const vault = ['--vault-name', 'tagged'];
      const tags = JSON.stringify({ owner: 'Zoë', 'cost center': '42', empty: '' });
      assert.deepEqual(await printed('add-tags-to-vault', ...vault, '--tags', tags), {});
      const { Tags } = await printed('list-tags-for-vault', ...vault);
      assert.deepEqual(Tags, JSON.parse(tags));
      const keys = ['owner', 'never there'];
      assert.deepEqual(await printed('remove-tags-from-vault', ...vault, '--tag-keys', ...keys), {});
      const left = await printed('list-tags-for-vault', ...vault);
      assert.deepEqual(left, { Tags: { 'cost center': '42', empty: '' } });
    });
  });

  describe('archives', IN_ORDER, () => {
    for (const [name, , hash] of VECTORS) {
      it(`of ${name} get the tree hash of the known vector`, async () => {
        await newVault('vectors');
        const args = ['--vault-name', 'vectors', '--body', fileOf(name), '--archive-description', name];
        const { archiveId, ...uploaded } = await printed('upload-archive', ...args);
        assert.match(String(archiveId), /^[A-Za-z0-9_-]{138}$/);
        const location = `/${server.accountId}/vaults/vectors/archives/${archiveId}`;
        assert.deepEqual(uploaded, { location, checksum: hash });
      });
    }

    it('are deleted, again with the same answer, and then their vault can be deleted', async () => {
      const id = await newArchive('emptied');
      const vault = ['--vault-name', 'emptied'];
      await refused(
        'delete-vault',
        vault,
        'InvalidParameterValueException',
        `Vault not empty or recently written to: ${arnOf('emptied')}`,
      );
      for (let turn = 0; turn < 2; turn++) {
        assert.deepEqual(await printed('delete-archive', ...vault, `--archive-id=${id}`), {});
      }
      assert.deepEqual(await printed('delete-vault', ...vault), {});
    });
  });

  describe('a multipart upload of 16 parts, eight at a time and out of order', IN_ORDER, () => {
    // Only 16, because a call takes half a second of CPU time; other clients upload a hundred.
    const COUNT = 16;
    const whole = patternBytes(COUNT * MIB);
    const vault = ['--vault-name', 'parts'];
    const claim = ['--archive-size', String(whole.length), '--checksum', treeHash(whole)];
    let upload: string[];
    let archiveId: unknown;

    const listedUploads = async () => {
      const { UploadsList } = await printed('list-multipart-uploads', ...vault);
      return (UploadsList as { MultipartUploadId: string }[]).map((open) => open.MultipartUploadId);
    };

    it('is initiated and listed', async () => {
      await newVault('parts');
      const description = 'two  spaces, %41%20escapes';
      const args = ['--part-size', String(MIB), '--archive-description', description];
      const { uploadId, location } = await printed('initiate-multipart-upload', ...vault, ...args);
      assert.match(String(uploadId), /^[A-Za-z0-9_-]{92}$/);
      assert.equal(location, `/${server.accountId}/vaults/parts/multipart-uploads/${uploadId}`);
      upload = [...vault, `--upload-id=${uploadId}`];
      const { UploadsList } = await printed('list-multipart-uploads', ...vault);
      const [{ CreationDate, ...open }] = UploadsList as [Record<string, unknown>];
      assert.match(String(CreationDate), /Z$/);
      assert.deepEqual(open, {
        MultipartUploadId: uploadId,
        VaultARN: arnOf('parts'),
        ArchiveDescription: description,
        PartSizeInBytes: MIB,
      });
    });

    it('accepts every part and returns its hash', async () => {
      await mkdir(fileOf('parts'));
      // 7 and 16 are coprime, so each part is sent once, neighbours far apart and the last one first.
      const order = Array.from({ length: COUNT }, (_, i) => (i * 7 + 15) % COUNT);
      await Readable.from(order).forEach(
        async (index: number) => {
          const bytes = whole.subarray(index * MIB, (index + 1) * MIB);
          const file = fileOf(`parts/${index}`);
          await writeFile(file, bytes);
          const range = `bytes ${index * MIB}-${(index + 1) * MIB - 1}/*`;
          const sent = await printed('upload-multipart-part', ...upload, '--body', file, '--range', range);
          assert.deepEqual(sent, { checksum: treeHash(bytes) });
          await rm(file);
        },
        { concurrency: 8 },
      );
    });

    it('lists its parts by range', async () => {
      const { Parts } = await printed('list-parts', ...upload);
      const wanted = Array.from({ length: COUNT }, (_, i) => ({
        RangeInBytes: `${i * MIB}-${(i + 1) * MIB - 1}`,
        SHA256TreeHash: treeHash(whole.subarray(i * MIB, (i + 1) * MIB)),
      }));
      assert.deepEqual(Parts, wanted);
    });

    it('refuses a Complete with a wrong hash', async () => {
      const wrong = ['--archive-size', String(whole.length), '--checksum', 'f'.repeat(64)];
      await refused(
        'complete-multipart-upload',
        [...upload, ...wrong],
        'InvalidParameterValueException',
        `Invalid x-amz-sha256-tree-hash: ${'f'.repeat(64)} The tree hash of the uploaded parts is ${claim.at(-1)}. The plain SHA-256 of the whole archive is another value: a tree hash is built from the SHA-256 of each MiB.`,
      );
    });

    it('is completed, and a repeat returns the same archive id', async () => {
      const done = await printed('complete-multipart-upload', ...upload, ...claim);
      archiveId = done['archiveId'];
      assert.match(String(archiveId), /^[A-Za-z0-9_-]{138}$/);
      assert.deepEqual(done, {
        location: `/${server.accountId}/vaults/parts/archives/${archiveId}`,
        checksum: treeHash(whole),
        archiveId,
      });
      assert.deepEqual(await printed('complete-multipart-upload', ...upload, ...claim), done);
      const described = await printed('describe-vault', ...vault);
      assert.equal(described['NumberOfArchives'], 1);
      assert.equal(described['SizeInBytes'], whole.length + 32_768);
    });

    it('is gone afterwards: it is not listed, and operations on it get a 404', async () => {
      assert.deepEqual(await listedUploads(), []);
      const id = upload.at(-1)?.replace('--upload-id=', '');
      const text = `The upload ID was not found: ${id}`;
      await refused('list-parts', upload, 'ResourceNotFoundException', text);
      await refused('abort-multipart-upload', upload, 'ResourceNotFoundException', text);
    });

    it('leaves an archive that can be deleted', async () => {
      assert.deepEqual(await printed('delete-archive', ...vault, `--archive-id=${archiveId}`), {});
    });
  });

  describe('multipart uploads', IN_ORDER, () => {
    it('are aborted, again with the same answer, and are gone at once', async () => {
      const id = await newUpload('aborted');
      const upload = ['--vault-name', 'aborted', `--upload-id=${id}`];
      for (let turn = 0; turn < 2; turn++) {
        assert.deepEqual(await printed('abort-multipart-upload', ...upload), {});
      }
      const { UploadsList } = await printed('list-multipart-uploads', '--vault-name', 'aborted');
      assert.deepEqual(UploadsList, []);
    });
  });

  describe('refusals', IN_ORDER, () => {
    const invalid = 'InvalidParameterValueException';
    const refusedUpload = (args: readonly string[], message: string) =>
      refused('upload-archive', ['--vault-name', 'refusals', ...args], invalid, message);
    before(() => newVault('refusals'));

    it('name a missing vault', () =>
      refused(
        'upload-archive',
        ['--vault-name', 'none', '--body', fileOf('1 byte')],
        'ResourceNotFoundException',
        `Vault not found for ARN: ${arnOf('none')}`,
      ));

    it('quote an invalid vault name', async () => {
      const vault = ['--vault-name', 'testz:z'];
      const text = 'Vault not found for ARN: testz:z';
      await refused('describe-vault', vault, 'ResourceNotFoundException', text);
      await refused('create-vault', vault, invalid, 'Invalid vault name: testz:z');
    });

    it("name the account if it is not the caller's", async () => {
      await refused(
        'create-vault',
        ['--account-id', '000000000000', '--vault-name', 'refusals'],
        'AccessDeniedException',
        'Access denied for account ID: 000000000000',
      );
    });

    it('name an invalid checksum', () =>
      refusedUpload(
        ['--body', fileOf('1 byte'), '--checksum', '000'],
        'Invalid x-amz-sha256-tree-hash: 000',
      ));

    it('name both checksums of a mismatch', () =>
      refusedUpload(
        ['--body', fileOf('1 byte'), '--checksum', '0'.repeat(32)],
        `Checksum mismatch: expected ${'0'.repeat(64)}, computed ${VECTORS[0][2]}`,
      ));

    it('name the length of an empty archive', () =>
      refusedUpload(
        ['--body', fileOf('nothing')],
        'Invalid Content-Length: 0. The request has no body: an archive, and each part of one, has at least one byte.',
      ));

    it('name an invalid part size', () =>
      refused(
        'initiate-multipart-upload',
        ['--vault-name', 'refusals', '--part-size', '10485760'],
        invalid,
        'Invalid part size: 10485760. Part size must not be null, must be a power of two and be between 1048576 and 4294967296 bytes.',
      ));

    for (const [range, message] of [
      ['bytes 0-1048575/*', 'Content-Range: bytes 0-1048575/* is incompatible with Content-Length: 1'],
      ['bytes 909994937-909994936/*', 'Invalid Content-Range: bytes 909994937-909994936/*'],
      [
        'bytes 10485760000-10485760000/*',
        'This is part number 10001 for the current multipart upload. It exceeds the limit of 10000 parts.',
      ],
    ] as const) {
      it(`name the fault of a one-byte part at ${range}`, async () => {
        const id = await newUpload('refusals');
        const upload = ['--vault-name', 'refusals', `--upload-id=${id}`];
        const part = ['--body', fileOf('1 byte'), '--range', range];
        await refused('upload-multipart-part', [...upload, ...part], invalid, message);
      });
    }

    it('name the requested vault when the archive is in another vault', async () => {
      const id = await newArchive('owner-of-the-archive');
      const args = ['--vault-name', 'refusals', `--archive-id=${id}`];
      await refused('delete-archive', args, invalid, `Invalid vault name: ${arnOf('refusals')}`);
    });

    it('name the quota of tags', async () => {
      await newVault('much-tagged');
      for (let ten = 0; ten < 5; ten++) {
        const Tags = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`key ${ten}${i}`, 'x']));
        await prepare('POST', 'much-tagged/tags?operation=add', {}, JSON.stringify({ Tags }));
      }
      await refused(
        'add-tags-to-vault',
        ['--vault-name', 'much-tagged', '--tags', 'more=x'],
        'LimitExceededException',
        'The quota for the number of tags that can be assigned to this resource has been reached.',
      );
    });
  });
});

function namesOf(vaults: unknown): string[] {
  return (vaults as { VaultName: string }[]).map((vault) => vault.VaultName);
}
