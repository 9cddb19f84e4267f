import { query } from '../fields.ts';
import { operation } from '../operation.ts';
import { parseMarker } from '../paging.ts';
import { toArchiveDescription } from './archive-description.ts';
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
    return {
      json: { ...toArchiveDescription(archive), Segments: segments, SegmentsMarker: next },
    };
  },
});
