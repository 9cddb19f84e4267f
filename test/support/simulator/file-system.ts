/** The file system of a simulated process: behaves as node:fs does on Linux, over a simulated disk. */
import type { FileSystem, OpenFile, OpenMode } from '../../../src/durable/file-system.ts';
import { SimulatedDisk } from './disk.ts';
import { FileNode } from './file-node.ts';
import { FolderNode } from './folder-node.ts';
import { SimulatedFile } from './open-file.ts';
import { type Fault, PLAIN_STEPS, type Step, type StepKind, type Steps, systemError } from './steps.ts';

/** Where Node's line reader breaks lines. */
const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/;

export class SimulatedFileSystem implements FileSystem {
  readonly #disk: SimulatedDisk;
  readonly #steps: Steps;

  /** @param steps runs the calls of one process. */
  constructor(disk = new SimulatedDisk(), steps: Steps = PLAIN_STEPS) {
    this.#disk = disk;
    this.#steps = steps;
  }

  open(path: string, mode: OpenMode): Promise<OpenFile> {
    return this.#run(mode === 'read' ? 'open' : 'name', 'open', path, (step) => {
      const { folder, name, node } = this.#disk.place(step);
      if (mode === 'create' && node) throw systemError('EEXIST', step);
      if (node instanceof FolderNode && mode !== 'read') throw systemError('EISDIR', step);
      if (node === undefined && mode === 'read') throw systemError('ENOENT', step);
      const opened = node ?? new FileNode();
      if (node === undefined) folder.set(name, opened);
      return new SimulatedFile(opened, path, mode, this.#steps);
    });
  }

  readFile(path: string): Promise<Buffer> {
    return this.#run('read', 'read', path, (step, fault) => {
      const file = this.#disk.findFile(step);
      const bytes = file.read(0, file.length);
      fault?.garble?.(bytes);
      return bytes;
    });
  }

  async *readLines(path: string): AsyncIterable<string> {
    const lines = (await this.readFile(path)).toString('utf8').split(LINE_ENDS);
    if (lines.at(-1) === '') lines.pop();
    yield* lines;
  }

  stat(path: string): Promise<{ readonly size: number }> {
    return this.#run('open', 'stat', path, (step) => ({ size: sizeOf(this.#disk.find(step)) }));
  }

  link(from: string, to: string): Promise<void> {
    return this.#run('name', 'link', from, (step) => {
      const node = this.#disk.find(step);
      const place = this.#disk.place(step, to);
      if (place.node) throw systemError('EEXIST', step);
      if (!(node instanceof FileNode)) throw systemError('EPERM', step);
      place.folder.set(place.name, node);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#run('name', 'rename', from, (step) => {
      const source = this.#disk.place(step);
      const target = this.#disk.place(step, to);
      const { node } = source;
      if (node === undefined) throw systemError('ENOENT', step);
      if (to.startsWith(`${from}/`)) throw systemError('EINVAL', step);
      // Two names of one file: nothing happens.
      if (target.node === node) return;
      requireReplaceable(step, node, target.node);
      source.folder.delete(source.name);
      target.folder.set(target.name, node);
    });
  }

  remove(path: string): Promise<void> {
    return this.#run('name', 'unlink', path, (step) => {
      const { folder, name, node } = this.#disk.place(step);
      if (node === undefined) throw systemError('ENOENT', step);
      if (node instanceof FolderNode) throw systemError('EISDIR', step);
      folder.delete(name);
    });
  }

  removeTree(path: string): Promise<void> {
    return this.#run('name', 'rm', path, (step) => {
      const place = this.#disk.placeIfAny(step);
      if (place?.node) place.folder.delete(place.name);
    });
  }

  makeFolder(path: string): Promise<void> {
    // A folder that is there already is no change.
    const isThere = this.#disk.has(path);
    return this.#run(isThere ? 'open' : 'name', 'mkdir', path, (step) => this.#disk.makeFolder(step));
  }

  names(path: string): Promise<string[]> {
    return this.#run('read', 'scandir', path, (step) => this.#disk.findFolder(step).names());
  }

  async list(path: string): Promise<AsyncIterable<{ readonly name: string }>> {
    const names = await this.#run('read', 'opendir', path, (step) => this.#disk.findFolder(step).names());
    return (async function* () {
      for (const name of names) yield { name };
    })();
  }

  #run<Result>(
    kind: StepKind,
    call: string,
    path: string,
    effect: (step: Step, fault?: Fault) => Result,
  ): Promise<Result> {
    const step = { kind, call, path };
    return this.#steps.run(step, (fault) => {
      if (fault?.code !== undefined) throw systemError(fault.code, step);
      return effect(step, fault);
    });
  }
}

function sizeOf(node: FileNode | FolderNode): number {
  return node instanceof FileNode ? node.length : 4096;
}

function requireReplaceable(
  step: Step,
  node: FileNode | FolderNode,
  replaced: FileNode | FolderNode | undefined,
): void {
  if (replaced === undefined) return;
  if (node instanceof FileNode && replaced instanceof FolderNode) throw systemError('EISDIR', step);
  if (node instanceof FolderNode && replaced instanceof FileNode) throw systemError('ENOTDIR', step);
  if (replaced instanceof FolderNode && replaced.names().length > 0) throw systemError('ENOTEMPTY', step);
}
