/** A store in a bucket, as the settings name it. */
import { setTimeout } from 'node:timers/promises';
import { writeS3Identity } from '../blobs/s3/identity.ts';
import type { Objects } from '../blobs/s3/objects.ts';
import { prepareS3Store } from '../blobs/s3/prepare.ts';
import { S3Store, type S3StoreOptions } from '../blobs/s3/s3-store.ts';
import { openBucket } from '../blobs/s3/sdk-objects.ts';
import { surveyS3Store } from '../blobs/s3/survey.ts';
import { SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import type { StoreBucket } from '../config/store-bucket.ts';
import type { StoreFound, StoreIdentity } from '../domain/store-identity.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { systemClock, systemClocks, systemRandom } from './system.ts';

/** Opens the bucket. Makes no request. @throws Error when the SDK is not installed. */
export function openObjects({ endpoint, ca, credentials, retryMs, ...place }: StoreBucket): Promise<Objects> {
  const timing = {
    now: () => systemClocks().steadyMs,
    sleep: (ms: number) => setTimeout(ms),
    random: () => systemRandom(4).readUInt32LE() / 2 ** 32,
  };
  const known = {
    ...place,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(ca === undefined ? {} : { ca }),
    ...(credentials === undefined ? {} : { credentials }),
  };
  return openBucket(known, { timing, withinMs: retryMs });
}

/** Runs a task with the bucket. */
async function withObjects<Result>(
  bucket: StoreBucket,
  task: (objects: Objects) => Promise<Result>,
): Promise<Result> {
  const objects = await openObjects(bucket);
  try {
    return await task(objects);
  } finally {
    objects.close();
  }
}

/** What is where the store should be. Changes nothing. @throws Error that names the bucket. */
export function surveyBucket(bucket: StoreBucket): Promise<StoreFound> {
  return withObjects(bucket, surveyS3Store).catch((cause: Error) => {
    throw new Error(`the store ${bucket.name} cannot be read: ${cause.message || cause.name}`, { cause });
  });
}

/** Makes the place a store with this identity, after the start has decided that it is the right one. @throws Error. */
export function prepareBucket(
  bucket: StoreBucket,
  identity: StoreIdentity,
  commitNumber: number,
): Promise<void> {
  return withObjects(bucket, async (objects) => {
    await prepareS3Store(objects);
    await writeS3Identity(objects, identity, commitNumber);
  });
}

export async function openS3Store(
  bucket: StoreBucket,
  engine: HashEngine,
  options: S3StoreOptions,
): Promise<S3Store> {
  const deps = {
    objects: await openObjects(bucket),
    random: systemRandom,
    engine,
    now: () => systemClock.now(),
    later: (ms: number, then: () => void) => void globalThis.setTimeout(then, ms).unref(),
  };
  return new S3Store(deps, options);
}

/** For what works on a store on disk only. @param what the command, for the message. @throws SettingError. */
export function requireStoreOnDisk({ store }: Pick<Config, 'store'>, what: string): void {
  if (store) throw new SettingError(`${what} works only with a store on disk, not with ${store.name}`);
}
