import type { UploadSource } from './source.ts';
import type { UploadProgress } from './upload-meter.ts';

/** What is uploaded, where to, and how. */
export interface UploadOptions {
  readonly vaultName: string;
  /** A file, bytes in memory, or a stream of unknown length. */
  readonly source: UploadSource;
  /** Up to 1,024 printable ASCII characters. */
  readonly description?: string | undefined;
  /**
   * Bytes in a part: 2^n MiB. Default: 16 MiB, or what fits the source into 10,000 parts; 256 MiB for a stream, whose
   * parts are in memory while they are sent.
   */
  readonly partSize?: number | undefined;
  /** Parts that are sent at a time. Default: 4; for a stream, as many as fit into 256 MiB, up to 4. */
  readonly parallel?: number | undefined;
  /** A file that remembers the upload: the same call after a crash goes on with it. Removed at the end. */
  readonly statePath?: string | undefined;
  /**
   * An upload to go on with when there is no state file: `search` takes the newest open one with the same description
   * whose parts have the source's bytes. The parts that the server has are read and hashed again, but not sent.
   */
  readonly resume?: 'search' | { readonly uploadId: string } | undefined;
  readonly accountId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each chunk that is sent and each part that is done. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** The archive that an upload made. */
export interface Uploaded {
  readonly archiveId: string;
  readonly location: string;
  readonly treeHash: string;
  /** Bytes. */
  readonly size: number;
  /** Bytes that this call sent; fewer than `size` for an upload that was taken up. */
  readonly sentBytes: number;
}
