/** Reads from sysfs how much room a btrfs quota leaves. statfs ignores quotas. */
import { execFile } from 'node:child_process';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { undefinedIfMissing } from '../durable/errors.ts';

const BTRFS_MAGIC = 0x9123683e;
const SYSFS = '/sys/fs/btrfs';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Bits of `limit_flags`. */
const LIMITS_REFERENCED = 1;
const LIMITS_EXCLUSIVE = 2;
const run = promisify(execFile);

/** The quota of one subvolume, which may have no limit. Ignores limits of parent groups. */
export class BtrfsQuota {
  readonly #folder: string;
  readonly #group: string;

  constructor(folder: string, group: string) {
    this.#folder = folder;
    this.#group = group;
  }

  /** The quota of a folder's subvolume; undefined if the folder is not on btrfs, or without sysfs or the command stat. */
  static async of(folder: string): Promise<BtrfsQuota | undefined> {
    if ((await statfs(folder)).type !== BTRFS_MAGIC) return undefined;
    try {
      const { stdout } = await run('stat', ['-f', '-c', '%i', '--', folder]);
      const group = groupOf(stdout.trim(), await readdir(SYSFS));
      return group === undefined ? undefined : new BtrfsQuota(folder, group);
    } catch {
      return undefined;
    }
  }

  /** The limit in bytes; infinite if there is none. @throws the I/O error. */
  async limit(): Promise<number> {
    return this.#least(async (name) => this.#number(`max_${name}`));
  }

  /** Bytes that may still be written, 0 or more; infinite if there is no limit. @throws the I/O error. */
  async left(): Promise<number> {
    const left = await this.#least(async (name) => {
      const names = [`max_${name}`, name, 'rsv_data', 'rsv_meta_pertrans', 'rsv_meta_prealloc'];
      const [limit = 0, ...taken] = await Promise.all(names.map((one) => this.#number(one)));
      return taken.reduce((rest, bytes) => rest - bytes, limit);
    });
    return Math.max(0, left);
  }

  /** Makes btrfs commit, because removed files count as used until then. Never throws. */
  async settle(): Promise<void> {
    if (!Number.isFinite(await this.limit().catch(() => Infinity))) return;
    // If this fails, btrfs commits by itself within half a minute, or at the limit.
    await run('sync', ['-f', this.#folder]).catch(() => {});
  }

  async #least(of: (name: 'referenced' | 'exclusive') => Promise<number>): Promise<number> {
    const flags = await this.#number('limit_flags');
    return Math.min(
      flags & LIMITS_REFERENCED ? await of('referenced') : Infinity,
      flags & LIMITS_EXCLUSIVE ? await of('exclusive') : Infinity,
    );
  }

  /** Reads a number of the quota group; 0 while quotas are off. */
  async #number(name: string): Promise<number> {
    return Number((await readFile(join(SYSFS, this.#group, name), 'utf8').catch(undefinedIfMissing)) ?? 0);
  }
}

/**
 * Finds the sysfs folder of a subvolume's quota, relative to the folder of btrfs.
 * The id is the XOR of both halves of the file system's UUID and the number of the subvolume. So the number follows from
 * the id and the right UUID.
 * @param fsid the id that statfs reports, hexadecimal. @param names UUIDs of file systems; other names are ignored.
 */
export function groupOf(fsid: string, names: readonly string[]): string | undefined {
  const id = BigInt(`0x${fsid}`);
  for (const uuid of names) {
    if (!UUID.test(uuid)) continue;
    const digits = uuid.replaceAll('-', '');
    const subvolume = id ^ BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`);
    // Subvolume numbers are small. A result above 32 bits means that the UUID is not the right one.
    if (subvolume < 2n ** 32n) return join(uuid, 'qgroups', `0_${subvolume}`);
  }
  return undefined;
}
