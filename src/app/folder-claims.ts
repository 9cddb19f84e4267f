/** The claims of a server on its data folder and its store, and the watch over them. */
import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type DataFolder, FolderInUse } from './data-folder.ts';
import { holdExclusively } from './exclusive-file.ts';

/** Another server uses the store. */
class StoreInUse extends FolderInUse {
  constructor(path: string) {
    super(path);
    this.message = `another server is using the store ${path}; stop it, or give --data another folder`;
    this.name = 'StoreInUse';
  }
}

/**
 * The two claims of a server, one in the data folder and one in the store: if either file is removed, the other still
 * keeps other servers out. The kernel releases both when the process ends.
 */
export class FolderClaims {
  readonly #folder: DataFolder;
  readonly #claimData: () => Promise<() => void>;
  readonly #releases = new Map<string, () => void>();

  /** @param claim creates the data folder if it is missing, and claims it; returns a function that releases it. */
  constructor(folder: DataFolder, claim: () => Promise<() => void>) {
    this.#folder = folder;
    this.#claimData = claim;
  }

  /** Takes the claims whose files exist. Creates nothing. @throws FolderInUse, StoreInUse. */
  async claimExisting(): Promise<void> {
    const { claimFile, storeClaimFile } = this.#folder;
    if (existsSync(claimFile)) await this.claimData();
    if (existsSync(storeClaimFile)) await this.claimStore();
  }

  /** Claims the data folder, and creates it if it is missing. @returns whether the claim is new. @throws FolderInUse. */
  claimData(): Promise<boolean> {
    return this.#claimOnce(this.#folder.claimFile, this.#claimData);
  }

  /** Claims the store, whose folder must exist. @returns whether the claim is new. @throws StoreInUse. */
  claimStore(): Promise<boolean> {
    const { storeClaimFile, store } = this.#folder;
    return this.#claimOnce(storeClaimFile, async () => claimStoreFile(storeClaimFile, store));
  }

  /** Releases both. */
  release(): void {
    for (const release of this.#releases.values()) release();
    this.#releases.clear();
  }

  /** Watches the claims that are held. */
  watch(): ClaimWatch {
    return new ClaimWatch([...this.#releases.keys()]);
  }

  async #claimOnce(path: string, take: () => Promise<() => void>): Promise<boolean> {
    if (this.#releases.has(path)) return false;
    this.#releases.set(path, await take());
    return true;
  }
}

/** @returns a function that releases the claim. @throws StoreInUse. */
function claimStoreFile(path: string, store: string): () => void {
  const release = holdExclusively(path);
  if (!release) throw new StoreInUse(store);
  return release;
}

/** The file that a path leads to. */
interface Inode {
  readonly dev: bigint;
  readonly ino: bigint;
}

/**
 * Watches that the paths of the claims still lead to the held files. If one does not, the folder was replaced, or another
 * server can claim it: this server must then stop writing.
 */
export class ClaimWatch {
  readonly #inodes: ReadonlyMap<string, Inode>;

  /** @param paths of files that this process has just claimed. */
  constructor(paths: readonly string[]) {
    this.#inodes = new Map(paths.map((path) => [path, statSync(path, { bigint: true })]));
  }

  /** Finds a path whose file was replaced or removed; undefined if there is no such path, or the disk does not answer. */
  async findLost(): Promise<string | undefined> {
    for (const [path, inode] of this.#inodes) {
      const found = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
        // A missing file is lost. Any other error says nothing about the file.
        return error.code === 'ENOENT' || error.code === 'ENOTDIR' ? undefined : inode;
      });
      if (found?.ino !== inode.ino || found.dev !== inode.dev) return path;
    }
    return undefined;
  }
}
