import { deleteVaultAccessPolicy } from './access/delete-vault-access-policy.ts';
import { getVaultAccessPolicy } from './access/get-vault-access-policy.ts';
import { setVaultAccessPolicy } from './access/set-vault-access-policy.ts';
import { getDataRetrievalPolicy } from './account/get-data-retrieval-policy.ts';
import { listProvisionedCapacity } from './account/list-provisioned-capacity.ts';
import { purchaseProvisionedCapacity } from './account/purchase-provisioned-capacity.ts';
import { setDataRetrievalPolicy } from './account/set-data-retrieval-policy.ts';
import { deleteArchive } from './archives/delete-archive.ts';
import { describeArchive } from './archives/describe-archive.ts';
import { getArchive } from './archives/get-archive.ts';
import { listArchives } from './archives/list-archives.ts';
import { uploadArchive } from './archives/upload-archive.ts';
import { describeJob } from './jobs/describe-job.ts';
import { getJobOutput } from './jobs/get-job-output.ts';
import { initiateJob } from './jobs/initiate-job.ts';
import { listJobs } from './jobs/list-jobs.ts';
import { abortVaultLock } from './locks/abort-vault-lock.ts';
import { completeVaultLock } from './locks/complete-vault-lock.ts';
import { getVaultLock } from './locks/get-vault-lock.ts';
import { initiateVaultLock } from './locks/initiate-vault-lock.ts';
import { deleteVaultNotifications } from './notifications/delete-vault-notifications.ts';
import { getVaultNotifications } from './notifications/get-vault-notifications.ts';
import { setVaultNotifications } from './notifications/set-vault-notifications.ts';
import type { Operation } from './operation.ts';
import { cancelTask } from './tasks/cancel-task.ts';
import { describeTask } from './tasks/describe-task.ts';
import { getTaskReport } from './tasks/get-task-report.ts';
import { listTasks } from './tasks/list-tasks.ts';
import { abortMultipartUpload } from './uploads/abort-multipart-upload.ts';
import { completeMultipartUpload } from './uploads/complete-multipart-upload.ts';
import { initiateMultipartUpload } from './uploads/initiate-multipart-upload.ts';
import { listMultipartUploads } from './uploads/list-multipart-uploads.ts';
import { listParts } from './uploads/list-parts.ts';
import { uploadMultipartPart } from './uploads/upload-multipart-part.ts';
import { addTagsToVault } from './vaults/add-tags-to-vault.ts';
import { createVault } from './vaults/create-vault.ts';
import { deleteVault } from './vaults/delete-vault.ts';
import { deleteVaultWithForce } from './vaults/delete-vault-with-force.ts';
import { describeVault } from './vaults/describe-vault.ts';
import { emptyVault } from './vaults/empty-vault.ts';
import { listTagsForVault } from './vaults/list-tags-for-vault.ts';
import { listVaults } from './vaults/list-vaults.ts';
import { removeTagsFromVault } from './vaults/remove-tags-from-vault.ts';

/** All 33 operations of the API. */
export const API: readonly Operation[] = [
  createVault,
  describeVault,
  listVaults,
  deleteVault,
  addTagsToVault,
  listTagsForVault,
  removeTagsFromVault,
  uploadArchive,
  deleteArchive,
  initiateMultipartUpload,
  uploadMultipartPart,
  listParts,
  listMultipartUploads,
  completeMultipartUpload,
  abortMultipartUpload,
  initiateJob,
  listJobs,
  describeJob,
  getJobOutput,
  setVaultNotifications,
  getVaultNotifications,
  deleteVaultNotifications,
  setDataRetrievalPolicy,
  getDataRetrievalPolicy,
  purchaseProvisionedCapacity,
  listProvisionedCapacity,
  setVaultAccessPolicy,
  getVaultAccessPolicy,
  deleteVaultAccessPolicy,
  initiateVaultLock,
  getVaultLock,
  completeVaultLock,
  abortVaultLock,
];

/** Moraine's own operations, whose actions have the prefix `moraine:`. */
export const EXTENSIONS: readonly Operation[] = [
  listArchives,
  describeArchive,
  getArchive,
  emptyVault,
  deleteVaultWithForce,
  listTasks,
  describeTask,
  getTaskReport,
  cancelTask,
];

/** Everything that the server offers. */
export const OPERATIONS: readonly Operation[] = [...API, ...EXTENSIONS];
