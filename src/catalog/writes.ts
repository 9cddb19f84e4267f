import type { CatalogWrites } from '../domain/catalog.ts';
import {
  deleteAccessKey,
  dropAccessKeys,
  initSetting,
  putAccessKey,
  setKeyStatus,
  setSetting,
} from './access-keys.ts';
import { addArchive, deleteArchive, markDamaged } from './archives.ts';
import { forgetVaults } from './events.ts';
import { dropGarbage } from './garbage.ts';
import {
  finishInventoryJob,
  leaseInventoryJob,
  renewInventoryLease,
  takeInventories,
} from './inventories.ts';
import { expireJobs, finishArchiveJobs, startJob } from './jobs.ts';
import { dropFromOutbox, skipEntrySeqs } from './journal.ts';
import {
  deleteNotificationConfig,
  dropNotification,
  failNotification,
  leaseNotifications,
  retryNotifications,
  setNotificationConfig,
} from './notifications.ts';
import { dropParts, putPart } from './parts.ts';
import { purchaseCapacity, setRetrievalPolicy } from './retrieval.ts';
import { claimGeneration, raiseCommitNumber } from './store-link.ts';
import { addTags, removeTags } from './tags.ts';
import type { Tx } from './transaction.ts';
import { abortUpload, completeUpload, expireUpload, forgetUploads, startUpload } from './uploads.ts';
import { createAccount, createUser, deleteUser, deleteUserPolicy, putUserPolicy } from './users.ts';
import {
  abortVaultLock,
  completeVaultLock,
  initiateVaultLock,
  restoreVaultLock,
  setVaultAccessPolicy,
} from './vault-policies.ts';
import { createVault, deleteVault } from './vaults.ts';

type Args<Name extends keyof CatalogWrites> = Parameters<CatalogWrites[Name]>[0];
type Result<Name extends keyof CatalogWrites> = Awaited<ReturnType<CatalogWrites[Name]>>;
type Implementations = { [Name in keyof CatalogWrites]: (tx: Tx, args: Args<Name>) => Promise<Result<Name>> };

/** Every write, by name: the name and the arguments are what travels to the process that writes. */
const WRITES: Implementations = {
  createVault,
  deleteVault,
  addTags,
  removeTags,
  addArchive,
  deleteArchive,
  startUpload,
  putPart,
  completeUpload,
  abortUpload,
  expireUpload,
  forgetUploads,
  markDamaged,
  startJob,
  finishArchiveJobs,
  leaseInventoryJob,
  renewInventoryLease,
  finishInventoryJob,
  expireJobs,
  takeInventories,
  setNotificationConfig,
  deleteNotificationConfig,
  leaseNotifications,
  dropNotification,
  failNotification,
  retryNotifications,
  setRetrievalPolicy,
  purchaseCapacity,
  setVaultAccessPolicy,
  initiateVaultLock,
  completeVaultLock,
  abortVaultLock,
  restoreVaultLock,
  skipEntrySeqs,
  claimGeneration,
  raiseCommitNumber,
  createAccount,
  createUser,
  deleteUser,
  putUserPolicy,
  deleteUserPolicy,
  setKeyStatus,
  deleteAccessKey,
  putAccessKey,
  dropAccessKeys,
  initSetting,
  setSetting,
  forgetVaults,
  dropGarbage,
  dropParts,
  dropFromOutbox,
};

export type WriteName = keyof CatalogWrites;

/** Runs a write as one durable transaction, wherever that is. */
export interface Writer {
  run(name: WriteName, args: unknown): Promise<unknown>;
  /** The newest commit number that the writer knows; 0 before it knows any. No I/O. */
  commitNumber(): number;
  /** Lets what was begun come to its end, then takes no more. */
  close(): Promise<void>;
}

/** Runs one write in a transaction that the caller began. @throws TypeError for an unknown name. */
export function runWrite(tx: Tx, name: WriteName, args: unknown): Promise<unknown> {
  if (!Object.hasOwn(WRITES, name)) throw new TypeError(`no such catalog write: ${String(name)}`);
  return (WRITES[name] as (tx: Tx, args: unknown) => Promise<unknown>)(tx, args);
}

/** The port's methods over a writer. */
export function writesOver(writer: Writer): CatalogWrites {
  const methods = Object.keys(WRITES).map((name) => [
    name,
    (args: unknown) => writer.run(name as WriteName, args),
  ]);
  return Object.fromEntries(methods) as CatalogWrites;
}
