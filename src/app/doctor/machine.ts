/** Asks this machine what the doctor's checks need. */
import { lstat, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/read.ts';
import { undefinedIfMissing } from '../../durable/errors.ts';
import { loadNativeHash } from '../../hashing/native-hash.ts';
import { BtrfsQuota } from '../btrfs-quota.ts';
import type { DataFolder } from '../data-folder.ts';
import { readLimits } from '../descriptors.ts';
import { openDisks } from '../space-watch.ts';
import { systemClocks } from '../system.ts';
import type { FoundDisk, Machine } from './deps.ts';

const TMPFS_MAGIC = 0x01021994;
const CGROUPS = '/sys/fs/cgroup';

export function thisMachine(config: Pick<Config, 'reserveBytes'>, folder: DataFolder): Machine {
  return {
    nodeVersion: process.versions.node,
    clocks: systemClocks,
    preciseMs: () => performance.now(),
    limits: readLimits,
    memoryLimit: () => readMemoryLimit(),
    async owned(path) {
      const found = await lstat(path).catch(() => undefined);
      return found && { mode: found.mode, uid: found.uid, isFolder: found.isDirectory() };
    },
    disks: () => findDisks(config, folder),
    isInMemory: async (path) => (await statfs(path)).type === TMPFS_MAGIC,
    nativeHash: loadNativeHash,
  };
}

async function findDisks(
  { reserveBytes }: Pick<Config, 'reserveBytes'>,
  folder: DataFolder,
): Promise<readonly FoundDisk[]> {
  const found: FoundDisk[] = [];
  for (const { uses, reserve, space } of await openDisks(folder, reserveBytes)) {
    const { blocks, bsize, files, ffree } = await statfs(reserve.folder);
    const quota = await (await BtrfsQuota.of(reserve.folder))?.limit();
    found.push({
      name: uses.join(', '),
      folder: reserve.folder,
      size: blocks * bsize,
      ...space,
      reserve: reserve.bytes,
      inodes: files,
      freeInodes: ffree,
      quota: quota ?? Number.POSITIVE_INFINITY,
    });
  }
  return found;
}

/**
 * The least `memory.max` of this process's control group and those above it (version 2).
 * @param root where the groups are. @param own the text of `/proc/self/cgroup`; by default it is read.
 */
export async function readMemoryLimit(root = CGROUPS, own?: string): Promise<number | undefined> {
  const text = own ?? (await readFile('/proc/self/cgroup', 'utf8').catch(undefinedIfMissing)) ?? '';
  const path = /^0::\/(.*)$/m.exec(text)?.[1];
  if (path === undefined) return undefined;
  const names = path.split('/').filter((name) => name !== '');
  let least = Number.POSITIVE_INFINITY;
  for (let depth = 0; depth <= names.length; depth++) {
    const file = join(root, ...names.slice(0, depth), 'memory.max');
    const limit = (await readFile(file, 'utf8').catch(() => 'max')).trim();
    if (/^\d+$/.test(limit)) least = Math.min(least, Number(limit));
  }
  return Number.isFinite(least) ? least : undefined;
}
