import { operation } from '../operation.ts';
import { startDeletion } from './empty-vault.ts';

export const deleteVaultWithForce = operation({
  name: 'moraine:DeleteVault',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}',
  query: { name: 'force', value: 'true' },
  account: 'may-be-other',
  vault: 'must-exist',
  needsTrustedTime: true,
  body: 'none',
  success: 202,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // The task deletes the vault once all that it held is gone.
  async run(request, deps) {
    const { TaskId } = await startDeletion('DeleteVault', 0, request, deps);
    return { headers: { 'x-moraine-task-id': TaskId }, json: { TaskId } };
  },
});
