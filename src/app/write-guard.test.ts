import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ManualTimers } from '../../test/support/manual-timers.ts';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { eventually } from '../../test/support/poll.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { StoreFailure } from '../domain/blob-store.ts';
import { createLogger, type Logger } from '../log.ts';
import { CommitKeeper } from './commit-keeper.ts';
import { ClaimWatch, type FolderClaims } from './folder-claims.ts';
import { StampSource } from './stamp-source.ts';
import { startGuards, WriteGuard } from './write-guard.ts';

const LINK = { catalogId: 'c', storeId: 's', generation: 4, commitNumber: 9 };

async function lockedFiles(
  t: TestContext,
): Promise<{ folder: string; paths: [string, string]; watch: ClaimWatch }> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'store'));
  const paths: [string, string] = [join(folder, 'lock.sqlite'), join(folder, 'store', 'lock.sqlite')];
  for (const path of paths) await writeFile(path, '');
  return { folder, paths, watch: new ClaimWatch(paths) };
}

describe('the watch over the claims', () => {
  it('detects a removed or replaced claim file, and a removed or replaced folder', async (t) => {
    const { folder, paths, watch } = await lockedFiles(t);
    assert.equal(await watch.findLost(), undefined);
    // The first file still exists under another name, as if a server had it open.
    await rename(paths[0], join(folder, 'kept'));
    assert.equal(await watch.findLost(), paths[0]);
    await writeFile(paths[0], '');
    assert.equal(await watch.findLost(), paths[0]);
    await rename(join(folder, 'kept'), paths[0]);
    assert.equal(await watch.findLost(), undefined);
    await rename(join(folder, 'store'), join(folder, 'moved'));
    assert.equal(await watch.findLost(), paths[1]);
    await mkdir(join(folder, 'store'));
    await writeFile(paths[1], '');
    assert.equal(await watch.findLost(), paths[1]);
  });
});

describe('the guard of a server', () => {
  const guardOver = (lost: string | undefined, generation: number) =>
    new WriteGuard({
      claims: { findLost: async () => lost },
      catalog: { storeLink: async () => ({ ...LINK, generation }) },
      generation: 4,
    });

  it('reports nothing while the server holds its claims', async () => {
    assert.equal(await guardOver(undefined, 4).check(), undefined);
  });

  it('reports what was lost, without a path in the reason that clients see', async () => {
    const lost = await guardOver('/d/lock.sqlite', 4).check();
    assert.deepEqual(lost?.found, { path: '/d/lock.sqlite' });
    assert.match(lost.reason, /removed or replaced/);
    assert.doesNotMatch(lost.reason, /\/d/);
    const taken = await guardOver(undefined, 5).check();
    assert.deepEqual(taken?.found, { generation: 4, taken: 5 });
  });
});

describe('the guards of a server', () => {
  it("report once that the primary's store has failed, so that every process stops writing", async (t) => {
    const { paths } = await lockedFiles(t);
    const found: string[] = [];
    const stampSource = new StampSource(4);
    const parts = {
      blobs: { failure: () => new StoreFailure('a flush failed') },
      catalog: { storeLink: async () => LINK },
      claims: { watch: () => new ClaimWatch(paths) } as FolderClaims,
      keeper: {} as CommitKeeper,
      stampSource,
    };
    const guards = startGuards(parts, createLogger('silent', {}), {
      onFenced: ({ reason }) => void found.push(`fenced: ${reason}`),
      onFailed: (reason) => void found.push(reason),
    });
    await eventually('the failure is seen', async () => found.length > 0);
    for (const guard of guards) await guard.stop();
    assert.deepEqual(found, ['a flush failed']);
  });
});

describe('the keeper of the commit number', () => {
  /** A catalog whose number can be raised, and a store that may refuse the note. */
  function setUp({ countsCommits }: { countsCommits: boolean }) {
    const blobs = new MemoryStore();
    const state = { number: 0, fails: false, isUnknown: false };
    let known = 0;
    const catalog = {
      // On SQLite, the process that notes the number also counts the commits.
      knownCommitNumber: () => (countsCommits ? state.number : known),
      storeLink: async () => ({ ...LINK, commitNumber: state.number }),
      raiseCommitNumber: async ({ beyond }: { beyond: number }) => {
        state.number = Math.max(state.number, beyond) + 1;
        if (state.isUnknown) throw new Error('the commit was not confirmed');
        known = state.number;
        return state.number;
      },
    };
    const refusing = {
      noteCommitNumber: async (number: number) => {
        if (state.fails) throw new Error('full');
        await blobs.noteCommitNumber(number);
      },
    };
    const stampSource = new StampSource(1);
    stampSource.follow(catalog);
    const keeper = new CommitKeeper({ catalog, blobs: refusing, stampSource, countsCommits }, 0);
    return { blobs, state, stampSource, keeper };
  }

  it('notes the number of a catalog that counts commits, without raising it', async () => {
    const { blobs, state, stampSource, keeper } = setUp({ countsCommits: true });
    state.number = 7;
    stampSource.onWrite();
    await keeper.keep();
    assert.deepEqual([await blobs.lastCommitNumber(), state.number], [7, 7]);
  });

  it('raises and notes the number after writes only', async () => {
    const { blobs, state, stampSource, keeper } = setUp({ countsCommits: false });
    await keeper.keep();
    assert.equal(state.number, 0);
    for (const wrote of [() => stampSource.onWrite(), () => keeper.onWrite()]) {
      const before: number = state.number;
      wrote();
      for (let i = 0; i < 2; i++) await keeper.keep();
      assert.deepEqual([await blobs.lastCommitNumber(), state.number], [before + 1, before + 1]);
    }
  });

  it('lets the catalog be at most one ahead of the note, however often the note fails', async () => {
    const { blobs, state, stampSource, keeper } = setUp({ countsCommits: false });
    stampSource.onWrite();
    await keeper.keep();
    state.fails = true;
    for (let i = 0; i < 5; i++) {
      stampSource.onWrite();
      await assert.rejects(keeper.keep());
    }
    assert.deepEqual([await blobs.lastCommitNumber(), state.number], [1, 2]);
    state.fails = false;
    await keeper.keep();
    assert.deepEqual([await blobs.lastCommitNumber(), state.number], [3, 3]);
  });

  it('lets the catalog be at most one ahead when the database does not confirm its commits', async () => {
    const { blobs, state, stampSource, keeper } = setUp({ countsCommits: false });
    state.isUnknown = true;
    for (let i = 0; i < 5; i++) {
      stampSource.onWrite();
      await assert.rejects(keeper.keep());
      assert.ok(state.number - (await blobs.lastCommitNumber()) <= 1, `after ${i + 1} times`);
    }
    state.isUnknown = false;
    await keeper.keep();
    assert.equal(await blobs.lastCommitNumber(), state.number);
  });
});

describe('the guards of a server whose catalog and store are unreachable', () => {
  it('report that once, however often they check', async (t) => {
    const timers = ManualTimers.install(t);
    let tries = 0;
    const away = async (): Promise<never> => {
      tries++;
      throw new Error('away');
    };
    const lines: unknown[] = [];
    const log = { error: (fields: object, text: string) => lines.push([fields, text]) } as unknown as Logger;
    const stampSource = new StampSource(4);
    const guards = startGuards(
      {
        blobs: { failure: () => undefined },
        catalog: { storeLink: away },
        claims: { watch: () => ({ findLost: async () => undefined }) },
        keeper: { keep: away },
        stampSource,
      },
      log,
      {
        onFenced: () => assert.fail('nothing was taken over'),
        onFailed: () => assert.fail('no flush failed'),
      },
    );
    for (let i = 0; i < 10; i++) {
      timers.pass(1000);
      await setImmediate();
    }
    for (const guard of guards) await guard.stop();
    assert.equal(tries, 20);
    assert.equal(lines.length, 2);
  });
});
