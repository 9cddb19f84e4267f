/**
 * `npm run full-disk`: fills small disks (tmpfs, ext4 on a loop device, and btrfs up to a quota), and prints the response
 * of each of the 33 operations. Checks that the API can make room, that the server then recovers by itself, and that a
 * start on a full disk serves reads and deletions. Exit code 1 if not. Needs Linux and root, because it mounts.
 * `npm run full-disk ext4` tests one of them.
 */
import { type FullDiskStory, fullDiskStory, type Row } from '../test/support/full-disk.ts';
import { canMount, type DiskKind, smallDisk } from '../test/support/small-disk.ts';

const MEBIBYTES = { tmpfs: 48, ext4: 48, btrfs: 128 };
const WORKERS = 2;

const kinds = (process.argv[2] ?? 'tmpfs,ext4,btrfs').split(',') as DiskKind[];

for (const kind of kinds) {
  if (!canMount(kind)) {
    console.log(`${kind}: cannot be created and mounted here (needs root and mkfs.${kind})`);
    continue;
  }
  try {
    print(kind, await story(kind));
  } catch (error) {
    console.error(kind, error);
    process.exitCode = 1;
  }
}

async function story(kind: DiskKind): Promise<FullDiskStory> {
  const disk = smallDisk(kind, MEBIBYTES[kind]);
  try {
    return await fullDiskStory(disk, WORKERS, (line) => console.log(`${kind}: ${line}`));
  } finally {
    disk.remove();
  }
}

function print(kind: DiskKind, { filled, crowded, usedUp }: FullDiskStory): void {
  console.log(`\n${kind}, ${MEBIBYTES[kind]} MiB, ${WORKERS} serving processes`);
  console.log('| operation | filled by uploads | and by another program | the reserve used up |');
  console.log('| --- | --- | --- | --- |');
  const reasons = new Map<string, number>();
  const shown = (row: Row | undefined): string => {
    if (!row?.reason) return String(row?.status ?? 'not tried');
    if (!reasons.has(row.reason)) reasons.set(row.reason, reasons.size + 1);
    return `${row.status} (${reasons.get(row.reason)})`;
  };
  for (const [i, row] of filled.entries())
    console.log(`| ${row.name} | ${shown(row)} | ${shown(crowded[i])} | ${shown(usedUp[i])} |`);
  for (const [reason, number] of reasons) console.log(`(${number}) ${reason}`);
}
