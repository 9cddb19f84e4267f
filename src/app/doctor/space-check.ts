import { formatBytes } from '../disk.ts';
import type { FoundDisk, Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, warning } from './finding.ts';

/** Less than this share of a disk is little, but more than `MUCH_BYTES` is not. */
const LITTLE_SHARE = 0.05;
const MUCH_BYTES = 10 * 1024 ** 3;

/** Free space and inodes, the reserve, and quotas of btrfs. */
export const spaceCheck: Check<{ readonly machine: Pick<Machine, 'disks'> }> = {
  name: 'space',
  run: async ({ machine }) =>
    (await machine.disks()).flatMap((disk) => [judgeSpace(disk), ...judgeInodes(disk)]),
};

function judgeSpace(disk: FoundDisk): Finding {
  const { name, folder, size, free, held, reserve, quota } = disk;
  const all = Math.min(size, quota);
  const limit = quota < size ? ', the limit of a btrfs quota' : '';
  const found =
    `the disk of the ${name} (${folder}) has ${formatBytes(free)} free of ${formatBytes(all)}${limit}; ` +
    `${formatBytes(held)} more are held as reserve, of ${formatBytes(reserve)}`;
  const spare = free + held - reserve;
  const advice = 'free space on this disk, or move the data folder to a larger one';
  if (spare <= 0)
    return fault('disk-full', { found, means: 'uploads get a 500: the rest is the reserve', advice });
  if (spare < Math.min(MUCH_BYTES, all * LITTLE_SHARE))
    return warning('little-space', { found, means: 'uploads will soon get a 500', advice });
  return ok(found);
}

function judgeInodes({ name, folder, inodes, freeInodes }: FoundDisk): Finding[] {
  if (inodes === 0 || freeInodes >= inodes * LITTLE_SHARE) return [];
  const found = `the disk of the ${name} (${folder}) has ${freeInodes} inodes left of ${inodes}`;
  const means = 'each archive over 256 KiB takes one: uploads get a 500 when there are none';
  const advice = 'remove small files on this disk, or move the data folder to a disk made with more inodes';
  return [(freeInodes < 1000 ? fault : warning)('few-inodes', { found, means, advice })];
}
