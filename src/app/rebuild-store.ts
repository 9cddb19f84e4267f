/** The store that a rebuild reads, and ties to the new catalog: on disk or in a bucket. */
import { DiskContents } from '../blobs/disk/contents.ts';
import { DiskStore } from '../blobs/disk/disk-store.ts';
import { writeIdentity } from '../blobs/disk/identity.ts';
import { prepareDiskStore } from '../blobs/disk/prepare.ts';
import { surveyDiskStore } from '../blobs/disk/survey.ts';
import { S3Contents } from '../blobs/s3/contents.ts';
import type { Config } from '../config/read.ts';
import type { BlobStore, Stamp } from '../domain/blob-store.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { StoreContents } from '../domain/store-contents.ts';
import type { StoreFound, StoreIdentity } from '../domain/store-identity.ts';
import type { FileSystem } from '../durable/file-system.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import { openObjects, openS3Store, prepareBucket, surveyBucket } from './bucket.ts';
import type { DataFolder } from './data-folder.ts';

export interface RebuildStore {
  /** For messages. */
  readonly name: string;
  readonly contents: StoreContents;
  survey(): Promise<StoreFound>;
  /** Makes durable what is removed: a blob that the rebuild passes over must not come back. @throws the I/O error. */
  settle(): Promise<void>;
  /** Opens the store, which exists. @param stamp of what is written. */
  open(stamp?: Stamp): Promise<BlobStore>;
  /** Adds what an interrupted start or an older version lacks. */
  prepare(): Promise<void>;
  /** Ties the store to its new catalog. */
  writeIdentity(identity: StoreIdentity, commitNumber: number): Promise<void>;
  close(): void;
}

export async function openRebuildStore(
  { store }: Pick<Config, 'store'>,
  folder: DataFolder,
  fs: FileSystem,
  random: RandomBytes,
): Promise<RebuildStore> {
  if (store) {
    const objects = await openObjects(store);
    return {
      name: store.name,
      contents: new S3Contents(objects),
      survey: () => surveyBucket(store),
      // Every answered request is durable.
      async settle() {},
      open: (stamp) => openS3Store(store, nodeHash, stamp === undefined ? {} : { stamp }),
      // `writeIdentity` does both.
      async prepare() {},
      writeIdentity: (identity, commitNumber) => prepareBucket(store, identity, commitNumber),
      close: () => objects.close(),
    };
  }
  const contents = new DiskContents(folder.store, fs);
  return {
    name: folder.store,
    contents,
    settle: () => contents.settle(),
    survey: () => surveyDiskStore(folder.store, fs),
    open: async (stamp) =>
      new DiskStore(folder.store, random, nodeHash, stamp === undefined ? { fs } : { fs, stamp }),
    prepare: () => prepareDiskStore(folder.store, fs),
    writeIdentity: (identity, commitNumber) => writeIdentity(folder.store, identity, commitNumber, fs),
    close() {},
  };
}
