import { policyVersionOf } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

export const abortMultipartUpload = operation({
  name: 'AbortMultipartUpload',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads/{uploadId}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vault, id }, { catalog, clock, settings }) {
    const nowMs = clock.now();
    const rememberedSinceMs = nowMs - settings.completeMemoryMs;
    const policyVersion = policyVersionOf(vault);
    await catalog.abortUpload({
      vaultNo: vault.no,
      uploadId: id,
      nowMs,
      rememberedSinceMs,
      policyVersion,
    });
    return {};
  },
});
