import { createHash, type Hash, hash } from 'node:crypto';
import { read, writev } from 'node:fs';
import { types } from 'node:util';
import { DIGEST_BYTES, LEAF_BYTES, leafCount } from '../treehash/index.ts';
import type { HashEngine, HashedRead, PairDigest, PairHasher } from './hash-engine.ts';

/**
 * The engine that is always available: node:crypto, one pass for each hash. Its asynchronous methods also hash on the
 * main thread, because passing bytes to a worker thread costs more than it gains.
 */
export const nodeHash: HashEngine = {
  name: 'node:crypto',
  offMainThread: false,
  leavesAtOnce: 1,
  pairLeavesAtOnce: 1,

  createPairHasher: () => new NodePairHasher(),

  hashLeavesSync(bytes) {
    requireBytes(bytes);
    const leaves = Buffer.allocUnsafe(leafCount(bytes.length) * DIGEST_BYTES);
    for (let i = 0; i * DIGEST_BYTES < leaves.length; i++) {
      const leaf = bytes.subarray(i * LEAF_BYTES, (i + 1) * LEAF_BYTES);
      leaves.set(hash('sha256', leaf, 'buffer'), i * DIGEST_BYTES);
    }
    return leaves;
  },

  async hashLeaves(bytes) {
    return nodeHash.hashLeavesSync(bytes);
  },

  async readAndHash(fd, position, target): Promise<HashedRead> {
    requireBytes(target);
    requirePlace(fd, position);
    let bytesRead = 0;
    while (bytesRead < target.length) {
      const got = await readOnce(fd, target.subarray(bytesRead), position + bytesRead);
      if (got === 0) break;
      bytesRead += got;
    }
    return { bytesRead, leaves: nodeHash.hashLeavesSync(target.subarray(0, bytesRead)) };
  },
};

class NodePairHasher implements PairHasher {
  #leaf: Hash = createHash('sha256');
  /** Undefined within the first leaf, where both hashes are the same. */
  #linear: Hash | undefined;
  #inLeaf = 0;
  readonly #leaves: Buffer[] = [];
  #state: 'ready' | 'busy' | 'spent' = 'ready';

  updateSync(buffers: readonly Uint8Array[]): void {
    requireBuffers(buffers);
    this.#requireReady();
    for (const bytes of buffers) this.#take(bytes);
  }

  async update(buffers: readonly Uint8Array[]): Promise<void> {
    this.updateSync(buffers);
    // Stays busy until the promise resolves, as the native hasher does.
    this.#state = 'busy';
    await new Promise(setImmediate);
    this.#state = 'ready';
  }

  async writeAndHash(fd: number, position: number, buffers: readonly Uint8Array[]): Promise<void> {
    requirePlace(fd, position);
    requireBuffers(buffers);
    this.#requireReady();
    this.#state = 'busy';
    // The thread pool writes while this thread hashes.
    const written = writeAll(fd, position, buffers);
    for (const bytes of buffers) this.#take(bytes);
    try {
      await written;
      this.#state = 'ready';
    } catch (error) {
      this.#state = 'spent';
      throw error;
    }
  }

  digest(): PairDigest {
    this.#requireReady();
    this.#state = 'spent';
    if (this.#inLeaf > 0 || this.#leaves.length === 0) this.#leaves.push(this.#leaf.digest());
    const leaves = Buffer.concat(this.#leaves);
    return { linear: this.#linear?.digest() ?? Buffer.from(leaves), leaves };
  }

  #requireReady(): void {
    if (this.#state === 'busy')
      throw stateError('ERR_HASHER_BUSY', 'the hasher is busy: one update at a time');
    if (this.#state === 'spent') {
      throw stateError('ERR_HASHER_SPENT', 'the hasher gave its digest or failed: make a new one');
    }
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + LEAF_BYTES - this.#inLeaf);
      this.#leaf.update(piece);
      this.#linear?.update(piece);
      this.#inLeaf += piece.length;
      at += piece.length;
      if (this.#inLeaf === LEAF_BYTES) this.#endLeaf();
    }
  }

  #endLeaf(): void {
    this.#linear ??= this.#leaf.copy();
    this.#leaves.push(this.#leaf.digest());
    this.#leaf = createHash('sha256');
    this.#inLeaf = 0;
  }
}

async function writeAll(fd: number, position: number, buffers: readonly Uint8Array[]): Promise<void> {
  let rest = buffers.filter((bytes) => bytes.length > 0);
  let at = position;
  while (rest.length > 0) {
    let written = await writeOnce(fd, rest, at);
    if (written === 0)
      throw Object.assign(new Error('EIO: nothing was written'), { code: 'EIO', syscall: 'writev' });
    at += written;
    // A short write is no error: continue behind what was written.
    let next = 0;
    for (let first = rest[0]; first !== undefined && written >= first.length; first = rest[next]) {
      written -= first.length;
      next++;
    }
    rest = rest.slice(next);
    if (rest[0] !== undefined) rest[0] = rest[0].subarray(written);
  }
}

function writeOnce(fd: number, buffers: readonly Uint8Array[], position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    writev(fd, buffers, position, (error, written) => (error ? reject(error) : resolve(written)));
  });
}

function readOnce(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, 0, target.length, position, (error, got) => (error ? reject(error) : resolve(got)));
  });
}

function requireBytes(bytes: unknown): void {
  if (!types.isUint8Array(bytes)) throw argumentError('bytes must be a Uint8Array');
}

function requireBuffers(buffers: unknown): void {
  if (!Array.isArray(buffers)) throw argumentError('buffers must be an array of Uint8Array');
  buffers.forEach(requireBytes);
}

function requirePlace(fd: unknown, position: unknown): void {
  for (const [name, value] of Object.entries({ fd, position })) {
    if (typeof value !== 'number') throw argumentError(`${name} must be a number`);
    if (!Number.isSafeInteger(value) || value < 0 || (name === 'fd' && value > 0x7fffffff)) {
      throw Object.assign(new RangeError(`${name} is out of range`), { code: 'ERR_OUT_OF_RANGE' });
    }
  }
}

function argumentError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
}

function stateError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
