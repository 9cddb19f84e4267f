/**
 * Real file systems small enough to fill: tmpfs, ext4 on a loop device, and btrfs on a loop device with a quota smaller
 * than the disk (EDQUOT). Needs root.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDiskFull } from '../../src/domain/disk-space.ts';

export type DiskKind = 'tmpfs' | 'ext4' | 'btrfs';

export interface SmallDisk {
  /** A folder on it. */
  readonly path: string;
  /** The quota, if any; statfs does not show it. */
  readonly quotaBytes: number | undefined;
  /** Fills the disk to the last byte with a file, as another program would. */
  fill(): Promise<void>;
  /** Makes the file system report its free space: btrfs holds some back for data not yet written. */
  settle(): void;
  /** Removes the file of `fill`. */
  unfill(): Promise<void>;
  remove(): void;
}

/** Size of a disk beyond its quota, because btrfs itself uses that much of a small disk. */
const BEYOND_QUOTA_MEBIBYTES = 256;
const PIECE_BYTES = 1024 * 1024;

/** Makes and mounts a disk of this many MiB. @throws the error of mount or mkfs. */
export function smallDisk(kind: DiskKind, mebibytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'moraine-disk-'));
  const mounted = join(folder, 'mounted');
  const image = join(folder, 'image');
  run('mkdir', mounted);
  try {
    if (kind === 'tmpfs') run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', mounted);
    else {
      const beyond = kind === 'btrfs' ? BEYOND_QUOTA_MEBIBYTES : 0;
      run('truncate', '-s', `${mebibytes + beyond}M`, image);
      // Without blocks reserved for root, because the tests run as root.
      run(`mkfs.${kind}`, '-q', ...(kind === 'ext4' ? ['-F', '-m', '0'] : []), image);
      // btrfs reports freed space only after its next commit: here every second, by default every 30 s.
      run('mount', '-o', kind === 'btrfs' ? 'loop,commit=1' : 'loop', image, mounted);
    }
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  const path = join(mounted, 'data');
  if (kind === 'btrfs') {
    run('btrfs', 'quota', 'enable', mounted);
    run('btrfs', 'subvolume', 'create', path);
    run('btrfs', 'qgroup', 'limit', `${mebibytes}M`, path);
  } else run('mkdir', path);
  const filler = join(path, 'filler');
  return {
    path,
    quotaBytes: kind === 'btrfs' ? mebibytes * 1024 * 1024 : undefined,
    settle: () => run('sync', '-f', path),
    fill: () => fillWith(filler),
    unfill: () => rm(filler, { force: true }),
    remove() {
      // Unmounts lazily, because killed processes may take a moment to end.
      run('umount', '--lazy', mounted);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Whether a small disk of this kind can be made here. */
export function canMount(kind: DiskKind): boolean {
  try {
    smallDisk(kind, 4).remove();
    return true;
  } catch {
    return false;
  }
}

async function fillWith(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    // Pieces become smaller when one does not fit and larger when one does, because space may become free meanwhile.
    for (let bytes = PIECE_BYTES; bytes >= 1; ) {
      try {
        await file.write(Buffer.alloc(bytes, 1));
        bytes = Math.min(PIECE_BYTES, bytes * 2);
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        bytes = Math.floor(bytes / 2);
      }
    }
    await file.sync().catch(() => {});
  } finally {
    await file.close();
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
