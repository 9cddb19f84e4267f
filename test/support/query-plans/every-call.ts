import type { Catalog } from '../../../src/domain/catalog.ts';
import { ARCHIVE_WRITES } from './archive-writes.ts';
import type { CallsOf } from './call.ts';
import { JOB_WRITES } from './job-writes.ts';
import { LINK_WRITES } from './link-writes.ts';
import { READ_CALLS } from './read-calls.ts';
import { PEOPLE_WRITES, VAULT_WRITES } from './vault-writes.ts';

export type Method = Exclude<keyof Catalog, 'close' | 'knownCommitNumber' | 'failure'>;

const { forgetVaults, ...vaultWrites } = VAULT_WRITES;

/**
 * Calls of every method of the port; a method without a call does not compile. The one that removes everything comes
 * last.
 */
export const EVERY_CALL: CallsOf<Method> = {
  ...READ_CALLS,
  ...vaultWrites,
  ...PEOPLE_WRITES,
  ...ARCHIVE_WRITES,
  ...JOB_WRITES,
  ...LINK_WRITES,
  forgetVaults,
};
