import { jobNotFound } from '../../domain/job.ts';
import { operation } from '../operation.ts';
import { describeJob as description } from './job-description.ts';

export const describeJob = operation({
  name: 'DescribeJob',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/jobs/{jobId}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vault, id }, { catalog, clock }) {
    const job = await catalog.findJob(vault.no, id, clock.now());
    if (!job) throw jobNotFound(id);
    return { json: description(job, vault) };
  },
});
