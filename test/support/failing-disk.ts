import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { TestContext } from 'node:test';

type FileMethod = 'read' | 'datasync' | 'sync' | 'write' | 'writeFile' | 'appendFile' | 'truncate';

/**
 * Makes a method of every open file of this process fail until the test ends: no real disk fails on demand, and the
 * store must not have a seam only for that.
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

/** An error as Node.js makes it: Node.js has no name for a used-up quota. */
export function diskError(name: 'EIO' | 'ENOSPC' | 'EDQUOT'): Error {
  const errno = -constants.errno[name];
  const code = name === 'EDQUOT' ? `Unknown system error ${errno}` : name;
  return Object.assign(new Error(`${code}: this disk fails, write '/a/path'`), { code, errno });
}

/** Runs something before each call of a method of any open file (`this`) of this process, until the test ends. */
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
