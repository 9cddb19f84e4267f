/** What the doctor's checks use. Each check takes the members that it needs. */
import type { DiskStore } from '../../blobs/disk/disk-store.ts';
import type { ExaminedCatalog } from '../../catalog/examine.ts';
import type { Config } from '../../config/read.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { StoreContents } from '../../domain/store-contents.ts';
import type { ClockReading } from '../../domain/trusted-time.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import type { DataFolder } from '../data-folder.ts';

/** A file or folder. */
export interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly isFolder: boolean;
}

/** A file system that holds files of the server. Sizes in bytes. */
export interface FoundDisk {
  /** What lies on it, for messages. */
  readonly name: string;
  readonly folder: string;
  readonly size: number;
  readonly free: number;
  /** How much of the reserve's size is held by its files. */
  readonly held: number;
  readonly reserve: number;
  /** 0 where the file system does not count them. */
  readonly inodes: number;
  readonly freeInodes: number;
  /** A quota of btrfs that limits the folder; infinite without one. */
  readonly quota: number;
}

/** What the checks ask the machine. */
export interface Machine {
  readonly nodeVersion: string;
  clocks(): ClockReading;
  /** Monotonic, with fractions of a millisecond. */
  preciseMs(): number;
  /** The text of `/proc/self/limits`; undefined on systems without it. */
  limits(): string | undefined;
  /** The least limit of memory of this process's control groups, bytes; undefined without one. */
  memoryLimit(): Promise<number | undefined>;
  /** Undefined if nothing has this name. Does not follow a symbolic link. */
  owned(path: string): Promise<Owned | undefined>;
  disks(): Promise<readonly FoundDisk[]>;
  /** Whether a folder lies in memory only. */
  isInMemory(folder: string): Promise<boolean>;
  /** @param report called with the reason if there is none. */
  nativeHash(report: (why: string) => void): HashEngine | undefined;
}

export interface DoctorDeps {
  readonly config: Config;
  readonly folder: DataFolder;
  /** Whether to check all blobs, not a sample. */
  readonly isFull: boolean;
  readonly machine: Machine;
  readonly fs: FileSystem;
  readonly random: RandomBytes;
  /** Undefined if there is none that this version can read; the check `catalog` then says why. */
  readonly catalog: ExaminedCatalog | undefined;
  /** Why the catalog cannot be opened. */
  readonly catalogError: Error | undefined;
  /** The store, for reading; undefined if there is no folder. */
  readonly store: DiskStore | undefined;
  readonly contents: StoreContents;
}
