import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fullDiskStory } from '../support/full-disk.ts';
import { unlessPresent } from '../support/require.ts';
import { canMount, smallDisk } from '../support/small-disk.ts';

// Concurrently, because each mostly waits for the reserve, which grows by one step per second.
describe('a server on a full disk', { concurrency: true }, () => {
  for (const [kind, mebibytes, workers] of [
    ['tmpfs', 48, 1],
    ['ext4', 48, 2],
    ['btrfs', 128, 2],
  ] as const) {
    const skip = unlessPresent(canMount(kind), `a way to mount ${kind} (root, mkfs.${kind})`);
    it(`serves reads and deletions, and recovers by itself: ${kind}, ${workers} processes`, {
      skip,
    }, async () => {
      const disk = smallDisk(kind, mebibytes);
      try {
        const { uploads } = await fullDiskStory(disk, workers, () => {});
        assert.ok(uploads > 10, `${uploads} uploads`);
      } finally {
        disk.remove();
      }
    });
  }
});
