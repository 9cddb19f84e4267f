/** `upload` against a real server: each kind of source, interruptions, changed files. */
import assert from 'node:assert/strict';
import { utimesSync } from 'node:fs';
import { appendFile, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  ConnectionError,
  type GlacierClient,
  SourceChangedError,
  type UploadOptions,
  type UploadProgress,
  upload,
} from '../../src/client/index.ts';
import { treeHash } from '../../src/treehash/index.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { libraryClient } from '../support/library-client.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { type TestServer, temporaryFolder } from '../support/server.ts';

const SIZE = 21.5 * MIB;
const PATTERN = patternBytes(SIZE);
const PARTS = 22;

describe('upload', () => {
  let server: TestServer;
  let emulator: EmulatorControls;
  let client: GlacierClient;
  let folder: string;
  let path: string;
  let vaultName: string;
  let vaults = 0;
  before(async () => {
    [server, folder] = await Promise.all([startEmulator(), temporaryFolder()]);
    emulator = controlsOf(server);
    client = libraryClient(server);
    path = join(folder, 'source');
  });
  beforeEach(async () => {
    vaultName = `vault-${++vaults}`;
    await client.createVault({ vaultName });
    await writeFile(path, PATTERN);
  });
  after(async () => {
    client.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const statePath = () => join(folder, `${vaultName}.state`);
  const archives = async () => (await client.describeVault({ vaultName })).numberOfArchives;
  const openUploads = async () => (await client.listMultipartUploads({ vaultName })).uploadsList;
  const missing = async (file: string) => (await stat(file).catch(() => undefined)) === undefined;

  /** Uploads until this many parts are done, then stops as a user would; returns how many bytes were sent. */
  async function interrupted(parts: number, options: Partial<UploadOptions> = {}): Promise<number> {
    const stop = new AbortController();
    let last: UploadProgress | undefined;
    const onProgress = (progress: UploadProgress): void => {
      last = progress;
      if (progress.doneBytes >= parts * MIB) stop.abort(new Error('stopped'));
    };
    const all = { vaultName, source: { path }, partSize: MIB, parallel: 2, onProgress, ...options };
    await assert.rejects(upload(client, { ...all, signal: stop.signal }), /^Error: stopped$/);
    return last?.sentBytes ?? 0;
  }

  it('sends a small file in one request', async () => {
    await writeFile(path, PATTERN.subarray(0, MIB + 5));
    const seen: UploadProgress[] = [];
    const onProgress = (progress: UploadProgress) => seen.push(progress);
    const stored = await upload(client, { vaultName, source: { path }, description: 'small', onProgress });
    const size = MIB + 5;
    assert.equal(stored.treeHash, treeHash(PATTERN.subarray(0, size)));
    assert.deepEqual([stored.size, stored.sentBytes], [size, size]);
    assert.deepEqual(seen.at(-1), { totalBytes: size, doneBytes: size, sentBytes: size, uploadId: null });
  });

  it('sends a larger file in parts, with one description', async () => {
    const seen: UploadProgress[] = [];
    const onProgress = (progress: UploadProgress) => seen.push(progress);
    const options = { vaultName, source: { path }, description: 'large', partSize: 2 * MIB, onProgress };
    const stored = await upload(client, options);
    assert.deepEqual([stored.treeHash, stored.size, stored.sentBytes], [treeHash(PATTERN), SIZE, SIZE]);
    const { uploadId, ...counts } = seen.at(-1) ?? {};
    assert.equal(typeof uploadId, 'string');
    assert.deepEqual(counts, { totalBytes: SIZE, doneBytes: SIZE, sentBytes: SIZE });
    assert.equal(await archives(), 1);
  });

  it('sends bytes in memory in parts, and part of them again after failures', async () => {
    const hurried = libraryClient(server, { retry: { firstPauseMs: 0 } });
    await emulator.faultWith({ operation: 'UploadMultipartPart', cut: 'during', times: 3 });
    const stored = await upload(hurried, { vaultName, source: PATTERN });
    assert.deepEqual([stored.treeHash, stored.sentBytes], [treeHash(PATTERN), SIZE]);
    hurried.close();
  });

  it('sends a stream of unknown length in parts', async () => {
    async function* source() {
      for (let at = 0; at < SIZE; at += 700_001) yield PATTERN.subarray(at, at + 700_001);
    }
    const stored = await upload(client, { vaultName, source: source(), partSize: 4 * MIB });
    assert.deepEqual([stored.treeHash, stored.size], [treeHash(PATTERN), SIZE]);
  });

  it('sends a short stream in one request', async () => {
    const source = Readable.from([Buffer.from('Hello '), Buffer.from('World!')]);
    const stored = await upload(client, { vaultName, source });
    assert.deepEqual([stored.size, stored.treeHash], [12, treeHash(Buffer.from('Hello World!'))]);
  });

  it('aborts the upload of a stream that fails', async () => {
    async function* source() {
      yield PATTERN.subarray(0, 3 * MIB);
      throw new TypeError('the pipe broke');
    }
    await assert.rejects(upload(client, { vaultName, source: source(), partSize: MIB }), /the pipe broke/);
    assert.deepEqual(await openUploads(), []);
  });

  it('refuses empty sources', async () => {
    await writeFile(path, '');
    for (const source of [{ path }, new Uint8Array(0), Readable.from([])])
      await assert.rejects(upload(client, { vaultName, source }), /^RangeError: no archive is empty/);
  });

  it('goes on from its state file and sends no finished part again', async () => {
    const sent = await interrupted(9, { statePath: statePath() });
    assert.equal((await stat(statePath())).mode & 0o777, 0o600);
    const stored = await upload(client, { vaultName, source: { path }, statePath: statePath(), parallel: 2 });
    assert.equal(stored.treeHash, treeHash(PATTERN));
    assert.ok(sent + stored.sentBytes <= SIZE + 2 * MIB, `${sent} + ${stored.sentBytes}`);
    assert.ok(stored.sentBytes <= SIZE - 9 * MIB);
    assert.ok(await missing(statePath()));
    assert.deepEqual([await archives(), await openUploads()], [1, []]);
  });

  it('ignores a line of its state file that a crash left incomplete', async () => {
    await interrupted(5, { statePath: statePath() });
    await appendFile(statePath(), '{"part":21,"tree');
    const stored = await upload(client, { vaultName, source: { path }, statePath: statePath() });
    assert.equal(stored.treeHash, treeHash(PATTERN));
  });

  it('finds an upload by its description when there is no state file', async () => {
    await client.initiateMultipartUpload({ vaultName, partSize: MIB, archiveDescription: 'another' });
    const sent = await interrupted(9, { description: 'found' });
    const options = { vaultName, source: { path }, description: 'found', resume: 'search' } as const;
    const stored = await upload(client, { ...options, parallel: 2 });
    assert.equal(stored.treeHash, treeHash(PATTERN));
    assert.ok(sent + stored.sentBytes <= SIZE + 2 * MIB, `${sent} + ${stored.sentBytes}`);
    assert.equal((await openUploads()).length, 1);
    const again = await upload(client, options);
    assert.equal(again.sentBytes, SIZE);
  });

  it('does not take up the upload of another file with the same description', async () => {
    await interrupted(3, { description: 'same' });
    await writeFile(path, patternBytes(SIZE).reverse());
    const options = { vaultName, source: { path }, description: 'same', resume: 'search' } as const;
    assert.equal((await upload(client, options)).sentBytes, SIZE);
    assert.equal((await openUploads()).length, 1);
  });

  it('takes up an upload by its id, or says that the file is another', async () => {
    await interrupted(3);
    const uploadId = (await openUploads())[0]?.multipartUploadId ?? '';
    await writeFile(path, Buffer.concat([Buffer.of(1), PATTERN.subarray(1)]));
    const options = { vaultName, source: { path }, resume: { uploadId } };
    await assert.rejects(upload(client, options), (error) => {
      assert.ok(error instanceof SourceChangedError);
      assert.match(error.message, /is not what the upload .* began with: its part 0-1048575 has other bytes/);
      return true;
    });
    await writeFile(path, PATTERN);
    assert.ok((await upload(client, options)).sentBytes <= SIZE - 3 * MIB);
  });

  it('hashes a file anew that was touched since the state file was written', async () => {
    await interrupted(9, { statePath: statePath() });
    await utimes(path, new Date(0), new Date(0));
    const options = { vaultName, source: { path }, statePath: statePath() };
    assert.ok((await upload(client, options)).sentBytes <= SIZE - 9 * MIB);
    assert.equal(await archives(), 1);
  });

  it('notices that a file was changed since the state file was written', async () => {
    await interrupted(9, { statePath: statePath() });
    await writeFile(path, patternBytes(SIZE).reverse());
    const options = { vaultName, source: { path }, statePath: statePath() };
    await assert.rejects(upload(client, options), SourceChangedError);
  });

  it('notices a file that changes while it is sent, and aborts', async () => {
    let changed = false;
    const onProgress = ({ doneBytes }: UploadProgress): void => {
      if (changed || doneBytes < 4 * MIB) return;
      changed = true;
      utimesSync(path, new Date(1000), new Date(1000));
    };
    const options = { vaultName, source: { path }, partSize: MIB, onProgress, statePath: statePath() };
    await assert.rejects(
      upload(client, options),
      /^SourceChangedError: .* was changed while it was uploaded$/,
    );
    assert.deepEqual([await archives(), await openUploads()], [0, []]);
    assert.ok(await missing(statePath()));
  });

  it('finishes an upload whose end was not heard, instead of repeating it', async () => {
    const once = libraryClient(server, { retry: { attempts: 1 } });
    const options = { vaultName, source: { path }, partSize: 4 * MIB, statePath: statePath() };
    await emulator.faultWith({ operation: 'CompleteMultipartUpload', cut: 'after' });
    await assert.rejects(upload(once, options), ConnectionError);
    assert.equal(await archives(), 1);
    const stored = await upload(once, options);
    assert.deepEqual([stored.sentBytes, stored.treeHash], [0, treeHash(PATTERN)]);
    assert.equal(await archives(), 1);
    assert.ok(await missing(statePath()));
    once.close();
  });

  it('begins anew when the server has forgotten the upload', async () => {
    await interrupted(9, { statePath: statePath() });
    for (const { multipartUploadId: uploadId } of await openUploads())
      await client.abortMultipartUpload({ vaultName, uploadId });
    const stored = await upload(client, { vaultName, source: { path }, statePath: statePath() });
    assert.equal(stored.sentBytes, SIZE);
  });

  it('refuses the state file of something else', async () => {
    await interrupted(2, { statePath: statePath() });
    const kept = await readFile(statePath(), 'utf8');
    const options = { vaultName, source: { path }, statePath: statePath() };
    await assert.rejects(
      upload(client, { ...options, description: 'x' }),
      /whose description is null, not x$/,
    );
    await writeFile(statePath(), 'my notes');
    await assert.rejects(upload(client, options), /is not the state of an upload: name another file$/);
    assert.equal(await readFile(statePath(), 'utf8'), 'my notes');
    await writeFile(statePath(), kept);
    assert.equal((await upload(client, options)).treeHash, treeHash(PATTERN));
  });

  it(`keeps at most the parts under way in memory (${PARTS} parts)`, async () => {
    let made = 0;
    let done = 0;
    let most = 0;
    async function* source() {
      for (let i = 0; i < PARTS; i++) {
        most = Math.max(most, ++made - done);
        yield PATTERN.subarray(i * MIB, (i + 1) * MIB);
      }
    }
    const onProgress = ({ doneBytes }: UploadProgress): void => {
      done = Math.floor(doneBytes / MIB);
    };
    await upload(client, { vaultName, source: source(), partSize: MIB, parallel: 3, onProgress });
    // The first part, which decides whether there are others, and one for each request.
    assert.ok(most <= 4, String(most));
  });
});
