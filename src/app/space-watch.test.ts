import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { diskError } from '../../test/support/failing-disk.ts';
import { eventually } from '../../test/support/poll.ts';
import { unlessPresent } from '../../test/support/require.ts';
import { heldIn } from '../../test/support/reserve.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { canMount, type DiskKind, type SmallDisk, smallDisk } from '../../test/support/small-disk.ts';
import { Shortage } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import { API } from '../operations/table.ts';
import type { Scheduled } from '../workers/schedule.ts';
import { dataFolder } from './data-folder.ts';
import { Reserve } from './reserve.ts';
import { SpaceWatch } from './space-watch.ts';

const MIB = 1024 * 1024;
const skip = unlessPresent(canMount('tmpfs'), 'a way to mount tmpfs (root)');
const operationOf = (name: string) => API.find((one) => one.name === name) ?? assert.fail(name);

class Lines {
  readonly all: string[] = [];
  readonly log = {
    error: (_what: unknown, text: string) => this.all.push(text),
    info: (_what: unknown, text: string) => this.all.push(text),
  } as unknown as Logger;
}

/** Undoes a test's steps in the opposite order, so that a disk outlives its watch. */
const left = new WeakMap<TestContext, (() => void | Promise<void>)[]>();
function atEnd(t: TestContext, task: () => void | Promise<void>): void {
  const tasks = left.get(t) ?? [];
  if (tasks.length === 0) {
    left.set(t, tasks);
    t.after(async () => {
      for (const one of tasks.toReversed()) await one();
    });
  }
  tasks.push(task);
}

async function folderFor(t: TestContext): Promise<string> {
  const path = await temporaryFolder();
  atEnd(t, () => rm(path, { recursive: true }));
  return path;
}

/** A disk of 32 MiB, whose reserve is 2 MiB. */
function diskFor(t: TestContext, kind: DiskKind = 'tmpfs', mebibytes = 32): SmallDisk {
  const disk = smallDisk(kind, mebibytes);
  atEnd(t, () => disk.remove());
  return disk;
}

function openWatch(path: string, lines = new Lines(), nowMs = () => 0): Promise<SpaceWatch> {
  return SpaceWatch.open({
    folder: dataFolder(path),
    reserveBytes: undefined,
    clock: { now: nowMs },
    log: lines.log,
    keeps: true,
    pauseMs: 10,
  });
}

async function watchOver(t: TestContext, path: string, lines = new Lines(), nowMs = () => 0) {
  const watch = await openWatch(path, lines, nowMs);
  startChore(t, watch);
  return watch;
}

/** Starts a watch, which runs until it is stopped or the test ends. */
function startChore(t: TestContext, watch: SpaceWatch): Scheduled {
  const errors: unknown[] = [];
  const chore = watch.start(
    async () => {},
    (error) => errors.push(error),
  );
  atEnd(t, async () => {
    await chore.stop();
    assert.deepEqual(errors, []);
  });
  return chore;
}

const refuses = (error: Error) =>
  error instanceof Shortage && error.changedNothing && / is full: /.test(error.message);

describe('the room on a disk', { skip }, () => {
  it('is limited for uploads by the reserve and by other uploads', async (t) => {
    const { path } = diskFor(t);
    const watch = await watchOver(t, path);
    const space = watch.of('store');
    (await space.allocate(29 * MIB)).end();
    await assert.rejects(space.allocate(31 * MIB), refuses);
    const first = await space.allocate(20 * MIB);
    await assert.rejects(
      space.allocate(20 * MIB),
      refuses,
      'the second upload must not get the space of the first',
    );
    await first.addWritten(20 * MIB);
    (await space.allocate(20 * MIB)).end();
    first.end();
    const unknown = await space.allocate(null);
    await unknown.addWritten(MIB);
    await assert.rejects(unknown.addWritten(31 * MIB), refuses);
    unknown.end();
  });

  it('comes from the reserve when the disk is full; the reserve is rebuilt when there is space again', async (t) => {
    const disk = diskFor(t);
    const lines = new Lines();
    const watch = await openWatch(disk.path, lines);
    const chore = startChore(t, watch);
    await eventually('the reserve is whole', async () => (await heldIn(disk.path)) === 2 * MIB, 60_000);
    assert.equal(watch.status(), undefined);
    await disk.fill();
    await eventually('the log reports the full disk', () => lines.all.length === 1, 60_000);
    assert.match(
      lines.all[0] ?? '',
      /^The disk of the data folder is full: .* are held back of 2.* in reserve\.$/,
    );
    assert.match(watch.status() ?? '', /^The disk of the data folder is full/);
    assert.equal(watch.hasSpace(), false);
    // How much of the reserve is left depends on whether the watch or `fill` was faster.
    assert.ok((await heldIn(disk.path)) < 2 * MIB);
    // A running watch would rebuild the reserve from the space that a step frees.
    await chore.stop();
    while ((await heldIn(disk.path)) >= MIB) {
      await watch.of('store').shrinkReserve();
      await disk.fill();
    }
    await assert.rejects(watch.requireSpace(operationOf('CreateVault')), refuses);
    for (const name of ['DeleteArchive', 'InitiateJob', 'AbortMultipartUpload', 'DeleteVault'])
      await watch.requireSpace(operationOf(name));
    while (await watch.of('store').shrinkReserve()) await disk.fill();
    assert.equal(await heldIn(disk.path), 0);
    await disk.unfill();
    startChore(t, watch);
    await eventually('the reserve is whole again', async () => (await heldIn(disk.path)) === 2 * MIB, 60_000);
    await eventually('the log reports space again', () => lines.all.length === 2, 60_000);
    assert.equal(lines.all[1], 'there is room again on the disk of the data folder');
    (await watch.of('store').allocate(10 * MIB)).end();
  });

  it('includes a part of the reserve after a start on a full disk', async (t) => {
    const disk = diskFor(t);
    await watchOver(t, disk.path);
    await eventually('the reserve is whole', async () => (await heldIn(disk.path)) === 2 * MIB, 60_000);
    await disk.fill();
    await openWatch(disk.path);
    assert.ok((await heldIn(disk.path)) < 2 * MIB);
  });

  it('must exist on each of the disks that a server uses', async (t) => {
    const store = diskFor(t);
    const audit = diskFor(t);
    const path = await folderFor(t);
    await symlink(store.path, join(path, 'store'));
    await symlink(audit.path, join(path, 'audit'));
    const watch = await watchOver(t, path);
    (await watch.of('store').allocate(20 * MIB)).end();
    await audit.fill();
    await assert.rejects(watch.of('store').allocate(1), /The disk of the audit log is full/);
    await audit.unfill();
    (await watch.of('store').allocate(1)).end();
    await store.fill();
    await assert.rejects(watch.of('store').allocate(1), /The disk of the store is full/);
    await watch.requireSpace(operationOf('DeleteArchive'));
  });
});

const skipBtrfs = unlessPresent(canMount('btrfs'), 'a way to mount btrfs (root, mkfs.btrfs)');

describe('the space that a btrfs quota leaves', { skip: skipBtrfs }, () => {
  it('is what the watch measures: a start gives up a step or two of the reserve, which counts at once', async (t) => {
    const disk = diskFor(t, 'btrfs', 128);
    const reserve = await Reserve.of(disk.path, undefined);
    assert.equal(reserve.bytes, 8 * MIB);
    while ((await reserve.look()).held < reserve.bytes) await reserve.grow();
    const watch = await openWatch(disk.path);
    assert.equal(await watch.hasBtrfsLimit(), true);
    (await watch.of('store').allocate(100 * MIB)).end();
    await assert.rejects(watch.of('store').allocate(121 * MIB), refuses);
    await disk.fill();
    assert.ok((await reserve.look()).free < reserve.step);
    await openWatch(disk.path);
    const { free, held } = await reserve.look();
    assert.ok(free >= reserve.step, `${free} bytes are free`);
    assert.ok(held >= 5 * MIB && held < 8 * MIB, `${held} bytes are held`);
  });
});

describe('a disk that refuses writes although it reports free space', () => {
  it('refuses uploads with the reason until a write succeeds', async (t) => {
    const path = await folderFor(t);
    const watch = await watchOver(t, path);
    const allocation = await watch.of('store').allocate(10);
    allocation.end(diskError('EDQUOT'));
    assert.equal(watch.status(), 'The disk of the data folder refuses writes: the disk quota is used up.');
    await assert.rejects(
      watch.of('store').allocate(1),
      /the disk quota is used up\. There is no room for another 1 bytes/,
    );
    await eventually('a probe succeeds', () => watch.status() === undefined, 60_000);
    (await watch.of('store').allocate(1)).end();
    assert.ok(!(await readdir(path)).includes('reserve.probe'));
  });

  it('is not assumed when an upload fails for another reason', async (t) => {
    const path = await folderFor(t);
    await mkdir(join(path, 'store'));
    const watch = await watchOver(t, path);
    (await watch.of('store').allocate(10)).end(diskError('EIO'));
    assert.equal(watch.status(), undefined);
  });
});

describe('an upload refused for lack of space', { skip }, () => {
  it('makes health fail until there is space for it, or for a minute after the last try', async (t) => {
    const { path } = diskFor(t);
    let nowMs = 0;
    const watch = await watchOver(t, path, new Lines(), () => nowMs);
    await assert.rejects(watch.of('store').allocate(40 * MIB), refuses);
    assert.match(watch.status() ?? '', /is full/);
    assert.equal(watch.hasSpace(), true, 'an inventory, which needs less, must not end this');
    nowMs += 61_000;
    assert.equal(watch.status(), undefined);
  });
});

describe('a shortage of descriptors', () => {
  it('makes health fail for a minute', async (t) => {
    const path = await folderFor(t);
    let nowMs = 0;
    const watch = await watchOver(t, path, new Lines(), () => nowMs);
    watch.note(new Error('x'));
    assert.equal(watch.status(), undefined);
    watch.note(new Error('x', { cause: Object.assign(new Error('y'), { code: 'EMFILE' }) }));
    assert.match(watch.status() ?? '', /no file descriptors left/);
    nowMs += 61_000;
    assert.equal(watch.status(), undefined);
  });
});
