/** What the store needs of an object store. `sdk-objects.ts` has it over the S3 API. */

/** An object as a listing shows it. */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Changes with the content. */
  readonly etag: string;
}

/** The content of an object, or of a range of it. */
export interface ReadObject {
  readonly bytes: Buffer;
  readonly etag: string;
}

/** When a `put` may replace what the key has. */
export interface PutCondition {
  /** Only if there is no such object. */
  readonly absent?: boolean;
  /** Only if the object still has this etag. */
  readonly etag?: string;
}

/** An unfinished multipart upload. */
export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
}

/**
 * One bucket, seen below one prefix: keys here begin after it. Reads see every change that was answered before. Failures
 * that may pass are retried within a time limit. Every method rejects with the engine's error after that.
 */
export interface Objects {
  /**
   * Stores a whole object. The engine compares the bytes with their SHA-256 before it answers.
   * @param sha256 of the bytes, 64 hex digits; computed here by default.
   * @throws ConditionFailed when `condition` does not hold and the object is not what this call stores.
   */
  put(key: string, bytes: Uint8Array, condition?: PutCondition, sha256?: string): Promise<void>;
  /** Reads a whole object; undefined without one. */
  get(key: string): Promise<ReadObject | undefined>;
  /**
   * Reads `length` bytes at `position`, fewer where the object ends; undefined without an object.
   * @param etag to refuse an object that was replaced meanwhile. @throws ConditionFailed then.
   */
  read(key: string, position: number, length: number, etag?: string): Promise<Buffer | undefined>;
  /** Size and etag of an object; undefined without one. */
  find(key: string): Promise<ListedObject | undefined>;
  /** Removes an object; succeeds where there is none. */
  remove(key: string): Promise<void>;
  /** Every object whose key begins with the prefix, by key, in the order of the bytes. @param after lists from there on. */
  list(prefix: string, after?: string): AsyncIterable<ListedObject>;
  /** Begins an object of many pieces. Returns the id of the upload. */
  begin(key: string): Promise<string>;
  /** Stores a piece, like `put`; returns its etag. @param number from 1 on. */
  putPiece(upload: UnfinishedUpload, number: number, bytes: Uint8Array, sha256: string): Promise<string>;
  /** Makes the object of all pieces, in order. @param size that the object must have then. */
  complete(upload: UnfinishedUpload, etags: readonly string[], size: number): Promise<void>;
  /** Forgets an upload; succeeds where there is none. */
  abort(upload: UnfinishedUpload): Promise<void>;
  /** Unfinished uploads of keys that begin with the prefix. */
  unfinished(prefix: string): AsyncIterable<UnfinishedUpload>;
  close(): void;
}

/** The condition of a call did not hold; it changed nothing. */
export class ConditionFailed extends Error {
  readonly key: string;

  constructor(key: string) {
    super(`the object ${key} was made or changed meanwhile`);
    this.name = 'ConditionFailed';
    this.key = key;
  }
}
