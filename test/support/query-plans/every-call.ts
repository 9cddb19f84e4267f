import type { Catalog } from '../../../src/domain/catalog.ts';
import { ARCHIVE_WRITES } from './archive-writes.ts';
import type { CallsOf, Unlimited } from './call.ts';
import { JOB_WRITES } from './job-writes.ts';
import { LINK_WRITES } from './link-writes.ts';
import { READ_CALLS } from './read-calls.ts';
import { TASK_WRITES } from './task-writes.ts';
import { PEOPLE_WRITES, VAULT_WRITES } from './vault-writes.ts';

export type Method = Exclude<keyof Catalog, 'close' | 'knownCommitNumber' | 'failure' | Unlimited>;

/** Calls of every method whose plans matter; one without a call does not compile. */
export const EVERY_CALL: CallsOf<Method> = {
  ...READ_CALLS,
  ...VAULT_WRITES,
  ...PEOPLE_WRITES,
  ...ARCHIVE_WRITES,
  ...JOB_WRITES,
  ...LINK_WRITES,
  ...TASK_WRITES,
};
