import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { AuditFolder } from '../../test/support/audit-tamper.ts';
import { openAnchor, sealAnchor } from './anchor.ts';
import { ChainKey } from './chain.ts';
import { digestOf, formatHeadLine, parseHeadLine } from './head-line.ts';

const KEY = new ChainKey(Buffer.alloc(32, 5));
const AT_MS = Date.UTC(2026, 10, 27, 20, 0, 0);

async function folderFor(t: TestContext): Promise<AuditFolder> {
  const folder = await AuditFolder.make();
  t.after(() => folder.remove());
  return folder;
}

async function faultsOf(folder: AuditFolder): Promise<string> {
  return (await folder.verify()).problems
    .map(({ file, line, fault }) => `${file}:${line}: ${fault}`)
    .join('\n');
}

/** A chain of four events, anchored in these places and then replaced by an earlier copy with two. */
async function setBack(folder: AuditFolder, places: readonly ('store' | 'catalog')[]): Promise<void> {
  await folder.fill('c', 2);
  const files = await Promise.all(
    (await folder.names()).map(async (name) => [name, await readFile(folder.file(name))] as const),
  );
  const log = await folder.reopen('c');
  for (const n of [3, 4]) await log.append({ n });
  await log.close();
  folder.anchor(log, AT_MS, places);
  for (const [name, bytes] of files) await writeFile(folder.file(name), bytes);
}

describe('an earlier copy of a chain together with its head', () => {
  for (const place of ['store', 'catalog'] as const) {
    it(`falls short of the anchor in the ${place}`, async (t) => {
      const folder = await folderFor(t);
      await setBack(folder, place === 'store' ? ['store'] : ['store', 'catalog']);
      assert.match(
        await faultsOf(folder),
        /^c\.000000\.log:2: the log ends at event 2, but the anchor of 2026-11-27T20:00:00\.000Z in the store says 4/,
      );
      if (place === 'store') return;
      // The store's note is an earlier copy too, but the catalog still has the anchor.
      folder.anchors.store.delete('c');
      assert.match(await faultsOf(folder), /the anchor in the store is older than the one in the catalog/);
      assert.match(await faultsOf(folder), /in the catalog says 4/);
    });
  }

  it('passes without anchors, which the report says', async (t) => {
    const folder = await folderFor(t);
    await setBack(folder, []);
    const { problems, anchoredMs, events, anchored } = await folder.verify();
    assert.deepEqual([problems, anchoredMs, events, anchored.store], [[], undefined, 2, 0]);
  });
});

describe('a missing chain', () => {
  it("is detected by the catalog's anchor even without the store's", async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    await log.append({ n: 1 });
    await log.close();
    folder.anchor(log, AT_MS);
    for (const name of await folder.names()) await rm(folder.file(name));
    folder.begun.splice(0);
    assert.match(
      await faultsOf(folder),
      /^c\.head:0: the catalog has an anchor of this chain, but the store has none/,
    );
  });
});

describe('a chain without an anchor', () => {
  it('is a fault if older than the newest anchor, and otherwise reported', async (t) => {
    for (const [eventTime, faults] of [
      [AT_MS - 1000, 1],
      [AT_MS + 1000, 0],
    ] as const) {
      const folder = await folderFor(t);
      const known = folder.open('c');
      await known.append({ eventTime: new Date(AT_MS - 5000).toISOString() });
      await known.close();
      folder.anchor(known, AT_MS);
      const other = folder.open('d');
      await other.append({ eventTime: new Date(eventTime).toISOString() });
      await other.close();
      folder.begun.splice(1);
      const found = await folder.verify();
      assert.equal(found.problems.length, faults);
      assert.deepEqual(found.newer, faults === 0 ? ['d'] : []);
    }
  });
});

describe('an anchor', () => {
  const anchor = { chain: 'c', number: 3, head: { seq: 5, mac: 'a'.repeat(64) }, atMs: AT_MS, closed: true };

  it('opens to what was sealed, but not after any change', () => {
    const text = sealAnchor(KEY, anchor);
    assert.deepEqual(openAnchor(KEY, text), anchor);
    for (const changed of [
      text.replace('"records":5', '"records":4'),
      text.replace('"chain":"c"', '"chain":"d"'),
      text.replace('true', 'false'),
      text.replace('T20', 'T21'),
      text.replace('"number":3', '"number":2'),
      '',
      '{}',
      'null',
    ])
      assert.equal(openAnchor(KEY, changed), undefined, changed);
    assert.equal(openAnchor(KEY, text.replace(/.("})$/, 'é$1')), undefined);
    assert.equal(openAnchor(new ChainKey(Buffer.alloc(32, 6)), text), undefined);
  });

  it('is a fault when it was changed', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    await log.append({ n: 1 });
    await log.close();
    folder.anchor(log, AT_MS);
    for (const place of ['store', 'catalog'] as const) {
      const text = folder.anchors[place].get('c') ?? '';
      folder.anchors[place].set('c', text.replace('"records":1', '"records":0'));
      assert.match(await faultsOf(folder), new RegExp(`c\\.head:0: the anchor in the ${place} was changed`));
      folder.anchors[place].set('c', text);
    }
    assert.equal(await faultsOf(folder), '');
  });

  it('shows how many events it covers, and its date', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    for (const n of [1, 2, 3]) await log.append({ n });
    await log.close();
    folder.anchor(log, AT_MS);
    const more = await folder.reopen('c');
    await more.append({ n: 4 });
    await more.close();
    const { problems, events, anchored, anchoredMs } = await folder.verify();
    assert.deepEqual([problems, events, anchored, anchoredMs], [[], 4, { store: 3, catalog: 3 }, AT_MS]);
  });
});

describe('the line of `moraine audit head`', () => {
  const position = (number: number, seq: number) => ({
    number,
    chain: `c${number}`,
    head: { seq, mac: `${seq}` },
  });

  it('is parsed to what was printed', () => {
    const open = new Map([
      [2, 7],
      [3, 0],
    ]);
    const digest = digestOf([position(1, 5), position(2, 7)]);
    const line = { atMs: AT_MS, upTo: 3, chains: 2, records: 12, open, digest };
    assert.deepEqual(parseHeadLine(` ${formatHeadLine(line)}\n`), line);
    assert.deepEqual(parseHeadLine(formatHeadLine({ ...line, open: new Map() }))?.open, new Map());
    for (const text of [
      '',
      'moraine-audit-1',
      formatHeadLine(line).slice(0, -1),
      `${formatHeadLine(line)} x`,
      formatHeadLine(line).replace(/ \d{4}-\d\d-\d\dT/, ' 2026-02-30T'),
      formatHeadLine(line).replace(' 2:7,', ' 2:7,2:7,'),
      formatHeadLine(line).replace(' 2:7,', ' 2:9999999999999999,'),
    ])
      assert.equal(parseHeadLine(text), undefined);
  });

  it('does not depend on the order of the chains or on chains without events', () => {
    const [one, two] = [position(1, 5), position(2, 7)];
    assert.equal(digestOf([one, two]), digestOf([two, one, position(3, 0)]));
    assert.notEqual(digestOf([one, two]), digestOf([one, { ...two, head: { ...two.head, mac: 'other' } }]));
  });

  it('holds for a log that has grown, and detects log and anchors that were replaced together', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    await log.append({ n: 1 });
    await log.close();
    folder.anchor(log, AT_MS);
    const early = {
      store: folder.anchors.store.get('c') ?? '',
      catalog: folder.anchors.catalog.get('c') ?? '',
    };
    const files = await Promise.all(
      (await folder.names()).map(async (name) => [name, await readFile(folder.file(name))] as const),
    );
    const more = await folder.reopen('c');
    await more.append({ n: 2 });
    await more.close();
    folder.anchor(more, AT_MS);
    const { headOnDisk: head } = more;
    const line = {
      atMs: AT_MS,
      upTo: 1,
      chains: 1,
      records: 2,
      open: new Map([[1, 2]]),
      digest: digestOf([{ number: 1, chain: 'c', head }]),
    };
    const grown = await folder.reopen('c');
    await grown.append({ n: 3 });
    await grown.close();
    assert.deepEqual((await folder.verify(line)).problems, []);
    assert.match(
      (await folder.verify({ ...line, digest: '0'.repeat(64) })).problems[0]?.fault ?? '',
      /was made from other events than those that are here/,
    );
    for (const [name, bytes] of files) await writeFile(folder.file(name), bytes);
    folder.anchors.store.set('c', early.store);
    folder.anchors.catalog.set('c', early.catalog);
    assert.deepEqual((await folder.verify()).problems, []);
    assert.match(
      (await folder.verify(line)).problems[0]?.fault ?? '',
      /^the expected line of 2026-11-27T20:00:00\.000Z says that chain number 1 had 2 events; 1 are here/,
    );
  });
});
