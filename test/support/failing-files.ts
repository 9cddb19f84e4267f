/** Makes chosen files of a separate server fail like a failing disk, by a preloaded library. Linux with a C compiler. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { constants, endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Kinds of system calls: data, flushes, making and removing names, and reads. */
export type FailingCall = 'write' | 'flush' | 'name' | 'read';

const CALLS: Readonly<Record<FailingCall, number>> = { write: 1, flush: 2, name: 4, read: 8 };

/** The layout of `struct order` in failing-disk.c. */
const AT = { calls: 0, error: 4, left: 8, failed: 12, part: 16 };
const ORDER_BYTES = 256;

export interface FailingFiles {
  /** Environment of the server to fail. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on, this many calls of this kind fail on files whose path contains `part`. */
  fail(order: {
    readonly call: FailingCall;
    readonly part: string;
    readonly error: 'EIO' | 'ENOSPC' | 'EMFILE';
    readonly times: number;
  }): void;
  /** Ends it. @returns how many calls failed. */
  heal(): number;
  /** Removes the library and its orders. */
  remove(): void;
}

/** Whether `failingFiles` works here. */
export const canFailFiles =
  process.platform === 'linux' && endianness() === 'LE' && spawnSync('cc', ['--version']).status === 0;

/** Builds the library. @throws Error with the compiler's messages. */
export function failingFiles(): FailingFiles {
  const folder = mkdtempSync(join(tmpdir(), 'moraine-failing-'));
  const library = join(folder, 'failing-disk.so');
  const source = fileURLToPath(new URL('../native/failing-disk.c', import.meta.url));
  const built = spawnSync('cc', ['-shared', '-fPIC', '-O1', source, '-o', library], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`failing-disk.c cannot be built: ${built.stderr}`);
  const orders = join(folder, 'orders');
  const file = openSync(orders, 'w+');
  writeSync(file, Buffer.alloc(ORDER_BYTES), 0, ORDER_BYTES, 0);
  const setCalls = (calls: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(calls);
    writeSync(file, bytes, 0, 4, AT.calls);
  };
  return {
    env: { LD_PRELOAD: library, FAILING_FILES: orders },
    fail({ call, part, error, times }) {
      setCalls(0);
      const rest = Buffer.alloc(ORDER_BYTES - AT.error);
      rest.writeInt32LE(constants.errno[error], AT.error - AT.error);
      rest.writeInt32LE(times, AT.left - AT.error);
      rest.write(part, AT.part - AT.error);
      writeSync(file, rest, 0, rest.length, AT.error);
      setCalls(CALLS[call]);
    },
    heal() {
      setCalls(0);
      const failed = Buffer.alloc(4);
      readSync(file, failed, 0, 4, AT.failed);
      return failed.readUInt32LE();
    },
    remove() {
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}
