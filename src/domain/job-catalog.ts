import type { ArchiveJob, Job, JobState } from './job.ts';
import type { Page, Paging } from './page.ts';

/** Which jobs of a vault to list. */
export interface JobFilter {
  readonly state: JobState | null;
  readonly completed: boolean | null;
}

export interface JobReads {
  /** A job that has not expired. */
  findJob(vaultNo: number, id: string, nowMs: number): Promise<Job | undefined>;
  /** Newest first; `after` is a job's number. */
  listJobs(vaultNo: number, filter: JobFilter, nowMs: number, page: Paging<number>): Promise<Page<Job>>;
}

/** A job as it starts: the catalog adds its number, its state and its end. */
type Starting<J> = J extends Job ? Omit<J, 'no' | 'state' | 'completedMs' | 'output'> : never;
export type NewArchiveJob = Starting<ArchiveJob>;
export type NewJob = Starting<Job>;

export interface StartJobArgs {
  readonly job: NewJob;
  readonly nowMs: number;
  /** Expedited retrievals that may start within the window without a capacity unit; null for any number. */
  readonly expeditedCapacity: number | null;
}

export interface FinishArchiveJobsArgs {
  readonly nowMs: number;
  readonly limit: number;
}

export interface ExpireJobsArgs {
  readonly endedBeforeMs: number;
  readonly nowMs: number;
  readonly limit: number;
}

export interface JobWrites {
  /**
   * Starts a job that the data retrieval policy and the Expedited capacity allow. Finishes an archive job that is due
   * at once.
   * @throws Refusal not-found when the vault is gone, over-policy, no-capacity.
   */
  startJob(args: StartJobArgs): Promise<void>;
  /** Finishes due archive jobs and adds their notifications; returns how many. */
  finishArchiveJobs(args: FinishArchiveJobsArgs): Promise<number>;
  /** Forgets jobs that ended before `endedBeforeMs` and makes their outputs garbage; returns how many. */
  expireJobs(args: ExpireJobsArgs): Promise<number>;
}
