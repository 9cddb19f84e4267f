/** What a quota of btrfs leaves of a subvolume. statfs tells nothing of it; the kernel shows it in sysfs. */
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

/** The quota of one subvolume, which need not have a limit. A limit of a group above it is not seen. */
export class BtrfsQuota {
  readonly #folder: string;
  readonly #group: string;

  constructor(folder: string, group: string) {
    this.#folder = folder;
    this.#group = group;
  }

  /** Of the subvolume that a folder lies in; undefined if that is no btrfs, or sysfs or the command stat is missing. */
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

  /** Bytes that may be in it; infinite without a limit. @throws the I/O error. */
  async limit(): Promise<number> {
    return this.#least(async (name) => this.#number(`max_${name}`));
  }

  /** Bytes that may still be written, 0 or more; infinite without a limit. @throws the I/O error. */
  async left(): Promise<number> {
    const left = await this.#least(async (name) => {
      const names = [`max_${name}`, name, 'rsv_data', 'rsv_meta_pertrans', 'rsv_meta_prealloc'];
      const [limit = 0, ...taken] = await Promise.all(names.map((one) => this.#number(one)));
      return taken.reduce((rest, bytes) => rest - bytes, limit);
    });
    return Math.max(0, left);
  }

  /** What was removed counts as taken until btrfs commits: makes it commit. Never throws. */
  async settle(): Promise<void> {
    if (!Number.isFinite(await this.limit().catch(() => Infinity))) return;
    // Without it btrfs commits by itself, after half a minute or when it meets the limit.
    await run('sync', ['-f', this.#folder]).catch(() => {});
  }

  async #least(of: (name: 'referenced' | 'exclusive') => Promise<number>): Promise<number> {
    const flags = await this.#number('limit_flags');
    return Math.min(
      flags & LIMITS_REFERENCED ? await of('referenced') : Infinity,
      flags & LIMITS_EXCLUSIVE ? await of('exclusive') : Infinity,
    );
  }

  /** 0 while quotas are off. */
  async #number(name: string): Promise<number> {
    return Number((await readFile(join(SYSFS, this.#group, name), 'utf8').catch(undefinedIfMissing)) ?? 0);
  }
}

/**
 * Where sysfs shows the quota of a subvolume, below its folder for btrfs.
 * btrfs makes the id from the UUID, half upon half, and from the number of the subvolume, so that both can be told from it.
 * @param fsid the id that statfs gives, in hexadecimal. @param names of the file systems; others are passed over.
 */
export function groupOf(fsid: string, names: readonly string[]): string | undefined {
  const id = BigInt(`0x${fsid}`);
  for (const uuid of names) {
    if (!UUID.test(uuid)) continue;
    const digits = uuid.replaceAll('-', '');
    const subvolume = id ^ BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`);
    // Numbers count from 5: what is larger than 32 bits is the id of another file system.
    if (subvolume < 2n ** 32n) return join(uuid, 'qgroups', `0_${subvolume}`);
  }
  return undefined;
}
