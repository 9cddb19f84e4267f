import type { Method } from './every-call.ts';

interface Exemption {
  /** Tables of which the method may read much, `*` for all; `sorted` lets SQLite sort what it read. */
  readonly tables: readonly string[];
  readonly why: string;
}

const EMULATOR: Omit<Exemption, 'tables'> = { why: 'the emulator alone asks, of the little that it has' };
const COMMAND: Omit<Exemption, 'tables'> = { why: 'a command or a start asks, and users and keys are few' };

/** Methods that may read much of a table, and why. All others must not. */
export const BY_DESIGN: { readonly [Name in Method]?: Exemption } = {
  nextEventMs: { tables: ['*'], ...EMULATOR },
  forgetVaults: { tables: ['*'], ...EMULATOR },
  listAccounts: { tables: ['accounts'], ...COMMAND },
  listVaultKeys: { tables: ['vaults', 'sorted'], why: 'a command asks, and shows at most fifty' },
  listUsers: { tables: ['users'], ...COMMAND },
  listAccessKeys: { tables: ['access_keys'], ...COMMAND },
  deleteUser: { tables: ['access_keys'], ...COMMAND },
  dropAccessKeys: { tables: ['access_keys'], ...COMMAND },
  namesBlob: { tables: ['jobs'], why: 'at a start, of the few blobs that a crash left, the jobs of a day' },
  listJobs: {
    tables: ['jobs'],
    why: 'in a list of one state PostgreSQL goes through the newest jobs of all, at most those of a day',
  },
  namesAnyBlob: {
    tables: ['*'],
    why: 'a start asks once, and each part of the question ends at the first row',
  },
  createVault: {
    tables: ['vaults', 'store_records'],
    why: 'an owner has at most 1,000 vaults, and they are counted; the first write journals the facts that are owed',
  },
  journalCatalog: { tables: ['*'], ...COMMAND },
  journalPeople: { tables: ['*'], ...COMMAND },
  listLocked: { tables: ['vault_policies'], why: 'once at a start, of one row a vault' },
  retryNotifications: { tables: ['notifications'], why: 'a command makes all of them due' },
  listCapacity: { tables: ['sorted'], why: 'an owner has two units in force at most' },
  startJob: {
    tables: ['jobs', 'vaults', 'sorted'],
    why: 'a policy that limits retrievals sums up those of the day, scarce capacity those of five minutes',
  },
  deleteVault: {
    tables: ['uploads', 'jobs', 'deleted_archives'],
    why: 'what an empty vault has left goes with it: the uploads and jobs of a day',
  },
  takeInventories: {
    tables: ['vault_counts', 'vault_inventories', 'deleted_archives', 'sorted'],
    why: 'once a minute looks at one row a vault; what was deleted since the last inventory goes when it is taken',
  },
  completeUpload: { tables: ['parts'], why: 'an upload has at most 10,000 parts, and all are folded' },
  idleUploads: { tables: ['parts'], why: 'an upload has at most 10,000 parts' },
  dropParts: { tables: ['parts'], why: 'an upload has at most 10,000 parts' },
};
