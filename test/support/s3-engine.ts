/**
 * The S3 engine for tests: the one in S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or else a Ceph RGW
 * that this starts where Ceph is installed.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Objects } from '../../src/blobs/s3/objects.ts';
import { prepareS3Store } from '../../src/blobs/s3/prepare.ts';
import { S3Store, type S3StoreOptions } from '../../src/blobs/s3/s3-store.ts';
import { type BucketPlace, openBucket } from '../../src/blobs/s3/sdk-objects.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { unlessPresent } from './require.ts';
import { temporaryFolder } from './server.ts';

const script = (name: string) => fileURLToPath(new URL(`../../scripts/engines/${name}`, import.meta.url));
const run = promisify(execFile);

const canStart =
  process.getuid?.() === 0 && existsSync('/usr/bin/radosgw') && existsSync('/usr/bin/ceph-osd');

/** Whether tests that need an engine are skipped, and why. */
export const withoutS3 = unlessPresent(
  canStart || process.env['S3_ENDPOINT'] !== undefined,
  'an S3 engine (ceph-mon ceph-osd radosgw ceph-common, or S3_ENDPOINT)',
);

/** A bucket for one test file. */
export interface TestBucket {
  /** The place of a store of its own. */
  newPlace(): BucketPlace;
  close(): Promise<void>;
}

/** Starts the engine, unless one is given, and makes a bucket. */
export async function startBucket(): Promise<TestBucket> {
  const given = process.env['S3_ENDPOINT'] !== undefined;
  const folder = await temporaryFolder();
  const close = async () => {
    if (!given) await run(script('ceph-rgw-down'), [`${folder}/c`]);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const access = given ? process.env : await startCeph(`${folder}/c`);
    const place = {
      bucket: `moraine-${randomBytes(6).toString('hex')}`,
      endpoint: access['S3_ENDPOINT'] ?? '',
      region: access['S3_REGION'] ?? 'us-east-1',
      pathStyle: true,
      credentials: {
        accessKeyId: access['S3_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: access['S3_SECRET_ACCESS_KEY'] ?? '',
      },
    };
    const { endpoint, region, credentials } = place;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: place.bucket }));
    client.destroy();
    return { newPlace: () => ({ ...place, prefix: `s-${randomBytes(6).toString('hex')}/` }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startCeph(folder: string): Promise<Readonly<Record<string, string | undefined>>> {
  const { stdout } = await run(script('ceph-rgw-up'), [folder]);
  const lines = stdout.trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split('=', 2)));
}

/** Long, because a busy machine is slow. */
const PATIENT_MS = 60_000;

const timing = {
  now: () => performance.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

/** @param withinMs how long failing requests are retried. */
export function openPlace(place: BucketPlace, withinMs = PATIENT_MS): Promise<Objects> {
  return openBucket(place, { timing, withinMs });
}

/** A store in the bucket. @param now its wall clock. */
export async function storeIn(
  place: BucketPlace,
  options: S3StoreOptions = {},
  now: () => number = Date.now,
): Promise<S3Store> {
  const objects = await openPlace(place);
  await prepareS3Store(objects);
  const later = (ms: number, then: () => void) => void setTimeout(then, ms).unref();
  return new S3Store({ objects, random: randomBytes, engine: nodeHash, now, later }, options);
}
