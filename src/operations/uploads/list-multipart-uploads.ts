import { vaultArn } from '../../domain/vault.ts';
import { toApiDate } from '../api-date.ts';
import { query } from '../fields.ts';
import { operation } from '../operation.ts';
import { decodeMarker, encodeMarker, limitParser, parseMarker } from '../paging.ts';

const UPLOADS_PER_PAGE = 50;
const MARKER = 'upload';

export const listMultipartUploads = operation({
  name: 'ListMultipartUploads',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: { limit: query('limit', limitParser(UPLOADS_PER_PAGE)), marker: query('marker', parseMarker) },
  errors: ['ResourceNotFoundException'],
  // Lists uploads in progress. The marker is a number, so it outlives an upload that ends between two pages.
  async run({ vault, limit, marker }, { catalog }) {
    const { rows, more } = await catalog.listUploads(vault.no, {
      after: decodeMarker(MARKER, marker),
      limit,
    });
    const last = rows.at(-1);
    const uploads = rows.map((upload) => ({
      ArchiveDescription: upload.description,
      CreationDate: toApiDate(upload.createdMs),
      MultipartUploadId: upload.id,
      PartSizeInBytes: upload.partSize,
      VaultARN: vaultArn(vault),
    }));
    return {
      json: { Marker: more && last ? encodeMarker(MARKER, last.no) : null, UploadsList: uploads },
    };
  },
});
