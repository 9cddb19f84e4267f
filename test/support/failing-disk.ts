import { open } from 'node:fs/promises';
import type { TestContext } from 'node:test';

type FileMethod = 'datasync' | 'sync' | 'write' | 'appendFile';

/**
 * Lets a method of every open file of this process fail until the test ends: no real disk fails when a test
 * needs it to, and the store must not have a seam only for that.
 */
export async function failFiles(t: TestContext, method: FileMethod, times = Infinity): Promise<void> {
  const file = await open(import.meta.filename, 'r');
  const every = Object.getPrototypeOf(file) as Record<FileMethod, (...args: unknown[]) => Promise<unknown>>;
  await file.close();
  const real = every[method];
  let failed = 0;
  t.mock.method(every, method, function (this: unknown, ...args: unknown[]) {
    if (failed++ >= times) return Reflect.apply(real, this, args);
    return Promise.reject(Object.assign(new Error(`EIO: i/o error, ${method}`), { code: 'EIO' }));
  });
}
