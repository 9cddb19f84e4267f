import { parseDescription } from '../archives/archive-headers.ts';
import { header } from '../fields.ts';
import { operation } from '../operation.ts';
import { parsePartSize } from './upload-headers.ts';

export const initiateMultipartUpload = operation({
  name: 'InitiateMultipartUpload',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 201,
  fields: {
    // Not `required`: the service answers a missing size like a wrong one ("Invalid part size: null").
    partSize: header('x-amz-part-size', parsePartSize),
    description: header('x-amz-archive-description', parseDescription),
  },
  errors: ['ResourceNotFoundException'],
  async run({ vaultKey, vault, partSize, description }, { catalog, clock, ids }) {
    const createdMs = clock.now();
    const id = ids.uploadId(createdMs);
    const archiveId = ids.archiveId(vaultKey, createdMs);
    await catalog.startUpload({ vaultNo: vault.no, id, archiveId, description, partSize, createdMs });
    return {
      headers: {
        Location: `/${vaultKey.account}/vaults/${vaultKey.name}/multipart-uploads/${id}`,
        'x-amz-multipart-upload-id': id,
      },
    };
  },
});
