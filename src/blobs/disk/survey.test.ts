import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SIZES, someBytes, storeBlob } from '../../../test/support/blob-store-contract.ts';
import { readyFolder, storeOver } from '../../../test/support/disk-store.ts';
import { temporaryFolder } from '../../../test/support/server.ts';
import { NoteDamaged } from '../../domain/blob-store.ts';
import { readIdentity, writeIdentity } from './identity.ts';
import { surveyDiskStore } from './survey.ts';

const IDENTITY = { storeId: 'ab'.repeat(16), catalogId: 'cd'.repeat(16), generation: 4, emulator: false };

async function emptyFolder(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function madeStore(t: TestContext): Promise<string> {
  const folder = await readyFolder(t);
  await writeIdentity(folder, IDENTITY, 99);
  return folder;
}

describe('the survey of a disk store', () => {
  it('reports a missing store and what the folder has instead, and creates nothing', async (t) => {
    const folder = await emptyFolder(t);
    const not = join(folder, 'not');
    assert.deepEqual(await surveyDiskStore(not), { kind: 'none', what: 'not there' });
    assert.deepEqual(await surveyDiskStore(folder), { kind: 'none', what: 'empty' });
    await mkdir(join(folder, 'lost+found'));
    assert.deepEqual(await surveyDiskStore(folder), { kind: 'none', what: 'empty' });
    await writeFile(join(folder, 'README'), 'x');
    assert.deepEqual(await surveyDiskStore(folder), { kind: 'none', what: 'no store' });
    assert.deepEqual(await readdir(folder), ['README', 'lost+found']);
  });

  it('treats the leftovers of an interrupted first start as a missing store', async (t) => {
    const folder = await emptyFolder(t);
    for (const name of ['incoming', 'journal', 'blobs', 'blobs/00']) await mkdir(join(folder, name));
    assert.deepEqual(await surveyDiskStore(folder), { kind: 'none', what: 'no store' });
  });

  it('finds a complete store', async (t) => {
    const folder = await madeStore(t);
    const whole = { kind: 'store', formatVersion: 3, identity: IDENTITY, missing: [], knowsOlder: false };
    const start = { commitNumber: 0, lastEntrySeq: 0 };
    assert.deepEqual(await surveyDiskStore(folder), {
      ...whole,
      ...start,
      holdsBlobs: false,
      holdsAnything: false,
    });
    const store = storeOver(t, folder);
    await store.appendEntries([{ seq: 8, body: {} }]);
    await store.noteCommitNumber(70);
    await store.putNote('catalog-older', '{}');
    assert.deepEqual(await surveyDiskStore(folder), {
      ...whole,
      holdsBlobs: false,
      holdsAnything: true,
      commitNumber: 70,
      lastEntrySeq: 8,
      knowsOlder: true,
    });
  });

  for (const [kind, size] of SIZES) {
    it(`reports that there is a ${kind} blob`, async (t) => {
      const folder = await madeStore(t);
      await storeBlob(storeOver(t, folder), someBytes(size));
      const found = await surveyDiskStore(folder);
      assert.ok(found.kind === 'store' && found.holdsBlobs && found.holdsAnything);
    });
  }

  for (const piece of ['format.json', 'identity.json', 'packs', 'blobs', 'blobs/a7', 'journal', 'notes']) {
    it(`reports that ${piece} is missing`, async (t) => {
      const folder = await madeStore(t);
      await rm(join(folder, piece), { recursive: true });
      const found = await surveyDiskStore(folder);
      assert.deepEqual(found.kind === 'store' && found.missing, [piece]);
    });
  }

  it('does not report missing what an older version lacks or what is temporary', async (t) => {
    const folder = await madeStore(t);
    for (const piece of ['packs', 'identity.json', 'incoming', 'aside'])
      await rm(join(folder, piece), { recursive: true });
    await writeFile(join(folder, 'format.json'), '{"format":"moraine-store","version":1}\n');
    const found = await surveyDiskStore(folder);
    assert.deepEqual(found.kind === 'store' && [found.formatVersion, found.missing, found.identity], [
      1,
      [],
      undefined,
    ]);
  });

  it('reports a store of a later version as foreign', async (t) => {
    const folder = await madeStore(t);
    const format = '{"format":"moraine-store","version":4}';
    await writeFile(join(folder, 'format.json'), format);
    assert.deepEqual(await surveyDiskStore(folder), { kind: 'foreign', format });
  });

  it('names an empty or changed file', async (t) => {
    const folder = await madeStore(t);
    for (const name of ['identity.json', 'format.json']) {
      await writeFile(join(folder, name), '');
      await assert.rejects(
        surveyDiskStore(folder),
        (error: Error) => error instanceof NoteDamaged && error.message.includes(join(folder, name)),
      );
    }
  });
});

describe('the identity of a store', () => {
  it('is replaced as a whole', async (t) => {
    const folder = await madeStore(t);
    await writeIdentity(folder, { ...IDENTITY, generation: 5 }, 100);
    assert.deepEqual(await readIdentity(folder), { ...IDENTITY, generation: 5 });
    assert.ok(!(await readdir(folder)).includes('identity.json.next'));
  });
});
