/** Tasks through the API. */
import assert from 'node:assert/strict';
import type { Api } from './api.ts';
import { eventually } from './poll.ts';

/** A task as DescribeTask shows it. */
export interface ShownTask {
  readonly TaskId: string;
  readonly Kind: string;
  readonly VaultARN: string;
  readonly State: string;
  readonly DueDate: string | null;
  readonly CompletionDate: string | null;
  readonly ArchiveCount: number;
  readonly SizeInBytes: number;
  readonly DoneCount: number;
  readonly HeldCount: number | null;
  readonly Message: string | null;
}

/** What EmptyVault answers. */
export interface StartedTask {
  readonly TaskId: string;
  readonly ArchiveCount: number;
  readonly SizeInBytes: number;
  readonly HeldCount: number | null;
}

/** A line of a report. */
export interface ReportLine {
  readonly ArchiveId: string;
  readonly Size: number;
  readonly SHA256TreeHash: string;
  readonly Outcome: 'Deleted' | 'Held';
  readonly Reason?: string;
}

export async function emptyVault(api: Api, vault: string, body: unknown = {}): Promise<StartedTask> {
  const answer = await api.call('POST', `/-/vaults/${vault}/empty`, { body: JSON.stringify(body) });
  assert.ok(answer.status === 202 || answer.status === 200, answer.text);
  return JSON.parse(answer.text);
}

export async function describeTask(api: Api, taskId: string): Promise<ShownTask> {
  const answer = await api.call('GET', `/-/tasks/${taskId}`);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text);
}

/** The task once it has ended. */
export function endedTask(api: Api, taskId: string): Promise<ShownTask> {
  return eventually(`the end of task ${taskId}`, async () => {
    const task = await describeTask(api, taskId);
    return task.CompletionDate !== null && task;
  });
}

export async function reportOf(api: Api, taskId: string): Promise<ReportLine[]> {
  const answer = await api.call('GET', `/-/tasks/${taskId}/report`);
  assert.equal(answer.status, 200, answer.text);
  return answer.text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export async function countArchives(api: Api, vault: string): Promise<number> {
  const answer = await api.call('GET', `/-/vaults/${vault}`);
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).NumberOfArchives;
}
