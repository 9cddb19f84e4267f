import {
  decodeListingMarker,
  encodeListingMarker,
  type Listing,
  type NamedArchive,
} from '../../domain/archive-listing.ts';
import { toApiDate } from '../api-date.ts';
import { query } from '../fields.ts';
import { type OperationDeps, operation } from '../operation.ts';
import { parseMarker } from '../paging.ts';
import { toArchiveDescription } from './archive-description.ts';
import { LastVerified } from './last-verified.ts';
import {
  parseBound,
  parseDirection,
  parseLimit,
  parseOrder,
  parsePrefix,
  parseSize,
  parseText,
  parseWantedHash,
} from './listing-query.ts';
import { type ListingPage, type Scan, scanArchives, shortenPage } from './scan-archives.ts';

/** A page ends once it has looked at so many parts to tell when scrubs read them. */
const PARTS_PER_PAGE = 20_000;

export const listArchives = operation({
  name: 'moraine:ListArchives',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/archives',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {
    limit: query('limit', parseLimit),
    marker: query('marker', parseMarker),
    prefix: query('prefix', parsePrefix),
    contains: query('contains', parseText),
    fromMs: query('created-after', parseBound('created-after')),
    beforeMs: query('created-before', parseBound('created-before')),
    minSize: query('size-min', parseSize('size-min')),
    maxSize: query('size-max', parseSize('size-max')),
    treeHash: query('tree-hash', parseWantedHash),
    order: query('order', parseOrder),
    descending: query('direction', parseDirection),
  },
  errors: ['ResourceNotFoundException'],
  async run({ vault, limit, marker, ...input }, deps) {
    const { prefix, contains, fromMs, beforeMs, minSize, maxSize, treeHash, order, descending } = input;
    const listing: Listing = {
      ...{ prefix, contains, fromMs, beforeMs },
      ...{ minSize, maxSize, treeHash, order, descending },
    };
    const scan = {
      catalog: deps.catalog,
      vaultNo: vault.no,
      listing,
      marker: decodeListingMarker(vault.no, listing, marker),
      limit,
      nowMs: deps.clock.now(),
    };
    const { page, shown } = await describePage(scan, await scanArchives(scan), deps);
    return {
      json: {
        ArchiveList: shown,
        Marker: page.next && encodeListingMarker(vault.no, listing, page.next),
        CompleteUpTo: toApiDate(page.completeMs),
      },
    };
  },
});

/** Describes the archives of a page, and cuts it where that would take too long. */
async function describePage(
  scan: Scan,
  page: ListingPage,
  deps: OperationDeps,
): Promise<{ readonly page: ListingPage; readonly shown: readonly Record<string, unknown>[] }> {
  const verified = await LastVerified.load(deps);
  const coming = await deps.catalog.comingDeletions(scan.vaultNo);
  const shown: Record<string, unknown>[] = [];
  for (const one of page.found as readonly NamedArchive[]) {
    if (verified.segmentsRead >= PARTS_PER_PAGE) break;
    shown.push(toArchiveDescription(one, await verified.of(one.archive), coming));
  }
  return { page: shortenPage(scan, page, shown.length), shown };
}
