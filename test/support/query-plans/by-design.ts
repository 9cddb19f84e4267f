import type { Method } from './every-call.ts';

interface Exemption {
  /** Tables of which the method may read many rows; `sorted` lets SQLite sort what it read. */
  readonly tables: readonly string[];
  readonly why: string;
}

const COMMAND: Omit<Exemption, 'tables'> = {
  why: 'only commands and starts call it, and users and keys are few',
};

/** Methods that may read many rows of some tables, with the reason. All others must not. */
export const BY_DESIGN: { readonly [Name in Method]?: Exemption } = {
  listAccounts: { tables: ['accounts'], ...COMMAND },
  listVaultKeys: { tables: ['vaults', 'sorted'], why: 'only a command calls it, and shows at most fifty' },
  listUsers: { tables: ['users'], ...COMMAND },
  listAccessKeys: { tables: ['access_keys'], ...COMMAND },
  deleteUser: { tables: ['access_keys'], ...COMMAND },
  dropAccessKeys: { tables: ['access_keys'], ...COMMAND },
  namesBlob: {
    tables: ['jobs'],
    why: "a start calls it for the few blobs that a crash left, and reads a day's jobs",
  },
  listJobs: {
    tables: ['jobs'],
    why: "to list one state, PostgreSQL filters the newest jobs of all states, at most a day's",
  },
  createVault: {
    tables: ['vaults', 'store_records'],
    why: 'an owner has at most 1,000 vaults, which it counts; the first write appends the entries left in the outbox',
  },
  listLocked: { tables: ['vault_policies'], why: 'a start calls it once, and reads one row per vault' },
  retryNotifications: {
    tables: ['notifications'],
    why: 'only a command calls it, and makes all of them due',
  },
  countDirectRead: {
    tables: ['jobs', 'vaults', 'sorted'],
    why: "a retrieval policy sums up a day's retrievals",
  },
  listCapacity: { tables: ['sorted'], why: 'an owner has two units in force at most' },
  startJob: {
    tables: ['jobs', 'vaults', 'sorted'],
    why: "a retrieval policy sums up a day's retrievals, scarce capacity those of five minutes",
  },
  deleteVault: {
    tables: ['uploads', 'jobs', 'deleted_archives'],
    why: "an empty vault is deleted with its remaining rows: the uploads and a day's jobs",
  },
  takeInventories: {
    tables: ['vault_counts', 'vault_inventories', 'deleted_archives', 'sorted'],
    why: 'reads one row per vault each minute; taking an inventory drops the archives deleted since the last one',
  },
  completeUpload: { tables: ['parts'], why: 'an upload has at most 10,000 parts, and it folds all of them' },
  idleUploads: { tables: ['parts'], why: 'an upload has at most 10,000 parts' },
  listDamage: {
    tables: ['damage', 'd'],
    why: 'a page of it in the order of its key, before what is joined to it',
  },
  findGarbage: {
    tables: ['garbage'],
    why: 'the scrub asks, of blobs that nothing names, of which there are few',
  },
  storedTotals: { tables: ['vault_counts'], why: 'the scrub asks once a pass, of some rows a vault' },
  beginTask: { tables: ['task_archives'], why: 'forgets a batch of lines of a report' },
  expireTasks: { tables: ['task_archives'], why: 'forgets a batch of lines of a report' },
  countAging: {
    tables: ['archives'],
    why: 'EmptyVault counts the archives that a lock holds, in an index alone',
  },
  dropParts: { tables: ['parts'], why: 'an upload has at most 10,000 parts' },
};
