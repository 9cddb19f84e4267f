/** The lock within the store, and the watch over both locks. */
import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type DataFolder, FolderInUse } from './data-folder.ts';
import { holdExclusively } from './exclusive-file.ts';

/** Another server has the store. */
export class StoreInUse extends FolderInUse {
  constructor(path: string) {
    super(path);
    this.message = `another server is using the store ${path}; stop it, or give --data another folder`;
    this.name = 'StoreInUse';
  }
}

/**
 * The two locks of a server: one in the data folder and one in the store, so that the loss of either name lets nobody
 * in. The kernel lets go of them when the process ends, however it ends.
 */
export class FolderClaims {
  readonly #folder: DataFolder;
  readonly #claimData: () => Promise<() => void>;
  readonly #releases = new Map<string, () => void>();

  /** @param claim makes the data folder if need be, takes its lock, and gives what lets go of it. */
  constructor(folder: DataFolder, claim: () => Promise<() => void>) {
    this.#folder = folder;
    this.#claimData = claim;
  }

  /** Takes the locks whose files are there; nothing is made. @throws FolderInUse, StoreInUse. */
  async claimExisting(): Promise<void> {
    const { claimFile, storeClaimFile } = this.#folder;
    if (existsSync(claimFile)) await this.claimData();
    if (existsSync(storeClaimFile)) await this.claimStore();
  }

  /** Makes the data folder if need be. @returns whether the lock was not held yet. @throws FolderInUse. */
  claimData(): Promise<boolean> {
    return this.#claimOnce(this.#folder.claimFile, this.#claimData);
  }

  /** The store's folder must be there. @returns whether the lock was not held yet. @throws StoreInUse. */
  claimStore(): Promise<boolean> {
    const { storeClaimFile, store } = this.#folder;
    return this.#claimOnce(storeClaimFile, async () => claimStoreFile(storeClaimFile, store));
  }

  /** Lets go of both. */
  release(): void {
    for (const release of this.#releases.values()) release();
    this.#releases.clear();
  }

  /** A watch over the locks that are held. */
  watch(): ClaimWatch {
    return new ClaimWatch([...this.#releases.keys()]);
  }

  async #claimOnce(path: string, take: () => Promise<() => void>): Promise<boolean> {
    if (this.#releases.has(path)) return false;
    this.#releases.set(path, await take());
    return true;
  }
}

/** @returns what releases it. @throws StoreInUse. */
function claimStoreFile(path: string, store: string): () => void {
  const release = holdExclusively(path);
  if (!release) throw new StoreInUse(store);
  return release;
}

/** Which file a path leads to. */
interface Inode {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Whether the paths of the locks still lead to the files that are locked. Where one does not, another server can take
 * a lock of that name, or the folder is another one: this server must stop writing.
 */
export class ClaimWatch {
  readonly #inodes: ReadonlyMap<string, Inode>;

  /** @param paths of files that were locked just now. */
  constructor(paths: readonly string[]) {
    this.#inodes = new Map(paths.map((path) => [path, statSync(path, { bigint: true })]));
  }

  /** The path that leads to another file or to none; undefined while all is well, or where the disk does not say. */
  async findLost(): Promise<string | undefined> {
    for (const [path, inode] of this.#inodes) {
      const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
        // What is not there is lost; a disk or a system that cannot answer just now says nothing.
        return error.code === 'ENOENT' || error.code === 'ENOTDIR' ? undefined : inode;
      });
      if (found?.ino !== inode.ino || found.dev !== inode.dev) return path;
    }
    return undefined;
  }
}
