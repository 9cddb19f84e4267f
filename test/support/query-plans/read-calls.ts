import type { ArchiveRange } from '../../../src/domain/archive-catalog.ts';
import type { BlobLabel } from '../../../src/domain/blob-store.ts';
import type { CatalogReads } from '../../../src/domain/catalog.ts';
import type { InventoryScope } from '../../../src/domain/inventory-catalog.ts';
import type { JobFilter } from '../../../src/domain/job-catalog.ts';
import type { Paging } from '../../../src/domain/page.ts';
import { type Customer, MIB, START_MS } from '../catalog-contract/customer.ts';
import { type CallsOf, each, mainVault, type Unlimited } from './call.ts';
import {
  archiveId,
  BIG_UPLOAD_NO,
  CROWD,
  IDLE_BEFORE_MS,
  OLD_TASK_NO,
  TAKEN_MS,
  taskId,
  uploadId,
  VAULT_NO,
  vaultName,
} from './crowd.ts';

const LIMIT = 20;

/** Lists the first page and one from the middle. */
function pages<Key>(middle: Key, list: (page: Paging<Key>) => Promise<unknown>): Promise<void> {
  return each(
    () => list({ after: null, limit: LIMIT }),
    () => list({ after: middle, limit: LIMIT }),
  );
}

const JOB_FILTERS: readonly JobFilter[] = [
  { state: null, completed: null },
  { state: 'InProgress', completed: null },
  { state: 'Succeeded', completed: null },
  { state: 'Failed', completed: null },
  { state: null, completed: true },
  { state: null, completed: false },
  { state: 'Succeeded', completed: true },
];

const INVENTORY_SCOPES: readonly InventoryScope[] = [
  { startMs: null, endMs: START_MS, asOfMs: null },
  { startMs: START_MS - 3_599_000, endMs: START_MS - 10, asOfMs: null },
  { startMs: null, endMs: null, asOfMs: TAKEN_MS },
  { startMs: START_MS - 3_599_000, endMs: START_MS - 10, asOfMs: TAKEN_MS },
];

const ARCHIVE_RANGES: readonly ArchiveRange[] = [
  { fromMs: null, beforeMs: null, newestFirst: false },
  { fromMs: null, beforeMs: null, newestFirst: true },
  { fromMs: START_MS - 3_599_000, beforeMs: START_MS - 10, newestFirst: false },
  { fromMs: START_MS - 3_599_000, beforeMs: START_MS - 10, newestFirst: true },
];

function labelOf(c: Customer, label: Pick<BlobLabel, 'kind' | 'archiveId'> & Partial<BlobLabel>): BlobLabel {
  const facts = { ...c.owner, vault: vaultName(VAULT_NO), description: null, createdMs: START_MS };
  return { ...facts, sequence: 1, offset: 0, ...label };
}

const AGING = {
  vaultNo: VAULT_NO,
  lastNo: 1_000_000,
  span: { fromMs: START_MS - 3_599_000, toMs: START_MS },
};

/** Calls of every read of the port. */
export const READ_CALLS: CallsOf<Exclude<keyof CatalogReads, Unlimited>> = {
  findVault: (c) => c.catalog.findVault(c.key(vaultName(VAULT_NO))),
  findVaultState: mainVault,
  hasVaults: ({ catalog }) => catalog.hasVaults(),
  findImportedId: ({ catalog }) => catalog.findImportedId(archiveId(17)),
  listVaultKeys: ({ catalog }) =>
    each(
      () => catalog.listVaultKeys({ name: vaultName(VAULT_NO), limit: LIMIT }),
      () => catalog.listVaultKeys({ name: null, limit: LIMIT }),
    ),
  listVaults: ({ catalog, owner }) => pages(vaultName(50), (page) => catalog.listVaults(owner, page)),
  tagsOf: ({ catalog }) => catalog.tagsOf(VAULT_NO),
  findArchive: ({ catalog }) => catalog.findArchive(VAULT_NO, archiveId(17)),
  listArchives: ({ catalog }) =>
    each(
      ...ARCHIVE_RANGES.map(
        (range) => () =>
          pages({ createdMs: START_MS - 3_598_000, no: 2000 }, (page) =>
            catalog.listArchives(VAULT_NO, range, page),
          ),
      ),
    ),
  findArchivesByNo: ({ catalog }) => catalog.findArchivesByNo(VAULT_NO, [3, 17, 2000]),
  listSegments: ({ catalog }) => {
    const source = { ref: null, uploadNo: BIG_UPLOAD_NO, size: CROWD * MIB, treeHash: '' };
    const span = { first: 1000 * MIB + 5, last: 3000 * MIB };
    return pages(2000 * MIB, (page) => catalog.listSegments(source, span, page));
  },
  listInventory: ({ catalog }) =>
    each(
      ...INVENTORY_SCOPES.map(
        (scope) => () =>
          pages({ createdMs: START_MS - 3_598_000, no: 2000 }, (page) =>
            catalog.listInventory(VAULT_NO, scope, page),
          ),
      ),
    ),
  findTask: ({ catalog, owner }) => catalog.findTask(owner, taskId(17)),
  listTasks: ({ catalog, owner }) => pages(2000, (page) => catalog.listTasks(owner, page)),
  listOpenTasks: ({ catalog }) => catalog.listOpenTasks(START_MS, LIMIT),
  listTaskOutcomes: ({ catalog }) => pages(2_002_000, (page) => catalog.listTaskOutcomes(OLD_TASK_NO, page)),
  comingDeletions: ({ catalog }) => catalog.comingDeletions(VAULT_NO),
  listAging: ({ catalog }) =>
    each(
      () =>
        pages({ isLate: false, ms: START_MS - 3_598_000, no: 2000 }, (page) =>
          catalog.listAging(AGING, page),
        ),
      () =>
        pages({ isLate: true, ms: START_MS - 3_598_000, no: 2000 }, (page) => catalog.listAging(AGING, page)),
    ),
  countAging: ({ catalog }) => catalog.countAging(AGING),
  findJob: ({ catalog }) => catalog.findJob(VAULT_NO, 'done-17', START_MS),
  listJobs: ({ catalog }) =>
    each(
      ...JOB_FILTERS.map(
        (filter) => () => pages(3 * CROWD, (page) => catalog.listJobs(VAULT_NO, filter, START_MS, page)),
      ),
    ),
  dueWork: ({ catalog }) =>
    each(
      () => catalog.dueWork(START_MS),
      () => catalog.dueWork(0),
    ),
  findNotificationConfig: ({ catalog }) => catalog.findNotificationConfig(VAULT_NO),
  listNotifications: ({ catalog }) => pages(2000, (page) => catalog.listNotifications(page)),
  retrievalPolicy: ({ catalog, owner }) => catalog.retrievalPolicy(owner),
  listCapacity: ({ catalog, owner }) => catalog.listCapacity(owner, START_MS),
  findUpload: ({ catalog }) => catalog.findUpload(VAULT_NO, uploadId(17)),
  listUploads: ({ catalog }) => pages(2000, (page) => catalog.listUploads(VAULT_NO, page)),
  listParts: ({ catalog }) => pages(2000 * MIB, (page) => catalog.listParts(BIG_UPLOAD_NO, page)),
  partSequence: ({ catalog }) => catalog.partSequence(BIG_UPLOAD_NO, 2000 * MIB),
  findAccessKey: ({ catalog }) => catalog.findAccessKey('AKIA17'),
  listAccounts: ({ catalog }) => catalog.listAccounts(),
  findUser: ({ catalog, account }) => catalog.findUser(account, 'crowd-1'),
  userByNo: ({ catalog }) => catalog.userByNo(17),
  listUsers: ({ catalog, account }) => catalog.listUsers(account),
  userPolicies: ({ catalog }) => catalog.userPolicies(17),
  listAccessKeys: ({ catalog, account }) =>
    each(
      () => catalog.listAccessKeys(account, 1),
      () => catalog.listAccessKeys(account, null),
    ),
  listLocked: ({ catalog }) => catalog.listLocked(),
  storeLink: ({ catalog }) => catalog.storeLink(),
  lastEntrySeq: ({ catalog }) => catalog.lastEntrySeq(),
  namesBlob: (c) => {
    const { catalog } = c;
    const of = { archive: archiveId(17), part: 'of-crowd-17' };
    return each(
      () => catalog.namesBlob(labelOf(c, { kind: 'archive', archiveId: of.archive }), 'blob-17'),
      () => catalog.namesBlob(labelOf(c, { kind: 'archive', archiveId: of.archive }), 'unknown'),
      () =>
        catalog.namesBlob(
          labelOf(c, { kind: 'part', archiveId: of.part, uploadId: uploadId(17) }),
          'part-16',
        ),
      () => catalog.namesBlob(labelOf(c, { kind: 'inventory', archiveId: '', jobId: 'j' }), 'blob-17'),
    );
  },
  listDamage: ({ catalog }) => pages({ ref: 'blob-2', leaf: 3 }, (page) => catalog.listDamage(page)),
  countDamage: ({ catalog }) => catalog.countDamage(LIMIT),
  findNamedBlobs: ({ catalog }) => catalog.findNamedBlobs(['blob-17', 'part-17', 'unknown']),
  findGarbage: ({ catalog }) => catalog.findGarbage(['gone-17', 'unknown']),
  listNamedRefs: ({ catalog }) =>
    each(
      () => catalog.listNamedRefs({ after: null, before: null }, LIMIT),
      () => catalog.listNamedRefs({ after: 'blob-2', before: 'part-3' }, LIMIT),
    ),
  storedTotals: ({ catalog }) => catalog.storedTotals(),
  listGarbage: ({ catalog }) => pages(2000, (page) => catalog.listGarbage(page)),
  partRefs: ({ catalog }) => catalog.partRefs(BIG_UPLOAD_NO, LIMIT),
  idleUploads: ({ catalog }) => catalog.idleUploads(IDLE_BEFORE_MS, LIMIT),
  listOutbox: ({ catalog }) => catalog.listOutbox(LIMIT),
  findSetting: ({ catalog }) => catalog.findSetting('setting-17'),
  listSettings: ({ catalog }) => catalog.listSettings('setting-17'),
};
