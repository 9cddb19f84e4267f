/** The settings of a store in a bucket. */
import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { SettingError } from './errors.ts';
import { environmentName, type Name, type SETTINGS } from './settings.ts';
import type { BucketPrefix } from './values.ts';

/** A store in a bucket. */
export interface StoreBucket extends BucketPrefix {
  /** `s3://BUCKET/PREFIX`, for messages. */
  readonly name: string;
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly pathStyle: boolean;
  /** Certificates, PEM. */
  readonly ca: string | undefined;
  /** Undefined: those that the SDK finds. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly retryMs: number;
}

/** Reads a setting. */
type Read = <N extends Name>(name: N) => z.output<(typeof SETTINGS)[N]['schema']>;

/** Settings that mean nothing without `store`. */
const ONLY_WITH_STORE = [
  'store-endpoint',
  'store-ca',
  'store-access-key-id',
  'store-secret-access-key',
] as const;

/** Undefined if the store is in the data folder. @throws SettingError for settings that do not fit together. */
export function readBucket(read: Read): StoreBucket | undefined {
  const place = read('store');
  if (place === undefined) {
    const given = ONLY_WITH_STORE.find((name) => read(name) !== undefined);
    if (given !== undefined) throw new SettingError(`the setting ${given} needs the setting store`);
    return undefined;
  }
  if (read('emulator'))
    throw new SettingError(
      'the emulator keeps its store in the data folder: --emulator and --store exclude each other',
    );
  if (read('catalog') === undefined)
    throw new SettingError(
      '--store needs a catalog in PostgreSQL (--catalog): one in the data folder would be lost with the machine',
    );
  return {
    ...place,
    name: `s3://${place.bucket}/${place.prefix}`,
    endpoint: read('store-endpoint'),
    region: read('store-region'),
    pathStyle: read('store-path-style'),
    ca: readCa(read('store-ca')),
    credentials: credentialsOf(read('store-access-key-id'), read('store-secret-access-key')),
    retryMs: read('store-retry'),
  };
}

function readCa(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingError(`cannot read the file of --store-ca: ${(error as Error).message}`);
  }
}

function credentialsOf(id: string | undefined, secret: string | undefined): StoreBucket['credentials'] {
  if (id === undefined && secret === undefined) return undefined;
  if (id !== undefined && secret !== undefined) return { accessKeyId: id, secretAccessKey: secret };
  throw new SettingError(
    `${environmentName('store-access-key-id')} and ${environmentName('store-secret-access-key')} must be given together`,
  );
}
