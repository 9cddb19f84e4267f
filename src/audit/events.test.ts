import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { AuditFolder } from '../../test/support/audit-tamper.ts';
import { listEvents } from './events.ts';
import { type AuditFilter, matches } from './filter.ts';

async function folderFor(t: TestContext): Promise<AuditFolder> {
  const folder = await AuditFolder.make();
  t.after(() => folder.remove());
  return folder;
}

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

async function fill(folder: AuditFolder, chain: string, seconds: readonly number[]): Promise<void> {
  const log = folder.open(chain, 300);
  for (const second of seconds) await log.append({ eventTime: at(second), second });
  await log.close();
}

async function secondsIn(folder: AuditFolder): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const event of listEvents(folder.path)) found.push(event['second']);
  return found;
}

describe('the events of a log', () => {
  it('come in order of time, from concurrent and consecutive chains', async (t) => {
    const folder = await folderFor(t);
    await fill(folder, 'b', [1, 4, 5, 9, 20]);
    await fill(folder, 'a', [2, 3, 6, 21]);
    await fill(folder, 'c', [30, 31]);
    await fill(folder, 'd', []);
    await fill(folder, 'e', [0]);
    assert.deepEqual(await secondsIn(folder), [0, 1, 2, 3, 4, 5, 6, 9, 20, 21, 30, 31]);
  });

  it('keep the order of their chain when its time goes back', async (t) => {
    const folder = await folderFor(t);
    await fill(folder, 'a', [5, 2, 7]);
    await fill(folder, 'b', [1, 6]);
    assert.deepEqual(await secondsIn(folder), [1, 5, 2, 6, 7]);
  });

  it('are all read despite an invalid line, which is reported', async (t) => {
    const folder = await folderFor(t);
    await fill(folder, 'a', [1]);
    await appendFile(folder.file('a.000000.log'), 'rubbish\n');
    const [found, bad]: [unknown[], string[]] = [[], []];
    for await (const event of listEvents(folder.path, (file, line) => bad.push(`${file}:${line}`)))
      found.push(event['second']);
    assert.deepEqual([found, bad], [[1], ['a.000000.log:2']]);
  });

  it('are empty if the folder is missing', async () => {
    const found = [];
    for await (const event of listEvents('/nonexistent/audit')) found.push(event);
    assert.deepEqual(found, []);
  });
});

describe('a filter', () => {
  const event = {
    eventTime: at(10),
    eventName: 'DeleteArchive',
    awsRegion: 'us-east-1',
    recipientAccountId: '111122223333',
    userIdentity: {
      type: 'IAMUser',
      arn: 'arn:aws:iam::111122223333:user/amy',
      userName: 'amy',
      accessKeyId: 'AKIAX',
      accountId: '111122223333',
    },
    requestParameters: { vaultName: 'photos' },
  };
  const cases: readonly [AuditFilter, boolean][] = [
    [{}, true],
    [{ fromMs: Date.parse(at(10)) }, true],
    [{ fromMs: Date.parse(at(10)) + 1 }, false],
    [{ toMs: Date.parse(at(10)) }, false],
    [{ toMs: Date.parse(at(10)) + 1 }, true],
    [{ action: 'DeleteArchive' }, true],
    [{ action: 'UploadArchive' }, false],
    [{ caller: 'amy' }, true],
    [{ caller: 'AKIAX' }, true],
    [{ caller: 'arn:aws:iam::111122223333:user/amy' }, true],
    [{ caller: '111122223333' }, true],
    [{ caller: 'am' }, false],
    [{ vault: 'photos' }, true],
    [{ vault: 'photo' }, false],
    [{ vault: 'arn:aws:glacier:us-east-1:111122223333:vaults/photos' }, true],
    [{ vault: 'arn:aws:glacier:eu-west-1:111122223333:vaults/photos' }, false],
    [{ vault: 'arn:aws:glacier:us-east-1:444455556666:vaults/photos' }, false],
    [{ action: 'DeleteArchive', vault: 'other' }, false],
  ];
  it('passes events that match all its conditions', () => {
    for (const [filter, expected] of cases)
      assert.equal(matches(event, filter), expected, JSON.stringify(filter));
    assert.equal(matches({ eventTime: at(10), requestParameters: null }, { vault: 'photos' }), false);
    assert.equal(matches({ eventTime: at(10) }, { caller: 'amy' }), false);
  });
});
