/** A client of archive servers that speak the Glacier API. Published as `moraine/client`. */
export { type ClientOptions, createClient, type GlacierClient } from './client.ts';
export { ConfigError } from './config/config-error.ts';
export { type FindOptions, type FoundConfig, findConfig } from './config/find-config.ts';
export { ConnectionError, GlacierError, HashMismatchError } from './errors.ts';
export { type Hashed, hashSource } from './hashes.ts';
export type { InventoryEntry } from './inventory/entry.ts';
export { type InventoryOptions, inventory } from './inventory/inventory.ts';
export { readInventory } from './inventory/read-inventory.ts';
export { eachJob, eachPart, eachUpload, eachVault } from './lists.ts';
export type { RetryOptions } from './retry.ts';
export { type Runtime, systemRuntime } from './runtime.ts';
export type * from './shapes.ts';
export type { Credentials } from './sign.ts';
export { JobFailedError, waitForJob } from './transfer/await-job.ts';
export { download } from './transfer/download.ts';
export type {
  Downloaded,
  DownloadOptions,
  DownloadProgress,
  PollOptions,
} from './transfer/download-options.ts';
export { type JobBytesOptions, jobBytes } from './transfer/job-bytes.ts';
export { choosePartSize } from './transfer/parts.ts';
export { SourceChangedError, type UploadSource } from './transfer/source.ts';
export { upload } from './transfer/upload.ts';
export type { UploadProgress } from './transfer/upload-meter.ts';
export type { Uploaded, UploadOptions } from './transfer/upload-options.ts';
export type { Body, ConnectionOptions } from './transport.ts';
