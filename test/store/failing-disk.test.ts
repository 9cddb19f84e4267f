/** Changes of all kinds while the disk fails: `npm run failing-disk` tries more faults. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DiskFault, failingDiskStory } from '../support/failing-disk-story.ts';
import { canFailFiles, type FailingFiles, failingFiles } from '../support/failing-files.ts';
import { unlessPresent } from '../support/require.ts';
import { folderFor } from '../support/test-servers.ts';

const skip = unlessPresent(canFailFiles, 'a C compiler, for files that fail (Linux)');

describe('a disk that fails', { skip }, () => {
  let files: FailingFiles;
  before(() => {
    files = failingFiles();
  });
  after(() => files.remove());

  for (const [name, fault, only] of [
    [
      'to write the catalog refuses the change, and takes the next one',
      // More than one: background work may get the first.
      { call: 'write', part: '/catalog.sqlite', error: 'EIO', times: 1000 },
      ['CreateVault', 'CompleteMultipartUpload', 'DeleteArchive'],
    ],
    [
      'to write blobs refuses the upload, and takes the next one',
      { call: 'write', part: '/store/packs/', error: 'EIO', times: 1 },
      ['UploadArchive', 'UploadMultipartPart'],
    ],
  ] as const satisfies [string, DiskFault, readonly string[]][]) {
    it(name, async (t) => {
      const rows = await failingDiskStory({ files, data: await folderFor(t), fault, only });
      const failed = rows.filter((row) => row.failed > 0);
      assert.ok(failed.length > 0, 'no call failed');
      for (const { operation, status, recovered } of failed) {
        assert.deepEqual([status, recovered], [500, 'at once'], operation);
      }
    });
  }

  it('to flush the journal takes no more changes until the server is restarted', async (t) => {
    const fault = { call: 'flush', part: '/store/journal/', error: 'EIO', times: 1 } as const;
    const rows = await failingDiskStory({
      files,
      data: await folderFor(t),
      fault,
      only: ['CreateVault', 'CompleteMultipartUpload'],
    });
    for (const { operation, failed, recovered } of rows) {
      assert.deepEqual([failed > 0, recovered], [true, 'after a restart'], operation);
    }
  });
});
