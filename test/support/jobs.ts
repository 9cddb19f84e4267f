/** Helpers for jobs: start them, wait for them, describe them, take their output. */
import assert from 'node:assert/strict';
import { type Api, assertEmpty, assertJson } from './api.ts';
import { type Download, download } from './download.ts';
import { eventually } from './poll.ts';
import type { Answer } from './request.ts';

export type JobMembers = Readonly<Record<string, unknown>>;

export interface Jobs {
  /** Sends InitiateJob with the members as JSON, or with a text as it is; returns the answer. */
  initiate(vault: string, members: JobMembers | string): Promise<Answer>;
  /** Sends an InitiateJob that must succeed; returns the job's id. */
  start(vault: string, members: JobMembers): Promise<string>;
  startRetrieval(vault: string, archiveId: string, members?: JobMembers): Promise<string>;
  startInventory(vault: string, members?: JobMembers): Promise<string>;
  describe(vault: string, jobId: string): Promise<Record<string, unknown>>;
  /** Waits until the job is completed; returns its description. */
  untilDone(vault: string, jobId: string): Promise<Record<string, unknown>>;
  output(vault: string, jobId: string, range?: string): Promise<Download>;
  /** Starts an inventory job, waits for it, and returns its whole text. */
  inventory(vault: string, members?: JobMembers): Promise<string>;
}

/** @param hurry makes the server look for due jobs at once, instead of at its own intervals. */
export function jobsOf(api: Api, hurry: () => Promise<unknown> = async () => {}): Jobs {
  const pathOf = (vault: string, jobId: string) => `/-/vaults/${vault}/jobs/${jobId}`;
  const jobs: Jobs = {
    initiate(vault, members) {
      const body = typeof members === 'string' ? members : JSON.stringify(members);
      return api.call('POST', `/-/vaults/${vault}/jobs`, { body });
    },
    async start(vault, members) {
      const answer = await jobs.initiate(vault, members);
      assertEmpty(answer, 202);
      return answer.headers['x-amz-job-id'] ?? '';
    },
    startRetrieval: (vault, archiveId, members) =>
      jobs.start(vault, { Type: 'archive-retrieval', ArchiveId: archiveId, ...members }),
    startInventory: (vault, members) => jobs.start(vault, { Type: 'inventory-retrieval', ...members }),
    async describe(vault, jobId) {
      return assertJson(await api.call('GET', pathOf(vault, jobId)));
    },
    async untilDone(vault, jobId) {
      await hurry();
      return eventually(`the completion of the job ${jobId}`, async () => {
        const description = await jobs.describe(vault, jobId);
        return description['Completed'] === true ? description : undefined;
      });
    },
    output: (vault, jobId, range) =>
      download(api, `${pathOf(vault, jobId)}/output`, range === undefined ? {} : { range }),
    async inventory(vault, members) {
      const id = await jobs.startInventory(vault, members);
      await jobs.untilDone(vault, id);
      const { status, bytes, complete } = await jobs.output(vault, id);
      assert.deepEqual([status, complete], [200, true], bytes.toString());
      return bytes.toString();
    },
  };
  return jobs;
}

/** The members of InventoryRetrievalParameters in a description. */
export function inventoryParameters(description: Record<string, unknown>): Record<string, string | null> {
  return description['InventoryRetrievalParameters'] as Record<string, string | null>;
}
