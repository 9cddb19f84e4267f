/** Every kind of request, and how often it is sent. */

import { deleteArchive, uploadArchive } from './archives.ts';
import type { AskContext, Asked } from './asked.ts';
import { badRequest } from './bad.ts';
import { importArchive, startImport } from './imports.ts';
import { describeJob, getJobOutput, initiateInventory, initiateRetrieval, listJobs } from './jobs.ts';
import {
  abortLock,
  completeLock,
  getLock,
  getRetrievalPolicy,
  getSetting,
  initiateLock,
  purchaseCapacity,
  removeSetting,
  setRetrievalPolicy,
  setSetting,
} from './settings.ts';
import { abortUpload, completeUpload, listParts, listUploads, putPart, startUpload } from './uploads.ts';
import { createVault, deleteVault, describeVault, listVaults } from './vaults.ts';

type Ask = (context: AskContext) => Asked | undefined;

/** Undefined where the model has nothing that the request could be about. */
export const REQUESTS = {
  createVault,
  deleteVault,
  describeVault,
  listVaults,
  uploadArchive,
  deleteArchive,
  importArchive,
  startImport,
  startUpload,
  putPart,
  completeUpload,
  abortUpload,
  listParts,
  listUploads,
  setSetting,
  removeSetting,
  getSetting,
  initiateLock,
  completeLock,
  abortLock,
  getLock,
  setRetrievalPolicy,
  getRetrievalPolicy,
  purchaseCapacity,
  initiateRetrieval,
  initiateInventory,
  describeJob,
  getJobOutput,
  listJobs,
  badRequest,
} as const satisfies Record<string, Ask>;

export type RequestKind = keyof typeof REQUESTS;

export const WEIGHTS: Readonly<Record<RequestKind, number>> = {
  createVault: 5,
  deleteVault: 2,
  describeVault: 2,
  listVaults: 1,
  uploadArchive: 26,
  deleteArchive: 14,
  importArchive: 12,
  startImport: 3,
  startUpload: 8,
  putPart: 18,
  completeUpload: 8,
  abortUpload: 2,
  listParts: 2,
  listUploads: 1,
  setSetting: 5,
  removeSetting: 2,
  getSetting: 2,
  initiateLock: 1,
  completeLock: 1,
  abortLock: 1,
  getLock: 1,
  setRetrievalPolicy: 1,
  getRetrievalPolicy: 1,
  purchaseCapacity: 0.5,
  initiateRetrieval: 6,
  initiateInventory: 2,
  describeJob: 1,
  getJobOutput: 8,
  listJobs: 0.5,
  badRequest: 5,
};
