/** Executes the store's contract in a scratch area below the store. */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { DiskStore, PACKED_BYTES } from '../../blobs/disk/disk-store.ts';
import { prepareDiskStore } from '../../blobs/disk/prepare.ts';
import { BlobMissing } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import { isMissing } from '../../durable/errors.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, some, warning } from './finding.ts';
import { SCRATCH_PREFIX, withScratch } from './scratch.ts';

/** One blob for a pack, one for a file of its own with more than one leaf. */
const SIZES = [1000, PACKED_BYTES + 1024 * 1024];

type Deps = Pick<DoctorDeps, 'folder' | 'fs' | 'random'> & {
  readonly machine: Pick<Machine, 'clocks' | 'nativeHash'>;
};

/** Whether the disk does what a store needs: write, flush, link, rename, read back, remove. */
export const storeCheck: Check<Deps> = {
  name: 'store',
  async run(deps) {
    const { folder, fs } = deps;
    const names = await fs.names(folder.store).catch((error) => {
      if (!isMissing(error)) throw error;
    });
    if (names === undefined) return [ok(`there is no store at ${folder.store} yet`)];
    const left = names.filter((name) => name.startsWith(SCRATCH_PREFIX));
    return [...judgeLeft(folder.store, left), await tryStore(deps)];
  },
};

function judgeLeft(store: string, left: readonly string[]): Finding[] {
  if (left.length === 0) return [];
  return [
    warning('scratch-left', {
      found: `scratch areas of a doctor are in ${store}: ${some(left)}`,
      means: 'another doctor runs now, or one was killed; they take space and do no harm',
      advice: `if no other doctor runs, remove them: rm -r ${store}/${SCRATCH_PREFIX}*`,
    }),
  ];
}

async function tryStore(deps: Deps): Promise<Finding> {
  const { folder, random, machine } = deps;
  try {
    await withScratch(deps, folder.store, async (area) => {
      await prepareDiskStore(area, deps.fs);
      const engine = machine.nativeHash(() => {}) ?? nodeHash;
      const store = new DiskStore(area, random, engine, { fs: deps.fs });
      try {
        for (const size of SIZES) await tryBlob(store, random, size, machine.clocks().wallMs);
        await tryNote(store);
        await tryJournal(store);
      } finally {
        await store.close();
      }
    });
  } catch (error) {
    return fault('store-fails', {
      found: `blobs cannot be kept below ${folder.store}: ${(error as Error).message}`,
      means: 'uploads fail, or what is stored cannot be read back',
      advice:
        'look at the disk, its mount options and the kernel log; the store needs a local file system with hard links',
    });
  }
  return ok(
    `blobs, a note and a journal entry were written below ${join(folder.store, SCRATCH_PREFIX)}…, read back and removed`,
  );
}

/** @throws Error when another blob is read than was written. */
async function tryBlob(
  store: DiskStore,
  random: RandomBytes,
  size: number,
  createdMs: number,
): Promise<void> {
  const bytes = random(size);
  const writer = await store.create(size);
  await writer.write([bytes]);
  const { linearHash } = await writer.digest();
  requireSame('the hash of what was written', linearHash, hash('sha256', bytes));
  const ref = await writer.finish(labelOf(createdMs));
  store.confirm(ref);
  const blob = await store.open(ref);
  const pieces: Buffer[] = [];
  try {
    const { leaves } = blob.description;
    for await (const run of blob.leaves(0, leaves.length / 32 - 1)) {
      pieces.push(Buffer.from(run.bytes));
      const at = run.first * 32;
      const kept = Buffer.from(leaves.subarray(at, at + run.digests.length));
      requireSame(
        'the hash of what was read',
        Buffer.from(run.digests).toString('hex'),
        kept.toString('hex'),
      );
    }
  } finally {
    await blob.close();
  }
  requireSame('what was read', hash('sha256', Buffer.concat(pieces)), linearHash);
  await store.remove(ref);
  const isGone = await store.describe(ref).then(
    () => false,
    (error) => error instanceof BlobMissing,
  );
  if (!isGone) throw new Error(`a blob of ${size} bytes was removed and is still there`);
}

function labelOf(createdMs: number) {
  const vault = { account: '000000000000', region: 'doctor', vault: 'doctor' };
  return {
    kind: 'archive',
    ...vault,
    archiveId: 'doctor',
    description: null,
    createdMs,
    sequence: 0,
    offset: 0,
  } as const;
}

async function tryNote(store: DiskStore): Promise<void> {
  for (const text of ['first', 'second']) {
    await store.putNote('doctor', text);
    requireSame('a note', (await store.note('doctor')) ?? 'none', text);
  }
  await store.removeNote('doctor');
  requireSame('a removed note', (await store.note('doctor')) ?? 'none', 'none');
}

async function tryJournal(store: DiskStore): Promise<void> {
  await store.appendEntries([{ seq: 1, body: { type: 'doctor' } }]);
  const found: number[] = [];
  for await (const { seq } of store.journalEntries()) found.push(seq);
  requireSame('the journal', found.join(), '1');
}

function requireSame(what: string, found: string, wanted: string): void {
  if (found !== wanted) throw new Error(`${what} is ${found} and must be ${wanted}`);
}
