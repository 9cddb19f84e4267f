import { uploadNotFound } from '../../domain/upload.ts';
import { commitBlob } from '../commit-blob.ts';
import { requiredHeader } from '../fields.ts';
import { operation } from '../operation.ts';
import { parsePartRange, placePart } from './upload-headers.ts';

export const uploadMultipartPart = operation({
  name: 'UploadMultipartPart',
  method: 'PUT',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads/{uploadId}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'upload',
  success: 204,
  fields: { range: requiredHeader('content-range', parsePartRange) },
  errors: ['ResourceNotFoundException', 'RequestTimeoutException'],
  // Parts come in any order and concurrently. A part that is sent again replaces the earlier one.
  async run({ vaultKey, vault, id, body, range }, { catalog, blobs, clock, sequence }) {
    const upload = await catalog.findUpload(vault.no, id);
    if (!upload) throw uploadNotFound(id);
    placePart(range, body.length, upload.partSize);
    const { account, region, name } = vaultKey;
    const { archiveId, description, partSize } = upload;
    const place = {
      kind: 'part',
      account,
      region,
      vault: name,
      uploadId: id,
      archiveId,
      offset: range.first,
    } as const;
    let order = 0;
    const stored = await body.store(blobs, async () => {
      // Taken when the bytes are verified, and above the stored part's: the last part to arrive wins.
      order = sequence.next(await catalog.partSequence(upload.no, range.first));
      return { ...place, description, partSize, createdMs: clock.now(), sequence: order };
    });
    const { size, treeHash, linearHash, ref } = stored;
    const part = { first: range.first, size, treeHash, linearHash, sequence: order, ref };
    await commitBlob(blobs, ref, () =>
      catalog.putPart({ uploadNo: upload.no, uploadId: id, part, nowMs: clock.now() }),
    );
    return { headers: { 'x-amz-sha256-tree-hash': treeHash } };
  },
});
