/** A simulated disk: a tree of folders and files, of which a power cut leaves what was flushed and some of the rest. */
import type { Survival } from './file-node.ts';
import { FileNode } from './file-node.ts';
import { type DiskNode, FolderNode } from './folder-node.ts';
import { type Step, systemError } from './steps.ts';

/** A name, and the folder that has or could have it. */
export interface Place {
  readonly folder: FolderNode;
  readonly name: string;
  readonly node: DiskNode | undefined;
}

export class SimulatedDisk {
  readonly #root: FolderNode;

  constructor(root = new FolderNode()) {
    this.#root = root;
  }

  /** Finds what has the path. @throws ENOENT, ENOTDIR. */
  find(step: Step, path = step.path): DiskNode {
    const { node } = this.place(step, path);
    if (node === undefined) throw systemError('ENOENT', step);
    return node;
  }

  /** Finds a file. @throws ENOENT, ENOTDIR, EISDIR. */
  findFile(step: Step): FileNode {
    const node = this.find(step);
    if (!(node instanceof FileNode)) throw systemError('EISDIR', step);
    return node;
  }

  /** Finds a folder. @throws ENOENT, ENOTDIR. */
  findFolder(step: Step): FolderNode {
    const node = this.find(step);
    if (!(node instanceof FolderNode)) throw systemError('ENOTDIR', step);
    return node;
  }

  /** Finds the folder of a path. @throws ENOENT when a folder on the way is missing, ENOTDIR when it is a file. */
  place(step: Step, path = step.path): Place {
    const names = namesIn(path);
    const name = names.at(-1);
    let folder = this.#root;
    if (name === undefined) return { folder, name: '', node: folder };
    for (let i = 0; i < names.length - 1; i++) {
      const next = folder.get(names[i] ?? '');
      if (next === undefined) throw systemError('ENOENT', step);
      if (!(next instanceof FolderNode)) throw systemError('ENOTDIR', step);
      folder = next;
    }
    return { folder, name, node: folder.get(name) };
  }

  /** As `place`; undefined when a folder on the way is missing. */
  placeIfAny(step: Step): Place | undefined {
    try {
      return this.place(step);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whether something has the path. */
  has(path: string): boolean {
    let node: DiskNode | undefined = this.#root;
    for (const name of namesIn(path)) node = node instanceof FolderNode ? node.get(name) : undefined;
    return node !== undefined;
  }

  /** Makes a folder and those above it. @throws EEXIST, ENOTDIR when a file is in the way. */
  makeFolder(step: Step): void {
    const names = namesIn(step.path);
    let folder = this.#root;
    for (const [i, name] of names.entries()) {
      const next = folder.get(name) ?? new FolderNode();
      if (!(next instanceof FolderNode))
        throw systemError(i === names.length - 1 ? 'EEXIST' : 'ENOTDIR', step);
      if (folder.get(name) === undefined) folder.set(name, next);
      folder = next;
    }
  }

  /** Leaves what was flushed, and what survives of the rest. */
  cutPower(survival: Survival): void {
    this.#root.cutPower(survival);
  }

  /** A disk with the same state. Files share their bytes until one of them is written to. */
  clone(): SimulatedDisk {
    return new SimulatedDisk(this.#root.clone());
  }
}

/** Paths that were split lately: most are used again and again. */
const split = new Map<string, readonly string[]>();
const MOST_SPLIT = 5000;

/** The names in a path. The caller must not change them. */
function namesIn(path: string): readonly string[] {
  let names = split.get(path);
  if (names === undefined) {
    if (split.size >= MOST_SPLIT) split.clear();
    names = path.split('/').filter((name) => name !== '' && name !== '.');
    split.set(path, names);
  }
  return names;
}
