/** Describes the machine, because figures mean nothing without it. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

/** Types of file systems by their number in statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'XFS',
  2435016766: 'Btrfs',
  801189825: 'ZFS',
  2035054128: 'overlay',
  16914836: 'tmpfs',
};

/** Names and values to show. @param folder for the data. */
export function machineFacts(folder: string): readonly (readonly [string, string])[] {
  return [
    ['processor', `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['kernel', `${type()} ${release()}`],
    ['file system', fileSystemOf(folder)],
    ['Node.js', process.version],
    ['openssl', execFileSync('openssl', ['version'], { encoding: 'utf8' }).split(' (')[0]?.trim() ?? ''],
    ['load average at the start', (loadavg()[0] ?? 0).toFixed(2)],
    ['date', new Date().toISOString().slice(0, 10)],
  ];
}

export function fileSystemOf(folder: string): string {
  const { type: kind } = statfsSync(folder);
  return FILE_SYSTEMS[kind] ?? `of type 0x${kind.toString(16)}`;
}
