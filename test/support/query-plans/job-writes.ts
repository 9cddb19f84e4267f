import { JOB_LIFE_MS } from '../../../src/domain/job.ts';
import { type Customer, START_MS, unique } from '../catalog-contract/customer.ts';
import { archiveJob, inventoryJob, storedArchive, TOPIC } from '../catalog-contract/job-fixtures.ts';
import { type CallsOf, each, mainVault } from './call.ts';
import { VAULT_NO } from './crowd.ts';

const LEASE = { nowMs: START_MS, leaseMs: 60_000 };
const LIMIT = 10;

/** Starts Standard jobs under each retrieval policy, and an Expedited one with scarce capacity. */
async function startJobs(c: Customer): Promise<void> {
  const vault = await mainVault(c);
  const archive = await storedArchive(c, vault);
  for (const policy of [
    { strategy: 'None' },
    { strategy: 'BytesPerHour', bytesPerHour: 10n ** 12n },
  ] as const) {
    await c.catalog.setRetrievalPolicy({ owner: c.owner, policy });
    for (const tier of ['Standard', 'Expedited', 'Bulk'] as const) {
      const job = archiveJob(archive, { tier, dueMs: START_MS, topic: TOPIC });
      await c.catalog.startJob({ job, nowMs: START_MS, expeditedCapacity: 1_000_000 });
    }
  }
  await c.catalog.startJob({ job: inventoryJob(vault), nowMs: START_MS, expeditedCapacity: null });
}

/** Leases one and does with it what a worker does. */
async function workOnInventory({ catalog }: Customer): Promise<void> {
  const token = `token-${unique()}`;
  const jobNo = (await catalog.leaseInventoryJob({ token, ...LEASE }))?.job.no ?? 0;
  await catalog.renewInventoryLease({ jobNo, token, ...LEASE });
  const output = { ref: `output-${unique()}`, size: 1, nextMarker: null };
  await catalog.finishInventoryJob({ jobNo, token, output, nowMs: START_MS });
}

/** Writes of jobs, inventories, messages, retrieval policies and capacity. */
export const JOB_WRITES: CallsOf<
  | 'startJob'
  | 'finishArchiveJobs'
  | 'leaseInventoryJob'
  | 'renewInventoryLease'
  | 'finishInventoryJob'
  | 'expireJobs'
  | 'takeInventories'
  | 'setNotificationConfig'
  | 'deleteNotificationConfig'
  | 'leaseNotifications'
  | 'dropNotification'
  | 'failNotification'
  | 'retryNotifications'
  | 'setRetrievalPolicy'
  | 'countDirectRead'
  | 'purchaseCapacity'
> = {
  startJob: startJobs,
  finishArchiveJobs: ({ catalog }) => catalog.finishArchiveJobs({ nowMs: START_MS, limit: LIMIT }),
  leaseInventoryJob: workOnInventory,
  renewInventoryLease: workOnInventory,
  finishInventoryJob: workOnInventory,
  expireJobs: ({ catalog }) =>
    catalog.expireJobs({ endedBeforeMs: START_MS - JOB_LIFE_MS, nowMs: START_MS, limit: LIMIT }),
  takeInventories: ({ catalog }) =>
    catalog.takeInventories({ nowMs: START_MS + 1, intervalMs: 1000, limit: LIMIT }),
  setNotificationConfig: ({ catalog }) =>
    catalog.setNotificationConfig({
      vaultNo: VAULT_NO,
      config: { topic: TOPIC, events: ['InventoryRetrievalCompleted'] },
    }),
  deleteNotificationConfig: ({ catalog }) => catalog.deleteNotificationConfig({ vaultNo: VAULT_NO }),
  leaseNotifications: ({ catalog }) => catalog.leaseNotifications({ ...LEASE, limit: LIMIT }),
  dropNotification: ({ catalog }) => catalog.dropNotification({ no: 17 }),
  failNotification: ({ catalog }) =>
    each(
      () => catalog.failNotification({ no: 18, reason: 'no answer', nextTryMs: START_MS }),
      () => catalog.failNotification({ no: 18, reason: 'no answer', nextTryMs: null }),
    ),
  retryNotifications: ({ catalog }) =>
    each(
      () => catalog.retryNotifications({ no: 18, nowMs: START_MS }),
      () => catalog.retryNotifications({ no: null, nowMs: START_MS }),
    ),
  setRetrievalPolicy: ({ catalog, owner }) =>
    catalog.setRetrievalPolicy({ owner, policy: { strategy: 'FreeTier' } }),
  countDirectRead: ({ catalog, owner }) => catalog.countDirectRead({ owner, bytes: 5, nowMs: START_MS }),
  purchaseCapacity: ({ catalog, owner }) =>
    catalog.purchaseCapacity({
      owner,
      unit: { id: `unit-${unique()}`, startMs: START_MS, expiresMs: START_MS + 1 },
      nowMs: START_MS,
    }),
};
