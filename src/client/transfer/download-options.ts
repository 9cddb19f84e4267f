/** What is downloaded, where to, and how. Names an archive or a job. */
export interface DownloadOptions {
  readonly vaultName: string;
  /** The archive; a job for it is taken if there is one, or else started. */
  readonly archiveId?: string | undefined;
  /** A job for an archive, running or finished. */
  readonly jobId?: string | undefined;
  /** Where the bytes go. Written under a temporary name beside it, and renamed when all of it is verified. */
  readonly path: string;
  /** Bytes of the archive, `last` included: whole MiB, or up to the archive's end. Default: all of it. */
  readonly range?: { readonly first: number; readonly last: number } | undefined;
  /** Of a job that is started. Default: the server's, which is Standard. */
  readonly tier?: 'Expedited' | 'Standard' | 'Bulk' | undefined;
  /** Bytes of one request: 2^n MiB, so that each range has a hash in the archive's tree. Default: 16 MiB. */
  readonly rangeSize?: number | undefined;
  /** Ranges that are fetched at a time. Default: 4. */
  readonly parallel?: number | undefined;
  readonly poll?: PollOptions | undefined;
  readonly accountId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** How often a running job is asked for. Pauses grow by half, with a random part. */
export interface PollOptions {
  /** Default: 1,000. */
  readonly firstPauseMs?: number | undefined;
  /** Default: 300,000. */
  readonly longestPauseMs?: number | undefined;
}

/** How far a download is. */
export interface DownloadProgress {
  /** `waiting` until the job is finished. */
  readonly phase: 'waiting' | 'receiving';
  readonly jobId: string;
  /** Null while that is unknown. */
  readonly totalBytes: number | null;
  /** Verified bytes in the temporary file, those of an earlier call included. */
  readonly doneBytes: number;
  /** Bytes that this call has received. A range that is fetched again counts again. */
  readonly receivedBytes: number;
}

/** A finished download. */
export interface Downloaded {
  readonly path: string;
  readonly archiveId: string;
  readonly jobId: string;
  /** Of the archive. */
  readonly description: string | null;
  /** Bytes in the file. */
  readonly size: number;
  /** Of the bytes in the file; the server's, where it tells one, is the same. */
  readonly treeHash: string;
  /** Bytes that this call received. */
  readonly receivedBytes: number;
}
