/** A simulated folder: the names that programs see, and those that the disk would have after a power cut. */
import { FileNode, type Survival } from './file-node.ts';

export type DiskNode = FileNode | FolderNode;

/** A name that was given, or taken away, and not flushed yet. */
interface NameChange {
  readonly name: string;
  readonly node: DiskNode | undefined;
}

export class FolderNode {
  readonly kind = 'folder';
  #names = new Map<string, DiskNode>();
  #flushed = new Map<string, DiskNode>();
  #changes: NameChange[] = [];

  get(name: string): DiskNode | undefined {
    return this.#names.get(name);
  }

  names(): string[] {
    return [...this.#names.keys()];
  }

  set(name: string, node: DiskNode): void {
    this.#names.set(name, node);
    this.#changes.push({ name, node });
  }

  delete(name: string): void {
    this.#names.delete(name);
    this.#changes.push({ name, node: undefined });
  }

  /** All names survive a power cut. */
  flush(): void {
    for (const change of this.#changes) applyTo(this.#flushed, change);
    this.#changes = [];
  }

  /** A flush that fails: some of the names reached the disk, and the next flush writes the others. */
  failFlush(survival: Survival): void {
    this.#flushed = this.#survivor(survival);
  }

  /** Leaves what the disk has, and what survives of the rest, here and below. */
  cutPower(survival: Survival): void {
    this.#flushed = this.#survivor(survival);
    this.#names = new Map(this.#flushed);
    this.#changes = [];
    for (const node of this.#names.values()) node.cutPower(survival);
  }

  /** Each changed name has the state before its changes, or after one of them. */
  #survivor(survival: Survival): Map<string, DiskNode> {
    const left = new Map(this.#flushed);
    const stopped = new Set<string>();
    for (const change of this.#changes) {
      if (stopped.has(change.name)) continue;
      if (survival.keeps()) applyTo(left, change);
      else stopped.add(change.name);
    }
    return left;
  }

  /** A folder with the same state, here and below. @param copies the nodes that were copied already. */
  clone(copies = new Map<DiskNode, DiskNode>()): FolderNode {
    const copy = new FolderNode();
    copies.set(this, copy);
    const copyOf = (node: DiskNode): DiskNode => {
      const known = copies.get(node);
      if (known) return known;
      const made = node instanceof FileNode ? node.clone() : node.clone(copies);
      copies.set(node, made);
      return made;
    };
    for (const [name, node] of this.#names) copy.#names.set(name, copyOf(node));
    for (const [name, node] of this.#flushed) copy.#flushed.set(name, copyOf(node));
    copy.#changes = this.#changes.map(({ name, node }) => ({ name, node: node && copyOf(node) }));
    return copy;
  }
}

function applyTo(names: Map<string, DiskNode>, { name, node }: NameChange): void {
  if (node) names.set(name, node);
  else names.delete(name);
}
