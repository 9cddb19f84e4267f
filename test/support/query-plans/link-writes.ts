import type { StoreLinkWrites } from '../../../src/domain/store-link.ts';
import type { CallsOf } from './call.ts';

/** Writes that tie the catalog to a store. */
export const LINK_WRITES: CallsOf<keyof StoreLinkWrites> = {
  claimGeneration: ({ catalog }) =>
    catalog.claimGeneration({ catalogId: 'a'.repeat(32), storeId: 'b'.repeat(32), generation: 1 }),
  raiseCommitNumber: ({ catalog }) => catalog.raiseCommitNumber({ beyond: 17 }),
};
