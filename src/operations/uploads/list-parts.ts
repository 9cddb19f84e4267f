import { type Part, uploadNotFound } from '../../domain/upload.ts';
import { vaultArn } from '../../domain/vault.ts';
import { toApiDate } from '../api-date.ts';
import { query } from '../fields.ts';
import { operation } from '../operation.ts';
import { decodeMarker, encodeMarker, limitParser, parseMarker } from '../paging.ts';

const PARTS_PER_PAGE = 50;
const MARKER = 'part';

export const listParts = operation({
  name: 'ListParts',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads/{uploadId}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: { limit: query('limit', limitParser(PARTS_PER_PAGE)), marker: query('marker', parseMarker) },
  errors: ['ResourceNotFoundException'],
  async run({ vault, id, limit, marker }, { catalog }) {
    const after = decodeMarker(MARKER, marker);
    const upload = await catalog.findUpload(vault.no, id);
    if (!upload) throw uploadNotFound(id);
    const { rows, more } = await catalog.listParts(upload.no, { after, limit });
    const last = rows.at(-1);
    const json = {
      ArchiveDescription: upload.description,
      CreationDate: toApiDate(upload.createdMs),
      Marker: more && last ? encodeMarker(MARKER, last.first) : null,
      MultipartUploadId: upload.id,
      PartSizeInBytes: upload.partSize,
      Parts: rows.map(describePart),
      VaultARN: vaultArn(vault),
    };
    return { json };
  },
});

function describePart({ first, size, treeHash }: Part): Record<string, string> {
  return { RangeInBytes: `${first}-${first + size - 1}`, SHA256TreeHash: treeHash };
}
