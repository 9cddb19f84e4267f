/** The port of a store that can be scrubbed: its bytes are read again and compared with their own hashes. */
import type { BlobDamage } from './damage.ts';

/** What a blob turned out to be when all of it was read. */
export interface BlobVerdict {
  readonly ref: string;
  /** Null if the blob's description of itself cannot be read. */
  readonly description: {
    readonly size: number;
    readonly treeHash: string;
    /** When it was stored, by its label; ms since the epoch. */
    readonly createdMs: number;
  } | null;
  readonly damage: readonly BlobDamage[];
}

/** A file that holds no blob of its own, and is not what was written. */
export interface DamagedFile {
  /** Within the store. */
  readonly path: string;
  readonly why: string;
}

/** What was read since the last step. */
export interface ScrubStep {
  /** Every blob with a key up to this was read; null within a pack. */
  readonly upTo: string | null;
  readonly blobs: readonly BlobVerdict[];
  readonly files: readonly DamagedFile[];
  /** At the end of a pack: which blobs it holds. */
  readonly pack: ScrubbedPack | null;
}

export interface ScrubbedPack {
  /** References of its blobs lie between these. */
  readonly after: string;
  readonly before: string;
  /** Whether this blob was found, or was written after the pack had been opened. */
  has(ref: string): boolean;
}

export interface ScrubOptions {
  /** Begin after this key; null: from the first. */
  readonly after: string | null;
  /** Called after each read with its bytes. The scrub goes on when it resolves; if it throws, so does the scrub. */
  rest(bytes: number): Promise<void>;
  /** How many runs of a file may be in memory: with 2 or more, the disk reads one while another is hashed. */
  readonly atOnce: number;
}

export interface ScrubStore {
  /**
   * Reads everything in the store once, past the page cache where the system can, in the order of keys. What is removed
   * meanwhile is passed over. @throws the I/O error when a folder cannot be listed.
   */
  scrub(options: ScrubOptions): AsyncGenerator<ScrubStep>;
  /**
   * Reads one blob in the same way.
   * @param only numbers of the leaves to read; all by default. @throws BlobMissing.
   */
  verify(ref: string, only?: ReadonlySet<number>): Promise<BlobVerdict>;
  /** Reads one file that holds no blob of its own again. @returns why it is damaged; undefined if it is not, or gone. */
  verifyFile(path: string): Promise<string | undefined>;
  /** Those of the blobs of which not even the file is there. */
  findAbsent(refs: readonly string[]): Promise<readonly string[]>;
  /** The key at which a scrub reads this blob. */
  scrubKey(ref: string): string;
  /** The file, within the store, that holds the blob. */
  fileOf(ref: string): string;
  /** Whether reads go past the page cache, as far as is known. */
  readonly isDirect: boolean;
}
