import type { Page, Paging } from './page.ts';
import type { DeclaredArchive, Part, Upload } from './upload.ts';

export interface UploadReads {
  /** An upload in progress. */
  findUpload(vaultNo: number, id: string): Promise<Upload | undefined>;
  /** Uploads in progress, oldest first; `after` is an upload's number. */
  listUploads(vaultNo: number, page: Paging<number>): Promise<Page<Upload>>;
  /** Uploads in progress without activity since `beforeMs`. */
  idleUploads(beforeMs: number, limit: number): Promise<readonly Upload[]>;
}

export interface PartReads {
  /** By offset; `after` is the offset of a part. */
  listParts(uploadNo: number, page: Paging<number>): Promise<Page<Part>>;
  /** The sequence of the part at this offset, or 0. */
  partSequence(uploadNo: number, first: number): Promise<number>;
  /** References of the blobs of an upload's parts, by offset. */
  partRefs(uploadNo: number, limit: number): Promise<readonly string[]>;
}

export interface NewUpload {
  readonly vaultNo: number;
  readonly id: string;
  readonly archiveId: string;
  readonly description: string | null;
  readonly partSize: number;
  readonly createdMs: number;
}

export interface CompleteUploadArgs {
  readonly vaultNo: number;
  readonly uploadId: string;
  readonly declared: DeclaredArchive;
  readonly nowMs: number;
  /** Uploads completed before this are forgotten. */
  readonly rememberedSinceMs: number;
}

/** How a Complete ended. All but `completed` changed nothing: the declaration does not fit. */
export type CompleteOutcome =
  | { readonly kind: 'completed'; readonly archiveId: string; readonly treeHash: string }
  /** The parts hold this many bytes, which is not what was declared. */
  | { readonly kind: 'wrong-size'; readonly size: number }
  | { readonly kind: 'wrong-hash'; readonly uploadNo: number }
  /** A repeat that declares another archive than the one that was completed. */
  | { readonly kind: 'repeat-differs'; readonly done: DeclaredArchive };

export interface AbortUploadArgs {
  readonly vaultNo: number;
  readonly uploadId: string;
  readonly nowMs: number;
  /** Uploads aborted before this are forgotten. */
  readonly rememberedSinceMs: number;
  /** The version of the vault's policies that the abort was authorized by. */
  readonly policyVersion: number;
}

export interface ExpireUploadArgs {
  readonly uploadNo: number;
  readonly beforeMs: number;
  readonly nowMs: number;
}

export interface ForgetUploadsArgs {
  readonly endedBeforeMs: number;
}

export interface UploadWrites {
  /** @throws Refusal not-found when the vault is gone. */
  startUpload(args: NewUpload): Promise<void>;
  /**
   * Creates the archive, or answers a repeat within the remembered time with the same archive id.
   * @throws Refusal invalid for parts that make up no archive, not-found for an upload that is gone.
   */
  completeUpload(args: CompleteUploadArgs): Promise<CompleteOutcome>;
  /** @throws Refusal not-found for an upload that is unknown, completed, or aborted before `rememberedSinceMs`. */
  abortUpload(args: AbortUploadArgs): Promise<void>;
  /** Ends an upload that had no activity since `beforeMs`. */
  expireUpload(args: ExpireUploadArgs): Promise<void>;
  /** Forgets completed and aborted uploads that ended before `endedBeforeMs`. */
  forgetUploads(args: ForgetUploadsArgs): Promise<void>;
}

/** A part and the blob that holds its bytes. */
export interface NewPart extends Part {
  readonly ref: string;
}

export interface PutPartArgs {
  readonly uploadNo: number;
  /** For messages. */
  readonly uploadId: string;
  readonly part: NewPart;
  readonly nowMs: number;
}

export interface DropPartsArgs {
  readonly uploadNo: number;
  readonly refs: readonly string[];
}

export interface PartWrites {
  /** Stores or replaces the part at its offset. @throws Refusal not-found when the upload is no longer in progress. */
  putPart(args: PutPartArgs): Promise<void>;
  /** Removes parts of a discarded upload whose blobs are gone. */
  dropParts(args: DropPartsArgs): Promise<void>;
}
