/** A bucket through the AWS SDK, which is optional and loaded when a store in a bucket is opened. */
import { hash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type {
  ListMultipartUploadsCommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import {
  ConditionFailed,
  type ListedObject,
  type Objects,
  type PutCondition,
  type ReadObject,
  type UnfinishedUpload,
} from './objects.ts';
import { statusOf, type Timing, withRetries } from './retry.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** Time limits of one attempt. The second one is for silence, not for the whole transfer. */
const CONNECT_MS = 3000;
const SILENCE_MS = 20_000;
const SOCKETS = 64;

/** Where a bucket is and how to reach it. */
export interface BucketPlace {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** URL of the engine; AWS's own by default. */
  readonly endpoint?: string;
  readonly region: string;
  /** Whether the bucket is part of the path, as most engines need it, and not of the host name. */
  readonly pathStyle: boolean;
  /** Certificates, in PEM, of the authorities that the engine's certificate may be of; the system's by default. */
  readonly ca?: string;
  /** By default those that the SDK finds. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** How long failing calls are retried, and by which clock. */
export interface RetryOptions {
  readonly timing: Timing;
  readonly withinMs: number;
}

/** Opens a bucket. Makes no request. @throws Error when the SDK is not installed. */
export async function openBucket(place: BucketPlace, retries: RetryOptions): Promise<Objects> {
  const sdk = await loadSdk();
  const { endpoint, region, pathStyle, ca, credentials } = place;
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  const client = new sdk.S3Client({
    region,
    forcePathStyle: pathStyle,
    // This module retries, within its own time limit.
    maxAttempts: 1,
    // Other engines refuse the SDK's own checksums, or ignore them. The hash of the payload is checked by all.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: SILENCE_MS,
      socketTimeout: SILENCE_MS,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...(ca === undefined ? {} : { ca }) }),
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  });
  return new SdkObjects(sdk, client, place, retries);
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (cause) {
    throw new Error('a store in a bucket needs the package @aws-sdk/client-s3, which is not installed', {
      cause,
    });
  }
}

/**
 * Makes a command state the hash of its payload. The engine compares it with the bytes that it received, and the SDK need
 * not compute it.
 */
function withPayloadHash<Sent extends PutObjectCommand | UploadPartCommand>(
  command: Sent,
  sha256: string,
): Sent {
  const stack = command.middlewareStack as PutObjectCommand['middlewareStack'];
  stack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'moraine-payload-hash' },
  );
  return command;
}

class SdkObjects implements Objects {
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #place: BucketPlace;
  readonly #retries: RetryOptions;

  constructor(sdk: Sdk, client: S3Client, place: BucketPlace, retries: RetryOptions) {
    this.#sdk = sdk;
    this.#client = client;
    this.#place = place;
    this.#retries = retries;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    condition: PutCondition = {},
    sha256: string = hash('sha256', bytes, 'hex'),
  ): Promise<void> {
    const input = {
      ...this.#at(key),
      Body: bytes,
      ContentLength: bytes.length,
      ...(condition.absent ? { IfNoneMatch: '*' } : {}),
      ...(condition.etag === undefined ? {} : { IfMatch: condition.etag }),
    };
    try {
      await this.#retry(() =>
        this.#client.send(withPayloadHash(new this.#sdk.PutObjectCommand(input), sha256)),
      );
    } catch (error) {
      if (statusOf(error) !== 412) throw error;
      // An attempt whose answer was lost may have stored it.
      const found = await this.get(key);
      if (found === undefined || !found.bytes.equals(bytes)) throw new ConditionFailed(key);
    }
  }

  get(key: string): Promise<ReadObject | undefined> {
    return this.#ifPresent(async () => {
      const { Body, ETag } = await this.#client.send(new this.#sdk.GetObjectCommand(this.#at(key)));
      return { bytes: await bytesOf(Body), etag: etagOf(ETag) };
    });
  }

  async read(key: string, position: number, length: number, etag?: string): Promise<Buffer | undefined> {
    if (length === 0) return Buffer.alloc(0);
    const input = {
      ...this.#at(key),
      Range: `bytes=${position}-${position + length - 1}`,
      ...(etag === undefined ? {} : { IfMatch: etag }),
    };
    try {
      return await this.#ifPresent(async () =>
        bytesOf((await this.#client.send(new this.#sdk.GetObjectCommand(input))).Body),
      );
    } catch (error) {
      if (statusOf(error) === 412) throw new ConditionFailed(key);
      if (statusOf(error) === 416) return Buffer.alloc(0);
      throw error;
    }
  }

  find(key: string): Promise<ListedObject | undefined> {
    return this.#ifPresent(async () => {
      const { ContentLength, ETag } = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#at(key)));
      return { key, size: ContentLength ?? 0, etag: etagOf(ETag) };
    });
  }

  async remove(key: string): Promise<void> {
    await this.#ifPresent(() => this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(key))));
  }

  async *list(prefix: string, after?: string): AsyncIterable<ListedObject> {
    const { bucket, prefix: root } = this.#place;
    let token: string | undefined;
    do {
      const input = {
        Bucket: bucket,
        Prefix: root + prefix,
        ...(after === undefined ? {} : { StartAfter: root + after }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
      };
      const page = await this.#retry(() => this.#client.send(new this.#sdk.ListObjectsV2Command(input)));
      for (const { Key = '', Size = 0, ETag } of page.Contents ?? [])
        yield { key: Key.slice(root.length), size: Size, etag: etagOf(ETag) };
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async begin(key: string): Promise<string> {
    const { UploadId } = await this.#retry(() =>
      this.#client.send(new this.#sdk.CreateMultipartUploadCommand(this.#at(key))),
    );
    if (UploadId === undefined) throw new Error(`the engine gave the upload of ${key} no id`);
    return UploadId;
  }

  async putPiece(
    { key, uploadId }: UnfinishedUpload,
    number: number,
    bytes: Uint8Array,
    sha256: string,
  ): Promise<string> {
    const input = {
      ...this.#at(key),
      UploadId: uploadId,
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.length,
    };
    const { ETag } = await this.#retry(() =>
      this.#client.send(withPayloadHash(new this.#sdk.UploadPartCommand(input), sha256)),
    );
    if (ETag === undefined) throw new Error(`the engine gave piece ${number} of ${key} no ETag`);
    return ETag;
  }

  async complete({ key, uploadId }: UnfinishedUpload, etags: readonly string[], size: number): Promise<void> {
    const Parts = etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
    const input = { ...this.#at(key), UploadId: uploadId, MultipartUpload: { Parts } };
    const failed = await this.#retry(() =>
      this.#client.send(new this.#sdk.CompleteMultipartUploadCommand(input)),
    ).then(
      () => undefined,
      (error: unknown) => error,
    );
    // An attempt whose answer was lost may have made the object, after which there is no such upload.
    if (failed !== undefined && statusOf(failed) !== 404) throw failed;
    const found = await this.find(key);
    if (found === undefined && failed !== undefined) throw failed;
    if (found?.size !== size)
      throw new Error(`the engine made ${found?.size ?? 'no'} bytes of the ${size} of ${key}`);
  }

  async abort({ key, uploadId }: UnfinishedUpload): Promise<void> {
    const input = { ...this.#at(key), UploadId: uploadId };
    await this.#ifPresent(() => this.#client.send(new this.#sdk.AbortMultipartUploadCommand(input)));
  }

  async *unfinished(prefix: string): AsyncIterable<UnfinishedUpload> {
    const { bucket, prefix: root } = this.#place;
    let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const page: ListMultipartUploadsCommandOutput = await this.#retry(() =>
        this.#client.send(
          new this.#sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: root + prefix, ...from }),
        ),
      );
      for (const { Key = '', UploadId = '' } of page.Uploads ?? [])
        yield { key: Key.slice(root.length), uploadId: UploadId };
      const { NextKeyMarker, NextUploadIdMarker } = page;
      if (!page.IsTruncated || NextKeyMarker === undefined) return;
      from = { KeyMarker: NextKeyMarker };
      if (NextUploadIdMarker !== undefined) from = { ...from, UploadIdMarker: NextUploadIdMarker };
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + key };
  }

  #retry<Result>(call: () => Promise<Result>): Promise<Result> {
    return withRetries(this.#retries.timing, this.#retries.withinMs, call);
  }

  /** The result of a call; undefined where the engine knows no such object or upload. */
  async #ifPresent<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await this.#retry(call);
    } catch (error) {
      const { name } = error as S3ServiceException;
      if (statusOf(error) === 404 && name !== 'NoSuchBucket') return undefined;
      throw error;
    }
  }
}

/** RGW compares an etag only without its quotes; the others take it so, too. */
function etagOf(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}

async function bytesOf(body: { transformToByteArray(): Promise<Uint8Array> } | undefined): Promise<Buffer> {
  const bytes = await body?.transformToByteArray();
  return bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
