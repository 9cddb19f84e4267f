/** Helpers for vault locks. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from './api.ts';
import { policyBody } from './every-operation.ts';
import type { Answer } from './request.ts';

export interface Locks {
  initiate(vault: string, policy?: unknown): Promise<Answer>;
  complete(vault: string, lockId: string): Promise<Answer>;
  abort(vault: string): Promise<Answer>;
  get(vault: string): Promise<Answer>;
  remove(vault: string, archiveId: string): Promise<Answer>;
  /** Initiates a lock; must succeed; returns its id. */
  begin(vault: string, policy?: unknown): Promise<string>;
  /** Makes a vault with a completed lock. */
  lockedVault(vault: string, policy?: unknown): Promise<void>;
}

export function locksOf(api: Api): Locks {
  const path = (vault: string) => `/-/vaults/${vault}/lock-policy`;
  const locks: Locks = {
    initiate: (vault, policy = YEAR_LOCK) => api.call('POST', path(vault), { body: policyBody(policy) }),
    complete: (vault, lockId) => api.call('POST', `${path(vault)}/${lockId}`),
    abort: (vault) => api.call('DELETE', path(vault)),
    get: (vault) => api.call('GET', path(vault)),
    remove: (vault, archiveId) => api.call('DELETE', `/-/vaults/${vault}/archives/${archiveId}`),
    async begin(vault, policy) {
      const answer = await locks.initiate(vault, policy);
      assert.equal(answer.status, 201, answer.text);
      return answer.headers['x-amz-lock-id'] ?? '';
    },
    async lockedVault(vault, policy) {
      await api.createVault(vault);
      const answer = await locks.complete(vault, await locks.begin(vault, policy));
      assert.equal(answer.status, 204, answer.text);
    },
  };
  return locks;
}

/** The first known lock policy: archives younger than a year cannot be deleted. */
export const YEAR_LOCK = denyDelete({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } });

/** A lock policy that denies everyone the deletion of archives under a condition. */
export function denyDelete(Condition: unknown, Principal: unknown = '*'): unknown {
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'keep', Effect: 'Deny', Principal, Action: 'glacier:DeleteArchive', Resource: '*', Condition },
    ],
  };
}

/** The locks' notes in a store. */
export async function lockNotes(data: string): Promise<string[]> {
  const names = await readdir(join(data, 'store', 'notes'));
  return names.filter((name) => name.startsWith('lock-'));
}
