import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorMessage, getSystemErrorName, types } from 'node:util';
import { DIGEST_BYTES, LEAF_BYTES, leafCount } from '../treehash/index.ts';
import type { HashEngine, HashedRead, PairDigest, PairHasher } from './hash-engine.ts';

/** A hasher of the addon, which checks that it gets one of its own. */
type Handle = object;
/** `errno` is 0 or positive, as in C. */
type Done = (errno: number, bytesRead: number) => void;

/** What native/addon.c exports. It checks every argument. */
interface Addon {
  /** Null on a processor without SHA instructions; then every other member is missing. */
  readonly implementation: string | null;
  readonly leavesAtOnce: number;
  readonly pairLeavesAtOnce: number;
  createPairHasher(): Handle;
  updateSync(hasher: Handle, buffers: readonly Uint8Array[]): void;
  update(hasher: Handle, buffers: readonly Uint8Array[], done: Done): void;
  writeAndHash(
    hasher: Handle,
    fd: number,
    position: number,
    buffers: readonly Uint8Array[],
    done: Done,
  ): void;
  /** The linear hash, followed by the leaves. */
  digest(hasher: Handle): Buffer;
  hashLeavesSync(bytes: Uint8Array, target: Uint8Array): void;
  hashLeaves(bytes: Uint8Array, target: Uint8Array, done: Done): void;
  readAndHash(fd: number, position: number, bytes: Uint8Array, target: Uint8Array, done: Done): void;
  alignedBuffer(bytes: number): Buffer;
  /** Present with glibc only. */
  giveBackMemory?(): void;
}

/**
 * Loads the native engine: the package's prebuilt one for this platform, or else the one that `native/build.mjs` built.
 * @param report called with one line for each unusable file, or once if there is no file.
 * @returns undefined unless an engine loads, runs on this processor and computes correct hashes.
 */
export function loadNativeHash(report: (why: string) => void = () => {}): HashEngine | undefined {
  const require = createRequire(import.meta.url);
  const files = candidates().filter((file) => existsSync(file));
  if (files.length === 0) report(`no native hash is installed for ${process.platform}-${process.arch}`);
  for (const file of files) {
    try {
      const addon = require(file) as Addon;
      if (addon.implementation === null) {
        report('the native hash is not used: it knows no SHA instructions of this processor');
        return undefined;
      }
      const engine = new NativeHash(addon, addon.implementation);
      if (hashesRightly(engine)) return engine;
      report(`${file} is not used: it gives wrong hashes`);
    } catch (error) {
      report(`${file} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return undefined;
}

/** Files in the package's folder: the nearest one above with a package.json, for src/ and dist/ alike. */
function candidates(): string[] {
  const platform = `${process.platform}-${process.arch}`;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  const native = join(folder, 'native');
  return [join(native, 'prebuilds', `${platform}.node`), join(native, 'build', `sha256.${platform}.node`)];
}

/** Byte i of the test data is (i * 7919 + (i >> 10)) mod 256: no two consecutive blocks are equal. */
const SELF_TEST_BYTES = LEAF_BYTES + 8191;
const SELF_TEST = {
  linear: '14c8a146c23a1fbb7ae6e727d0867a2e5b7d10842695419748ff860e26719ad9',
  leaves: [
    '2296d5a64c7af25c9d06164302438e064371d19867117c74b8e042c23629c32f',
    '2157bda539c606137f8968d595176089ed1cfdf92e2322432d7fab75f7174de5',
  ].join(''),
};

/**
 * Tests every kernel but the wide ones: one state, the pair, and two leaves together. The addon compares the wide ones
 * with these when it is loaded.
 */
function hashesRightly(engine: HashEngine): boolean {
  const bytes = new Uint8Array(SELF_TEST_BYTES);
  for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7919 + (i >> 10);
  const hasher = engine.createPairHasher();
  // Cut within a block, to test joining it.
  hasher.updateSync([bytes.subarray(0, 1001), bytes.subarray(1001)]);
  const { linear, leaves } = hasher.digest();
  return (
    linear.toString('hex') === SELF_TEST.linear &&
    leaves.toString('hex') === SELF_TEST.leaves &&
    engine.hashLeavesSync(bytes).toString('hex') === SELF_TEST.leaves
  );
}

class NativeHash implements HashEngine {
  readonly name: string;
  readonly offMainThread = true;
  readonly leavesAtOnce: number;
  readonly pairLeavesAtOnce: number;
  readonly giveBackMemory: (() => void) | undefined;
  readonly #addon: Addon;

  constructor(addon: Addon, name: string) {
    this.#addon = addon;
    this.giveBackMemory = addon.giveBackMemory;
    this.leavesAtOnce = addon.leavesAtOnce;
    this.pairLeavesAtOnce = addon.pairLeavesAtOnce;
    this.name = name;
  }

  createPairHasher(): PairHasher {
    return new NativePairHasher(this.#addon);
  }

  alignedBuffer(bytes: number): Buffer {
    return this.#addon.alignedBuffer(bytes);
  }

  hashLeavesSync(bytes: Uint8Array): Buffer {
    const leaves = leavesOf(bytes);
    this.#addon.hashLeavesSync(bytes, leaves);
    return leaves;
  }

  hashLeaves(bytes: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const leaves = leavesOf(bytes);
      requireFixed(bytes);
      this.#addon.hashLeaves(bytes, leaves, (errno) =>
        errno === 0 ? resolve(leaves) : reject(systemError(errno, 'hash')),
      );
    });
  }

  readAndHash(fd: number, position: number, target: Uint8Array): Promise<HashedRead> {
    return new Promise((resolve, reject) => {
      const leaves = leavesOf(target);
      requireFixed(target);
      this.#addon.readAndHash(fd, position, target, leaves, (errno, bytesRead) => {
        if (errno !== 0) reject(systemError(errno, 'pread'));
        else resolve({ bytesRead, leaves: leaves.subarray(0, leafCount(bytesRead) * DIGEST_BYTES) });
      });
    });
  }
}

class NativePairHasher implements PairHasher {
  readonly #addon: Addon;
  readonly #handle: Handle;

  constructor(addon: Addon) {
    this.#addon = addon;
    this.#handle = addon.createPairHasher();
  }

  updateSync(buffers: readonly Uint8Array[]): void {
    this.#addon.updateSync(this.#handle, buffers);
  }

  update(buffers: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      requireAllFixed(buffers);
      this.#addon.update(this.#handle, buffers, (errno) =>
        errno === 0 ? resolve() : reject(systemError(errno, 'hash')),
      );
    });
  }

  writeAndHash(fd: number, position: number, buffers: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => {
      requireAllFixed(buffers);
      this.#addon.writeAndHash(this.#handle, fd, position, buffers, (errno) =>
        errno === 0 ? resolve() : reject(systemError(errno, 'pwritev')),
      );
    });
  }

  digest(): PairDigest {
    const both = this.#addon.digest(this.#handle);
    return { linear: both.subarray(0, DIGEST_BYTES), leaves: both.subarray(DIGEST_BYTES) };
  }
}

/** Allocates the digests of `bytes`. Any argument is accepted here: the addon rejects what is not a Uint8Array. */
function leavesOf(bytes: Uint8Array): Buffer {
  return Buffer.allocUnsafe(leafCount(bytes?.byteLength || 0) * DIGEST_BYTES);
}

/** A buffer that shrinks during a job would crash the process, and the addon cannot detect it. */
function requireFixed(bytes: Uint8Array): void {
  const buffer = bytes?.buffer;
  if (types.isArrayBuffer(buffer) && buffer.resizable) {
    throw new TypeError('bytes of a resizable ArrayBuffer cannot be hashed on the thread pool');
  }
}

function requireAllFixed(buffers: readonly Uint8Array[]): void {
  if (Array.isArray(buffers)) buffers.forEach(requireFixed);
}

/** Makes an error as node:fs does, from a positive errno. */
function systemError(errno: number, syscall: string): Error {
  const code = getSystemErrorName(-errno);
  const error = new Error(`${code}: ${getSystemErrorMessage(-errno)}, ${syscall}`);
  return Object.assign(error, { errno: -errno, code, syscall });
}
