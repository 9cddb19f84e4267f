import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { AuditFolder } from '../../test/support/audit-tamper.ts';
import { ChainKey } from './chain.ts';
import { commandChains, isOfCommands, wholeEnd } from './command-chain.ts';

const KEY = new ChainKey(Buffer.alloc(32, 5));

async function folderFor(t: TestContext): Promise<AuditFolder> {
  const folder = await AuditFolder.make();
  t.after(() => folder.remove());
  return folder;
}

describe('the chain of commands', () => {
  it('is the latest that exists or is anchored; the next has a new name', () => {
    assert.deepEqual(commandChains(['0123456789abcdef01234567']), { latest: undefined, next: 'commands' });
    assert.deepEqual(commandChains(['commands', 'x']), { latest: 'commands', next: 'commands2' });
    const names = ['commands10', 'commands', 'commands9'];
    assert.deepEqual(commandChains(names), { latest: 'commands10', next: 'commands11' });
    assert.deepEqual([...names, 'command', 'commandsx'].map(isOfCommands), [true, true, true, false, false]);
  });

  it('continues in its last file after its last event', async (t) => {
    const folder = await folderFor(t);
    await folder.fill('commands', 8, 500);
    for (let n = 0; n < 3; n++) {
      const log = await folder.reopen('commands');
      await log.append({ n });
      await log.close();
    }
    const { problems, events } = await folder.verify();
    assert.deepEqual([problems, events], [[], 11]);
  });

  it('is not continued after a torn line, a line beyond its head, or a change of its head', async (t) => {
    for (const damage of [
      (folder: AuditFolder) => appendFile(folder.file('commands.000000.log'), 'torn'),
      (folder: AuditFolder) => appendFile(folder.file('commands.000000.log'), 'whole\n'),
      (folder: AuditFolder) => writeFile(folder.file('commands.000000.log'), ''),
      async (folder: AuditFolder) => {
        const bytes = await readFile(folder.file('commands.head'));
        await writeFile(folder.file('commands.head'), bytes.with(14, 0x39));
      },
    ]) {
      const folder = await folderFor(t);
      await folder.fill('commands', 2);
      assert.equal((await wholeEnd(folder.path, KEY, 'commands'))?.head.seq, 2);
      await damage(folder);
      assert.equal(await wholeEnd(folder.path, KEY, 'commands'), undefined);
    }
  });

  it('does not exist before its first event', async (t) => {
    const folder = await folderFor(t);
    assert.equal(await wholeEnd(folder.path, KEY, 'commands'), undefined);
  });
});
