import type { GlacierClient } from '../client.ts';
import type { CallOptions, InventoryParameters } from '../shapes.ts';
import { waitForJob } from '../transfer/await-job.ts';
import { callOf } from '../transfer/call-options.ts';
import type { PollOptions } from '../transfer/download-options.ts';
import { jobBytes } from '../transfer/job-bytes.ts';
import type { InventoryEntry } from './entry.ts';
import { readInventory } from './read-inventory.ts';

/** Which inventory, and how to wait for it. */
export interface InventoryOptions extends CallOptions {
  readonly vaultName: string;
  /** An inventory job, running or finished. Default: a new one. */
  readonly jobId?: string | undefined;
  /** Of a new job. Default: JSON. */
  readonly format?: 'JSON' | 'CSV' | undefined;
  /** Of a new job: which archives it has. */
  readonly parameters?: InventoryParameters | undefined;
  readonly poll?: PollOptions | undefined;
}

/**
 * The archives of a vault as its inventory has them. Waits for the job, then reads its output as it arrives: millions of
 * archives take the memory of one. A lost connection is made again, and reading goes on where it was.
 * @throws JobFailedError, GlacierError, ConnectionError, the signal's reason; Error for a damaged inventory.
 */
export async function* inventory(
  client: GlacierClient,
  options: InventoryOptions,
): AsyncGenerator<InventoryEntry> {
  const { vaultName, poll } = options;
  const jobId = options.jobId ?? (await start(client, options));
  const job = await waitForJob(client, jobId, { vaultName, poll, ...callOf(options) });
  const format = job.inventoryRetrievalParameters?.format;
  if (format === undefined) throw new TypeError(`the job ${jobId} is not for an inventory`);
  yield* readInventory(jobBytes(client, { vaultName, jobId, ...callOf(options) }), format);
}

async function start(client: GlacierClient, options: InventoryOptions): Promise<string> {
  const { vaultName, format = 'JSON', parameters: inventoryRetrievalParameters } = options;
  const started = await client.initiateJob(
    { vaultName, type: 'inventory-retrieval', format, inventoryRetrievalParameters },
    callOf(options),
  );
  return started.jobId;
}
