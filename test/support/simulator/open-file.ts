import type { OpenFile, OpenMode } from '../../../src/durable/file-system.ts';
import type { HashEngine, HashedRead, PairHasher } from '../../../src/hashing/hash-engine.ts';
import { FileNode } from './file-node.ts';
import type { DiskNode } from './folder-node.ts';
import { type Fault, type Step, type StepKind, type Steps, systemError } from './steps.ts';

/** What a file that is open for writing past the page cache takes. */
const DIRECT_BYTES = 4096;

/** A file or folder that a simulated process has open. */
export class SimulatedFile implements OpenFile {
  readonly #node: DiskNode;
  readonly #path: string;
  readonly #mode: OpenMode;
  readonly #steps: Steps;
  /** Where the next write without a position goes. */
  #position = 0;
  #isOpen = true;

  constructor(node: DiskNode, path: string, mode: OpenMode, steps: Steps) {
    this.#node = node;
    this.#path = path;
    this.#mode = mode;
    this.#steps = steps;
  }

  size(): Promise<number> {
    return this.#run('open', 'fstat', () => (this.#node instanceof FileNode ? this.#node.length : 4096));
  }

  readAt(position: number, length: number): Promise<Buffer> {
    return this.#run('read', 'read', (step, fault) => {
      const bytes = this.#readable(step).read(position, length);
      fault?.garble?.(bytes);
      return bytes;
    });
  }

  readInto(position: number, target: Uint8Array, _least: number): Promise<number> {
    return this.#run('read', 'pread', (step, fault) => {
      const bytesRead = this.#readable(step).readInto(position, target);
      fault?.garble?.(target.subarray(0, bytesRead));
      return bytesRead;
    });
  }

  writeAt(position: number, bytes: Uint8Array): Promise<void> {
    return this.#write((step, fault) => this.#put(step, position, bytes, fault));
  }

  async writeWhole(text: string): Promise<void> {
    await this.#writeNext(Buffer.from(text));
  }

  async append(text: string): Promise<void> {
    await this.#writeNext(Buffer.from(text));
  }

  appendOnce(bytes: Uint8Array): Promise<number> {
    return this.#write((step, fault) => {
      const taken = Math.floor((fault?.share ?? 0) * bytes.length);
      // A disk that becomes full takes the first bytes of a write and reports no error.
      const isShort = fault?.code === 'ENOSPC' && taken > 0;
      this.#put(
        step,
        this.#position,
        isShort ? bytes.subarray(0, taken) : bytes,
        isShort ? undefined : fault,
      );
      this.#position += isShort ? taken : bytes.length;
      return isShort ? taken : bytes.length;
    });
  }

  truncate(length: number): Promise<void> {
    return this.#run('write', 'ftruncate', (step, fault) => {
      if (this.#mode === 'read') throw systemError('EINVAL', step);
      throwFault(step, fault);
      this.#file(step).truncate(length);
    });
  }

  flushData(): Promise<void> {
    return this.#flush('fdatasync');
  }

  flush(): Promise<void> {
    return this.#flush('fsync');
  }

  readAndHash(engine: HashEngine, position: number, target: Uint8Array): Promise<HashedRead> {
    return this.#run('read', 'pread', (step, fault) => {
      const bytesRead = this.#readable(step).readInto(position, target);
      const bytes = target.subarray(0, bytesRead);
      fault?.garble?.(bytes);
      return { bytesRead, leaves: engine.hashLeavesSync(bytes) };
    });
  }

  writeAndHash(hasher: PairHasher, position: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#write((step, fault) => {
      this.#put(
        step,
        position,
        buffers.length === 1 && buffers[0] ? buffers[0] : Buffer.concat(buffers),
        fault,
      );
      hasher.updateSync(buffers);
    });
  }

  close(): Promise<void> {
    const step = { kind: 'close', call: 'close', path: this.#path } as const;
    return this.#steps.run(step, () => {
      this.#isOpen = false;
    });
  }

  #flush(call: string): Promise<void> {
    return this.#run('flush', call, (step, fault) => {
      if (fault?.code === undefined) return this.#node.flush();
      if (fault.survival) this.#node.failFlush(fault.survival);
      throw systemError(fault.code, step);
    });
  }

  #writeNext(bytes: Uint8Array): Promise<number> {
    return this.#write((step, fault) => {
      this.#put(step, this.#position, bytes, fault);
      this.#position += bytes.length;
      return bytes.length;
    });
  }

  #put(step: Step, position: number, bytes: Uint8Array, fault: Fault | undefined): void {
    const file = this.#file(step);
    const isUneven = (length: number): boolean => length % DIRECT_BYTES !== 0;
    if (this.#mode === 'direct' && (isUneven(position) || isUneven(bytes.length)))
      throw systemError('EINVAL', step);
    // Linux writes to the end of a file that is open for appending, whatever the position.
    const at = this.#mode === 'append' ? file.length : position;
    const written = fault?.code === undefined ? bytes : bytes.subarray(0, (fault.share ?? 0) * bytes.length);
    if (written.length > 0) file.write(at, written);
    throwFault(step, fault);
  }

  #write<Result>(effect: (step: Step, fault?: Fault) => Result): Promise<Result> {
    return this.#run('write', 'write', (step, fault) => {
      if (this.#mode === 'read') throw systemError('EBADF', step);
      return effect(step, fault);
    });
  }

  #run<Result>(kind: StepKind, call: string, effect: (step: Step, fault?: Fault) => Result): Promise<Result> {
    const step = { kind, call, path: this.#path };
    return this.#steps.run(step, (fault) => {
      if (!this.#isOpen) throw systemError('EBADF', step);
      if (kind === 'read' || kind === 'open') throwFault(step, fault);
      return effect(step, fault);
    });
  }

  #readable(step: Step): FileNode {
    if (this.#node instanceof FileNode && this.#mode !== 'read') throw systemError('EBADF', step);
    return this.#file(step);
  }

  #file(step: Step): FileNode {
    if (!(this.#node instanceof FileNode)) throw systemError('EISDIR', step);
    return this.#node;
  }
}

function throwFault(step: Step, fault: Fault | undefined): void {
  if (fault?.code !== undefined) throw systemError(fault.code, step);
}
