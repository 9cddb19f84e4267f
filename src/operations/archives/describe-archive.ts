import { named } from '../../domain/archive-listing.ts';
import { query } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseMarker } from '../paging.ts';
import { toArchiveDescription } from './archive-description.ts';
import { LastVerified } from './last-verified.ts';
import { requireArchive } from './require-archive.ts';
import { listSegmentsOf } from './segment-list.ts';

export const describeArchive = operation({
  name: 'moraine:DescribeArchive',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/archives/{archiveId}',
  account: 'may-be-other',
  vault: 'must-exist',
  archiveId: (id) => id,
  body: 'none',
  success: 200,
  fields: { marker: query('segments-marker', parseMarker) },
  errors: ['ResourceNotFoundException'],
  async run({ vault, id, marker }, deps) {
    const archive = await requireArchive(id, vault, deps);
    const { segments, next } = await listSegmentsOf(archive, marker, deps);
    const verifiedMs = await (await LastVerified.load(deps)).of(archive);
    const coming = await deps.catalog.comingDeletions(vault.no);
    const description = toArchiveDescription(named(archive), verifiedMs, coming);
    return { json: { ...description, Segments: segments, SegmentsMarker: next } };
  },
});
