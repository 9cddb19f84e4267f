import assert from 'node:assert/strict';
import { it } from 'node:test';
import { allGarbage, countDone, declare, type NewCustomer, refused } from './customer.ts';

export function writesAtOnce(customer: NewCustomer): void {
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);

  it('of parts of one upload all take effect', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const put = await Promise.all(range(50).map((i) => c.putPart(upload, i)));
    assert.equal((await c.complete(upload, declare(put))).kind, 'completed');
  });

  it('of one part keep the greatest sequence and make 49 blobs garbage', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const put = await Promise.all(
      range(50).map((i) => c.putPart(upload, 0, { sequence: 1 + ((i * 7) % 50) })),
    );
    const winner = put.find(({ sequence }) => sequence === 50);
    assert.deepEqual(await c.catalog.partRefs(upload.no, 9), [winner?.ref]);
    const losers = (await allGarbage(c.catalog)).filter(({ ref }) => put.some((part) => part.ref === ref));
    assert.equal(new Set(losers.map(({ ref }) => ref)).size, 49);
    assert.equal(losers.length, 49);
  });

  it('of parts and a Complete put each part into the archive or refuse it', async () => {
    const c = customer();
    const vault = await c.makeVault();
    for (let round = 0; round < 5; round++) {
      const upload = await c.startUpload(vault);
      const first = await c.putPart(upload, 0);
      // The content stays the same, so the declared hash is right whether a part arrives before or after the Complete.
      const again = () => c.putPart(upload, 0, { treeHash: first.treeHash });
      const puts = range(25).map(again);
      const completing = c.complete(upload, declare([first]));
      puts.push(...range(25).map(again));
      assert.equal((await completing).kind, 'completed');
      const settled = await Promise.allSettled(puts);
      const stored = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value.ref] : []));
      assert.equal(await countDone('not-found', puts), stored.length);
      const counting = await c.catalog.partRefs(upload.no, 9);
      const lost = new Set((await allGarbage(c.catalog)).map(({ ref }) => ref));
      assert.equal(counting.length, 1);
      for (const ref of [first.ref, ...stored]) assert.notEqual(lost.has(ref), counting.includes(ref), ref);
    }
    assert.equal((await c.vault()).archives, 5);
  });

  it('of a Complete make one archive and return one id', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const { upload, declared } = await c.uploadOf(vault, 3);
    const outcomes = await Promise.all(range(20).map(() => c.complete(upload, declared)));
    for (const outcome of outcomes) assert.deepEqual(outcome, outcomes[0]);
    const { archives: count, bytes } = await c.vault();
    assert.deepEqual([count, bytes], [1, declared.size]);
  });

  it('of a Complete and an Abort let exactly one succeed', async () => {
    const c = customer();
    const vault = await c.makeVault();
    for (let round = 0; round < 6; round++) {
      const { upload, declared } = await c.uploadOf(vault, 1);
      const attempts = [() => c.complete(upload, declared), () => c.abort(upload)];
      if (round % 2) attempts.reverse();
      const { archives: before } = await c.vault();
      const done = await countDone(
        'not-found',
        attempts.map((attempt) => attempt()),
      );
      assert.equal(done, 1);
      const archive = await c.catalog.findArchive(vault.no, upload.archiveId);
      const aborted = (await allGarbage(c.catalog)).some(({ uploadNo }) => uploadNo === upload.no);
      assert.notEqual(archive !== undefined, aborted);
      assert.equal((await c.vault()).archives, before + (archive ? 1 : 0));
    }
  });

  it('of archives are all counted', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const added = await Promise.all(range(60).map((i) => c.addArchive(vault, { size: i + 1 })));
    await Promise.all(added.slice(0, 30).map((archive) => c.deleteArchive(archive)));
    const { archives: count, bytes } = await c.vault();
    assert.deepEqual([count, bytes], [30, (60 * 61) / 2 - (30 * 31) / 2]);
  });

  it('of one deletion succeed once', async () => {
    const c = customer();
    const archive = await c.addArchive(await c.makeVault());
    const done = await Promise.all(range(10).map(() => c.deleteArchive(archive)));
    assert.equal(done.filter(Boolean).length, 1);
    assert.equal((await allGarbage(c.catalog)).filter(({ ref }) => ref === archive.ref).length, 1);
    assert.equal((await c.vault()).archives, 0);
  });

  it('of archives and of their vault’s deletion leave no archive in a deleted vault', async () => {
    const c = customer();
    for (let round = 0; round < 8; round++) {
      const vault = await c.makeVault();
      const archives = range(8).map(() => c.newArchive(vault.no));
      const adds = archives.map((archive) => () => c.catalog.addArchive(archive));
      const start = () => c.startUpload(vault).catch(() => c.goneVault());
      const deleting = { done: Promise.resolve(false) };
      const attempts = [...adds, start];
      attempts.splice(round, 0, async () => {
        deleting.done = c.deleteVault();
        await deleting.done.catch(() => {});
      });
      const settled = await Promise.allSettled(attempts.map((attempt) => attempt()));
      const isDeleted = await deleting.done.catch(() => false);
      const there = await Promise.all(archives.map(({ id }) => c.catalog.findArchive(vault.no, id)));
      const count = there.filter((archive) => archive !== undefined).length;
      if (isDeleted) assert.equal(count, 0, 'an archive is in a deleted vault');
      else assert.equal((await c.vault()).archives, count);
      const refusals = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      for (const reason of refusals) await refused('not-found', Promise.reject(reason));
      if (isDeleted)
        assert.equal((await c.catalog.listUploads(vault.no, { after: null, limit: 9 })).rows.length, 0);
      for (const archive of isDeleted ? [] : archives) await c.deleteArchive(archive);
    }
  });

  it('of one vault create it once and delete it once', async () => {
    const c = customer();
    await Promise.all(range(10).map(() => c.makeVault()));
    const { rows } = await c.catalog.listVaults(c.owner, { after: null, limit: 9 });
    assert.equal(rows.length, 1);
    const done = await Promise.all(range(10).map(() => c.deleteVault()));
    assert.equal(done.filter(Boolean).length, 1);
  });

  it('of many vaults stay within the limit', async () => {
    const c = customer();
    const made = range(20).map((i) => c.makeVault(`v${i}`, { limit: 5 }));
    assert.equal(await countDone('limit-reached', made), 5);
  });

  it('of tags stay within the limit of 50', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    const tagsOf = (n: number) => Object.fromEntries(range(10).map((i) => [`key ${n} ${i}`, 'v']));
    const added = range(8).map((n) => c.catalog.addTags({ vaultNo, tags: tagsOf(n) }));
    assert.equal(await countDone('limit-reached', added), 5);
    assert.equal(Object.keys(await c.catalog.tagsOf(vaultNo)).length, 50);
  });

  it('of an upload’s expiry and a part: either the part keeps the upload or it is refused', async () => {
    const c = customer();
    const vault = await c.makeVault();
    for (let round = 0; round < 6; round++) {
      const upload = await c.startUpload(vault, { createdMs: 100 });
      const attempts = [
        () => c.putPart(upload, 0, {}, 900).then(() => true),
        () => c.catalog.expireUpload({ uploadNo: upload.no, beforeMs: 500, nowMs: 900 }).then(() => true),
      ];
      if (round % 2) attempts.reverse();
      const [stored] = (await Promise.allSettled(attempts.map((attempt) => attempt())))
        .map(({ status }) => status === 'fulfilled')
        .sort();
      const open = await c.catalog.findUpload(vault.no, upload.id);
      assert.equal(open !== undefined, stored);
    }
  });
}
