/** The claims on simulated folders: held by a process until it dies, lost when somebody replaces the file. */
import type { DataFolder } from '../../../src/app/data-folder.ts';
import type { Owner } from './loop.ts';

interface Claim {
  readonly owner: Owner;
  /** Which file was claimed. */
  readonly file: number;
}

/** Another process holds a claim. */
export class Claimed extends Error {
  constructor(path: string) {
    super(`another server is using ${path}`);
  }
}

export class SimulatedClaims {
  readonly #held = new Map<string, Claim>();
  readonly #files = new Map<string, number>();

  /** Claims data folder and store. @throws Claimed. */
  claim({ claimFile, storeClaimFile }: DataFolder, owner: Owner): void {
    const paths = [claimFile, storeClaimFile];
    for (const path of paths) {
      const held = this.#held.get(path);
      if (held && !held.owner.isDead && held.file === this.#fileOf(path)) throw new Claimed(path);
    }
    for (const path of paths) this.#held.set(path, { owner, file: this.#fileOf(path) });
  }

  release(owner: Owner): void {
    for (const [path, claim] of this.#held) if (claim.owner === owner) this.#held.delete(path);
  }

  /** Replaces the files, so that another process can claim them, as an operator does who removes a lock. */
  replaceFiles({ claimFile, storeClaimFile }: DataFolder): void {
    for (const path of [claimFile, storeClaimFile]) this.#files.set(path, this.#fileOf(path) + 1);
  }

  /** As `FolderClaims.watch`. */
  watch({ claimFile, storeClaimFile }: DataFolder): { findLost(): Promise<string | undefined> } {
    const claimed = new Map([claimFile, storeClaimFile].map((path) => [path, this.#fileOf(path)]));
    return {
      findLost: async () => [...claimed].find(([path, file]) => this.#fileOf(path) !== file)?.[0],
    };
  }

  #fileOf(path: string): number {
    return this.#files.get(path) ?? 0;
  }
}
