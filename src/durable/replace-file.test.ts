import assert from 'node:assert/strict';
import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { failFiles } from '../../test/support/failing-disk.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { realFileSystem } from './real-file-system.ts';
import { replaceFile } from './replace-file.ts';

async function folderFor(t: TestContext): Promise<{ folder: string; path: string; temporary: string }> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, 'old');
  return { folder, path, temporary: join(folder, 'file.next') };
}

const descriptors = async () => (await readdir('/proc/self/fd')).length;

describe('replacing a file', () => {
  it('writes the new content, even over what an earlier attempt left', async (t) => {
    const { folder, path, temporary } = await folderFor(t);
    await writeFile(temporary, 'half of something longer');
    await replaceFile(realFileSystem, path, { temporary, write: (file) => file.writeWhole('new') });
    assert.equal(await readFile(path, 'utf8'), 'new');
    assert.deepEqual(await readdir(folder), ['file']);
  });

  it('leaves the old file whole although it also has the temporary name, as after a power cut in a rename', async (t) => {
    const { path, temporary } = await folderFor(t);
    await link(path, temporary);
    const failing = await failFiles(t, 'writeFile');
    const write = (file: { writeWhole(text: string): Promise<void> }) => file.writeWhole('new');
    await assert.rejects(replaceFile(realFileSystem, path, { temporary, write }), { code: 'EIO' });
    failing.stop();
    assert.equal(await readFile(path, 'utf8'), 'old');
  });

  it('flushes the content before the rename, and the folder after it', async (t) => {
    const { path, temporary } = await folderFor(t);
    const steps: string[] = [];
    const rename = (from: string, to: string) => {
      steps.push('rename');
      return realFileSystem.rename(from, to);
    };
    await replaceFile({ ...realFileSystem, rename }, path, {
      temporary,
      write(file) {
        steps.push('write');
        return file.writeWhole('new');
      },
      flush(file) {
        steps.push('flush');
        return file.flush();
      },
      flushNames: async () => void steps.push('flush names'),
    });
    assert.deepEqual(steps, ['write', 'flush', 'rename', 'flush names']);
  });

  for (const method of ['writeFile', 'sync'] as const) {
    it(`leaves the old file and no descriptor when ${method} fails`, async (t) => {
      const { folder, path, temporary } = await folderFor(t);
      const before = await descriptors();
      const failing = await failFiles(t, method);
      const write = (file: { writeWhole(text: string): Promise<void> }) => file.writeWhole('new');
      for (let i = 0; i < 5; i++) {
        await assert.rejects(replaceFile(realFileSystem, path, { temporary, write }), { code: 'EIO' });
      }
      failing.stop();
      assert.equal(await descriptors(), before);
      assert.deepEqual(await readdir(folder), ['file']);
      assert.equal(await readFile(path, 'utf8'), 'old');
    });
  }
});
