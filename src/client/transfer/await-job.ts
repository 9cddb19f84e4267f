import type { GlacierClient } from '../client.ts';
import { GlacierError } from '../errors.ts';
import type { CallOptions, JobDescription } from '../shapes.ts';
import { callOf } from './call-options.ts';
import type { PollOptions } from './download-options.ts';

/** A job ended without an output. */
export class JobFailedError extends Error {
  readonly job: JobDescription;

  constructor(job: JobDescription) {
    const what = job.archiveId === null ? 'the inventory' : `the archive ${job.archiveId}`;
    super(`the job ${job.jobId} for ${what} failed: ${job.statusMessage ?? job.statusCode}`);
    this.name = 'JobFailedError';
    this.job = job;
  }
}

interface Waiting extends CallOptions {
  readonly vaultName: string;
  readonly poll?: PollOptions | undefined;
  /** Called while the job is in progress. */
  readonly onWait?: ((job: JobDescription) => void) | undefined;
}

/**
 * Waits until a job has succeeded, asking for it after growing pauses.
 * @throws JobFailedError, GlacierError, ConnectionError, the signal's reason.
 */
export async function waitForJob(
  client: GlacierClient,
  jobId: string,
  { vaultName, poll = {}, onWait, ...call }: Waiting,
): Promise<JobDescription> {
  const { firstPauseMs = 1000, longestPauseMs = 300_000 } = poll;
  for (let pause = firstPauseMs; ; pause = Math.min(longestPauseMs, pause * 1.5)) {
    const job = await client.describeJob({ vaultName, jobId }, callOf(call));
    if (job.statusCode === 'Succeeded') return job;
    if (job.statusCode === 'Failed') throw new JobFailedError(job);
    onWait?.(job);
    // Between half of the pause and all of it, so that many clients do not ask together.
    await client.runtime.sleep(pause * (0.5 + client.runtime.random() / 2), call.signal);
  }
}

/** Whether an answer says that a job, or its output, is no longer there. */
export function isGone(error: unknown): boolean {
  return error instanceof GlacierError && error.status === 404;
}
