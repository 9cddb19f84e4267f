import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { AuditFolder, tamperTrials } from '../../test/support/audit-tamper.ts';
import { beforeFiles, diskError, failFiles } from '../../test/support/failing-disk.ts';
import { eventually } from '../../test/support/poll.ts';
import type { AuditEvent } from './chain.ts';
import { listEvents } from './events.ts';

async function folderFor(t: TestContext): Promise<AuditFolder> {
  const folder = await AuditFolder.make();
  t.after(() => folder.remove());
  return folder;
}

async function recordsIn(folder: AuditFolder): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for await (const event of listEvents(folder.path)) events.push(event);
  return events;
}

async function faultsOf(folder: AuditFolder): Promise<string[]> {
  return (await folder.verify()).problems.map(({ file, line, fault }) => `${file}:${line}: ${fault}`);
}

describe('an audit log', () => {
  it('creates no file before its first event', async (t) => {
    const folder = await folderFor(t);
    await folder.open('c').close();
    assert.deepEqual(await folder.names(), []);
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('returns events in order and unchanged, whatever their characters', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    const texts = [
      'plain',
      'a\nb\r\nc',
      '\u2028\u2029\u0085',
      '\ufffd\u{1f600}',
      '\ufeffmark',
      '"\\',
      '\ud800',
    ];
    for (const text of texts) await log.append({ text });
    await log.close();
    assert.deepEqual(
      (await recordsIn(folder)).map(({ text }) => text),
      texts,
    );
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('puts concurrent appends into one chain without a gap', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    await Promise.all(Array.from({ length: 500 }, (_, n) => log.append({ n })));
    await log.close();
    assert.deepEqual(
      (await recordsIn(folder)).map(({ n }) => n),
      Array.from({ length: 500 }, (_, n) => n),
    );
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('leaves no file open when its folder cannot be flushed, however often that is tried', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    const isOpen = async () => (await readdir('/proc/self/fd')).length;
    let flushes = 0;
    // The first flush is for the head's name and the second for the log's; both must fail.
    const failing = await beforeFiles(t, 'sync', async () => {
      if (flushes++ % 3 !== 1) throw diskError('EIO');
    });
    await assert.rejects(log.open());
    const before = await isOpen();
    for (let i = 0; i < 30; i++) await assert.rejects(log.open());
    assert.ok((await isOpen()) <= before + 1, `${await isOpen()} after ${before}`);
    failing.stop();
    await log.append({ n: 1 });
    await log.close();
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('continues in the next file when one is full', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 40, 1000);
    const names = await folder.names();
    assert.ok(names.length > 4, names.join());
    assert.deepEqual(names.slice(0, 3), ['c.000000.log', 'c.000001.log', 'c.000002.log']);
    assert.equal((await recordsIn(folder)).length, 40);
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('is readable only by its owner', async (t) => {
    const { stat } = await import('node:fs/promises');
    const folder = await folderFor(t);
    await folder.fill('c', 1);
    for (const name of await folder.names())
      assert.equal((await stat(folder.file(name))).mode & 0o777, 0o600);
  });

  it('refuses all events after a failed write', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    await log.append({ n: 1 });
    await failFiles(t, 'write', 1);
    await assert.rejects(log.append({ n: 2 }), /EIO/);
    await assert.rejects(log.append({ n: 3 }), /EIO/);
    await log.close();
    const numbers = (await recordsIn(folder)).map(({ n }) => n);
    assert.ok(!numbers.includes(3), numbers.join());
  });

  it('updates its head in the background, even after events without a pause', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    const lanes = Array.from({ length: 40 }, async (_, first) => {
      for (let n = first; n < 2000; n += 40) await log.append({ n });
    });
    await Promise.all(lanes);
    await eventually('the head at the last event', async () =>
      (await readFile(folder.file('c.head'), 'utf8')).startsWith('000000000002000 '),
    );
    await log.close();
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('updates its head to the last event on close, even during another update', async (t) => {
    for (let lines = 1; lines <= 4; lines++) {
      const folder = await folderFor(t);
      const log = folder.open('c');
      for (let n = 0; n < lines; n++) await log.append({ n });
      await log.close();
      assert.match(await readFile(folder.file('c.head'), 'utf8'), new RegExp(`^0{14}${lines} `));
    }
  });

  it('does not begin a chain that cannot be anchored', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c', undefined, () => Promise.reject(new Error('the store is full')));
    await assert.rejects(log.append({ n: 1 }), /the store is full/);
    await log.close();
    assert.deepEqual(await recordsIn(folder), []);
    assert.deepEqual(await faultsOf(folder), []);
  });
});

describe('after a crash, no fault is', () => {
  it('a head without lines, anchored or not', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 1);
    const other = await folderFor(t);
    const key = await readFile(folder.file('c.head'));
    await writeFile(other.file('d.head'), key.subarray(0, 50));
    assert.deepEqual(await faultsOf(other), []);
  });

  it('a torn last line', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 5, 200);
    const last = (await folder.names()).filter((name) => name.endsWith('.log')).at(-1) ?? '';
    await appendFile(folder.file(last), '0123456789abcdef 6 {"eventName"');
    assert.deepEqual(await faultsOf(folder), []);
  });

  it('a whole line beyond the head', async (t) => {
    const folder = await folderFor(t);
    const log = folder.open('c');
    await log.append({ n: 1 });
    await log.append({ n: 2 });
    await log.append({ n: 3 });
    const early = await readFile(folder.file('c.head'));
    await log.append({ n: 4 });
    await log.close();
    await writeFile(folder.file('c.head'), early);
    assert.deepEqual(await faultsOf(folder), []);
  });
});

describe('a fault', () => {
  it('is a whole line that does not follow the one before it, even beyond the head', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 3);
    await appendFile(folder.file('c.000000.log'), `${'0'.repeat(64)} 4 {}\n`);
    assert.match(
      (await faultsOf(folder)).join(),
      /^c\.000000\.log:4: this line does not follow the one before it/,
    );
  });

  it('is a torn line with a file after it', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 20, 300);
    const { length } = await readFile(folder.file('c.000000.log'));
    await truncate(folder.file('c.000000.log'), length - 5);
    assert.match((await faultsOf(folder)).join(), /^c\.000000\.log/);
  });

  it('is reported with its file and line', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 10);
    const lines = (await readFile(folder.file('c.000000.log'), 'utf8')).split('\n');
    await writeFile(folder.file('c.000000.log'), lines.toSpliced(3, 1).join('\n'));
    assert.match((await faultsOf(folder)).join(), /^c\.000000\.log:4: /);
    await writeFile(folder.file('c.000000.log'), lines.slice(0, 5).join('\n'));
    assert.match((await faultsOf(folder)).join(), /this line|the log ends at event 4, but 10 were written/);
  });

  it('is a chain without an anchor in the store, and a missing chain', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('c', 2);
    await folder.fill('d', 2);
    folder.begun.splice(0, 1);
    assert.deepEqual(await faultsOf(folder), ['c.head:0: the store has no anchor of this chain']);
    for (const name of ['d.head', 'd.000000.log']) await rm(folder.file(name));
    assert.match((await faultsOf(folder)).join('\n'), /d\.head:0: the head is missing/);
  });

  it('is found in 300 random trials', async () => {
    const { missed } = await tamperTrials(300, 1);
    assert.deepEqual(missed, []);
  });
});
