import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { TestContext } from 'node:test';

type FileMethod = 'read' | 'datasync' | 'sync' | 'write' | 'writeFile' | 'appendFile' | 'truncate';

/**
 * Makes a method of every open file of this process fail until the test ends, because a real disk does not fail on
 * demand and the store should not have a seam only for tests.
 */
export async function failFiles(
  t: TestContext,
  method: FileMethod,
  times = Infinity,
  error = diskError('EIO'),
): Promise<{ stop(): void }> {
  let failed = 0;
  return beforeFiles(t, method, async () => {
    if (failed++ < times) throw error;
  });
}

/** An error like those of Node.js, which has no name for an exceeded quota. */
export function diskError(name: 'EIO' | 'ENOSPC' | 'EDQUOT'): Error {
  const errno = -constants.errno[name];
  const code = name === 'EDQUOT' ? `Unknown system error ${errno}` : name;
  return Object.assign(new Error(`${code}: this disk fails, write '/a/path'`), { code, errno });
}

/** Until the test ends, runs `before` ahead of each call of a method on any open file (`this`) of this process. */
export async function beforeFiles(
  t: TestContext,
  method: FileMethod,
  run: (this: unknown) => Promise<void>,
): Promise<{ stop(): void }> {
  const file = await open(import.meta.filename, 'r');
  const every = Object.getPrototypeOf(file) as Record<FileMethod, (...args: unknown[]) => Promise<unknown>>;
  await file.close();
  const real = every[method];
  const { mock } = t.mock.method(every, method, async function (this: unknown, ...args: unknown[]) {
    await Reflect.apply(run, this, []);
    return Reflect.apply(real, this, args);
  });
  return { stop: () => mock.restore() };
}
