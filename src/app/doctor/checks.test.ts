/** The checks with machines, disks and clocks that are handed in. */
import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeCertificate } from '../../../test/support/certificate.ts';
import { temporaryFolder } from '../../../test/support/server.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { dataFolder } from '../data-folder.ts';
import { systemRandom } from '../system.ts';
import { clockCheck } from './clock-check.ts';
import type { FoundDisk, Owned } from './deps.ts';
import type { Finding } from './finding.ts';
import { flushCheck } from './flush-check.ts';
import { keysCheck } from './keys-check.ts';
import { limitsCheck } from './limits-check.ts';
import { readMemoryLimit } from './machine.ts';
import { rightsCheck } from './rights-check.ts';
import { spaceCheck } from './space-check.ts';
import { storeCheck } from './store-check.ts';
import { tlsCheck } from './tls-check.ts';
import { versionsCheck } from './versions-check.ts';

const DAY = 86_400_000;
const GIB = 1024 ** 3;
const NOW = Date.parse('2026-01-02T03:04:05Z');

let folder: string;
before(async () => {
  folder = await temporaryFolder();
});
after(() => rm(folder, { recursive: true, force: true }));

/** What is wrong, by severity and code. Every such finding must say what it means and what to do. */
function wrong(findings: readonly Finding[]): string[] {
  const bad = findings.filter(({ severity }) => severity !== 'ok');
  for (const { found, means, advice } of bad) assert.ok(found && means && advice);
  return bad.map(({ severity, code }) => `${severity} ${code}`);
}

const clocks = (wallMs = NOW) => ({ wallMs, steadyMs: 0 });

describe('the check of limits', () => {
  const run = async (files: number | string, memory?: number) =>
    wrong(
      await limitsCheck.run({
        machine: {
          limits: () =>
            `Max open files            ${files}                 ${files}                 files     \n`,
          memoryLimit: async () => memory,
        },
      }),
    );

  it('finds too few descriptors and too little memory', async () => {
    assert.deepEqual(await run(63), ['fault few-descriptors']);
    assert.deepEqual(await run(64), ['warning few-descriptors']);
    assert.deepEqual(await run(1024), []);
    assert.deepEqual(await run('unlimited', GIB), []);
    assert.deepEqual(await run(1024, 100 * 1024 ** 2), ['warning little-memory']);
  });

  it('takes the least limit of memory of all groups above', async () => {
    const inner = join(folder, 'groups/a/b');
    await mkdir(inner, { recursive: true });
    await writeFile(join(folder, 'groups/a/memory.max'), '1000\n');
    await writeFile(join(inner, 'memory.max'), 'max\n');
    const root = join(folder, 'groups');
    assert.equal(await readMemoryLimit(root, '0::/a/b\n'), 1000);
    assert.equal(await readMemoryLimit(root, '0::/\n'), undefined);
    await writeFile(join(inner, 'memory.max'), '999\n');
    assert.equal(await readMemoryLimit(root, '1:cpu:/x\n0::/a/b\n'), 999);
  });
});

describe('the check of space', () => {
  const disk: FoundDisk = {
    ...{ name: 'store', folder: '/x', size: 1000 * GIB, free: 100 * GIB, held: GIB, reserve: GIB },
    ...{ inodes: 100_000, freeInodes: 50_000, quota: Number.POSITIVE_INFINITY },
  };
  const run = async (part: Partial<FoundDisk>) =>
    wrong(await spaceCheck.run({ machine: { disks: async () => [{ ...disk, ...part }] } }));

  it('finds a full disk, little space and few inodes', async () => {
    assert.deepEqual(await run({}), []);
    assert.deepEqual(await run({ free: 0 }), ['fault disk-full']);
    assert.deepEqual(await run({ free: GIB, held: 0 }), ['fault disk-full']);
    assert.deepEqual(await run({ free: 9 * GIB }), ['warning little-space']);
    assert.deepEqual(await run({ free: 9 * GIB, size: 100 * GIB }), []);
    assert.deepEqual(await run({ free: 4 * GIB, quota: 100 * GIB }), ['warning little-space']);
    assert.deepEqual(await run({ freeInodes: 4999 }), ['warning few-inodes']);
    assert.deepEqual(await run({ freeInodes: 999 }), ['fault few-inodes']);
    assert.deepEqual(await run({ inodes: 0, freeInodes: 0 }), []);
  });
});

describe('the check of the clock', () => {
  const run = async (trustedMs: number | null, databaseMs?: number) =>
    wrong(
      await clockCheck.run({
        machine: { clocks },
        config: { maxStopLeapMs: 30 * DAY },
        store: {
          note: async () => (trustedMs === null ? undefined : JSON.stringify({ trustedMs, leaped: false })),
        },
        catalog: { now: async () => databaseMs },
      }),
    );

  it('finds a clock behind trusted time, a leap, and a database with another time', async () => {
    assert.deepEqual(await run(null), []);
    assert.deepEqual(await run(NOW + 60_000, NOW - 60_000), []);
    assert.deepEqual(await run(NOW + 6 * 60_000), ['fault clock-behind']);
    assert.deepEqual(await run(NOW - 31 * DAY), ['warning clock-leaped']);
    for (const ms of [NOW - DAY, NOW + DAY]) assert.deepEqual(await run(NOW, ms), ['warning database-clock']);
  });
});

describe('the check of the certificate', () => {
  it('finds one that is expired, expires soon, is not valid yet, or does not fit its key', async () => {
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const run = async (wallMs: number) =>
      wrong(
        await tlsCheck.run({
          config: { tls: { cert: '', key: '', files } },
          machine: { clocks: () => clocks(wallMs) },
        }),
      );
    // Valid for a day.
    const pair = makeCertificate(NOW);
    await writeFile(files.cert, pair.cert);
    await writeFile(files.key, pair.key);
    assert.deepEqual(await run(NOW), ['warning certificate-expires']);
    assert.deepEqual(await run(NOW + 2 * DAY), ['fault certificate-expired']);
    assert.deepEqual(await run(NOW - 2 * DAY), ['fault certificate-early']);
    await writeFile(files.key, makeCertificate(NOW).key);
    assert.deepEqual(await run(NOW), ['fault certificate-unusable']);
    await rm(files.cert);
    assert.deepEqual(await run(NOW), ['fault certificate-unusable']);
    assert.deepEqual(wrong(await tlsCheck.run({ config: { tls: undefined }, machine: { clocks } })), []);
  });
});

describe('the check of rights', () => {
  const place = dataFolder('/nowhere/data');
  const run = async (owned: Readonly<Record<string, Partial<Owned>>>) =>
    wrong(
      await rightsCheck.run({
        folder: place,
        requireUsable() {},
        machine: {
          async owned(path) {
            const found = owned[path];
            return found && { mode: 0o600, uid: 7, isFolder: false, ...found };
          },
        },
      }),
    );
  const { path, masterKey, store, catalog } = place;

  it('finds what others may read or write, and what belongs to another user', async () => {
    assert.deepEqual(
      await run({ [path]: { mode: 0o755, uid: 0 }, [masterKey]: {}, [store]: { mode: 0o700 } }),
      [],
    );
    assert.deepEqual(await run({ [path]: { mode: 0o777 } }), ['fault world-writable']);
    assert.deepEqual(await run({ [path]: { mode: 0o770 } }), ['warning group-writable']);
    assert.deepEqual(await run({ [masterKey]: { mode: 0o640 } }), ['fault master-key-open']);
    assert.deepEqual(await run({ [catalog]: { mode: 0o644 } }), ['warning open-to-others']);
    assert.deepEqual(await run({ [`${store}/notes`]: { mode: 0o755 } }), []);
    assert.deepEqual(await run({ [`${store}/notes`]: { mode: 0o757 } }), ['fault world-writable']);
    assert.deepEqual(await run({ [masterKey]: {}, [catalog]: { uid: 0 } }), ['fault other-owner']);
  });
});

describe('the check of the root key', () => {
  const run = async (config: object, locks: readonly string[] = []) =>
    wrong(
      await keysCheck.run({
        config: { emulator: false, emulatorAnyKey: false, allowWeakRootKey: false, ...config } as never,
        store: { noteNames: async () => locks },
        catalog: { reads: { listLocked: async () => [] } },
      }),
    );
  const rootKey = { id: 'test', secret: 'test', weak: true };

  it('finds a weak key, above all where a vault is locked', async () => {
    assert.deepEqual(await run({ rootKey: undefined }), []);
    assert.deepEqual(await run({ rootKey }), ['fault weak-key']);
    assert.deepEqual(await run({ rootKey, allowWeakRootKey: true }), ['warning weak-key']);
    assert.deepEqual(await run({ rootKey, allowWeakRootKey: true }, ['lock-1']), ['fault weak-key']);
    assert.deepEqual(await run({ rootKey, emulator: true }), []);
  });
});

describe('the checks that write to a scratch area', () => {
  const deps = (name: string) => ({
    ...{ folder: dataFolder(join(folder, name)), fs: realFileSystem, random: systemRandom },
  });

  it('find flushes that no disk can do, and folders in memory', async () => {
    const run = async (flushMs: number, isInMemory = false) => {
      let ms = 0;
      // Two readings for each flush, one before and one after it.
      const preciseMs = () => {
        ms += flushMs;
        return ms;
      };
      return wrong(
        await flushCheck.run({
          ...deps('flushes'),
          machine: { preciseMs, isInMemory: async () => isInMemory },
        }),
      );
    };
    await mkdir(join(folder, 'flushes/store'), { recursive: true });
    assert.deepEqual(await run(0.2), []);
    assert.deepEqual(await run(0.01), ['warning fast-flushes']);
    assert.deepEqual(await run(0.2, true), ['warning in-memory']);
    assert.deepEqual(await readdir(join(folder, 'flushes/store')), []);
  });

  it('find a disk that refuses links or gives other bytes back, and scratch areas that were left', async () => {
    await mkdir(join(folder, 'trial/store'), { recursive: true });
    const machine = { clocks, nativeHash: () => undefined };
    const run = async (fs: typeof realFileSystem) =>
      wrong(await storeCheck.run({ ...deps('trial'), fs, machine }));
    assert.deepEqual(await run(realFileSystem), []);
    const refusing = async () => {
      throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' });
    };
    assert.deepEqual(await run({ ...realFileSystem, link: refusing }), ['fault store-fails']);
    assert.deepEqual(await readdir(join(folder, 'trial/store')), []);
    await mkdir(join(folder, 'trial/store/doctor-1'));
    assert.deepEqual(await run(realFileSystem), ['warning scratch-left']);
  });
});

describe('the check of versions', () => {
  const run = async (missing: readonly string[], unknown: readonly string[], engine = nodeHash) =>
    wrong(
      await versionsCheck.run({
        ...{ folder: dataFolder(join(folder, 'none')), fs: realFileSystem, random: systemRandom },
        machine: { nodeVersion: '24.11.0', nativeHash: () => engine },
        catalog: { missingMigrations: missing, unknownMigrations: unknown },
      }),
    );

  it('finds an older and a newer catalog, and a processor that hashes wrongly', async () => {
    assert.deepEqual(await run([], []), []);
    assert.deepEqual(await run(['0007-x'], []), ['warning old-catalog']);
    assert.deepEqual(await run([], ['0099-x']), ['fault newer-catalog']);
    const hashLeavesSync = (bytes: Uint8Array) => nodeHash.hashLeavesSync(bytes).reverse();
    assert.deepEqual(await run([], [], { ...nodeHash, hashLeavesSync }), ['fault wrong-hash']);
  });
});
