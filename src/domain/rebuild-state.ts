/** What the entries of the journal do to the state from which a catalog is rebuilt (docs/format.md, "Rebuilding"). */
import type { AccessKey } from './access-key-catalog.ts';
import type { CapacityUnit } from './capacity.ts';
import type { Entry, EntryOf } from './entries.ts';
import { NUMBERS_PER_MS } from './sequence.ts';
import type { User } from './user-catalog.ts';
import type { VaultKey, VaultOwner } from './vault.ts';
import type { VaultLock } from './vault-lock.ts';

/** A change of one of a vault's settings; undefined leaves it as it is. */
export interface VaultChange {
  readonly tags?: Readonly<Record<string, string>>;
  readonly notifications?: { readonly topic: string; readonly events: readonly string[] } | null;
  readonly accessPolicy?: string | null;
  readonly lock?: VaultLock | null;
}

/** The state that the entries build up. A change of what is not there does nothing, except where it adds it. */
export interface RebuildState {
  /** Adds the vault unless it is there. */
  createVault(key: VaultKey, createdMs: number): void;
  /** Removes the vault with all that is in it and on it. */
  deleteVault(key: VaultKey): void;
  changeVault(key: VaultKey, change: VaultChange): void;
  /** Locks a vault of this name, unless it was made after `vaultCreatedMs`, when the locked one was made. */
  lockVault(key: VaultKey, vaultCreatedMs: number, lock: VaultLock): void;
  startUpload(key: VaultKey, entry: EntryOf<'upload-started'>): void;
  completeUpload(key: VaultKey, entry: EntryOf<'upload-completed'>): void;
  endUpload(key: VaultKey, entry: EntryOf<'upload-ended'>): void;
  /** No archive of these ids is there, whatever comes before or later. @param key the vault that had them. */
  useIds(key: VaultKey, archiveIds: readonly string[]): void;
  /** Something was written in the vault of this name. */
  noteWrite(key: VaultKey, atMs: number): void;
  importArchive(entry: EntryOf<'archive-imported'>): void;
  /** The greatest number counts. */
  numberArchive(archiveId: string, number: number): void;
  keepInBulk(bulkId: string, archiveIds: readonly string[]): void;
  deleteInBulk(key: VaultKey, entry: EntryOf<'archives-deleted'>): void;
  createAccount(id: string, createdMs: number): void;
  putUser(user: User): void;
  deleteUser(userNo: number): void;
  /** @param document null removes the policy. */
  putUserPolicy(userNo: number, name: string, document: string | null): void;
  putKey(key: AccessKey & { readonly createdMs: number }): void;
  deleteKey(id: string): void;
  putSetting(name: string, value: string): void;
  putRetrievalPolicy(owner: VaultOwner, strategy: string, bytesPerHour: string | null): void;
  addCapacity(owner: VaultOwner, unit: CapacityUnit): void;
}

type Appliers = { readonly [Type in Entry['type']]: (state: RebuildState, entry: EntryOf<Type>) => void };

function keyOf({ account, region, vault }: { account: string; region: string; vault: string }): VaultKey {
  return { account, region, name: vault };
}

const APPLIERS: Appliers = {
  'vault-created': (state, entry) => state.createVault(keyOf(entry), entry.at),
  'vault-deleted': (state, entry) => state.deleteVault(keyOf(entry)),
  'vault-tags': (state, entry) => state.changeVault(keyOf(entry), { tags: entry.tags }),
  'vault-notifications': (state, entry) => {
    const { topic, events } = entry;
    state.changeVault(keyOf(entry), { notifications: topic === null ? null : { topic, events } });
  },
  'vault-access-policy': (state, entry) => state.changeVault(keyOf(entry), { accessPolicy: entry.policy }),
  'vault-lock': (state, entry) => state.changeVault(keyOf(entry), { lock: lockOf(entry) }),
  'upload-started': (state, entry) => state.startUpload(keyOf(entry), entry),
  'upload-completed'(state, entry) {
    state.completeUpload(keyOf(entry), entry);
    state.noteWrite(keyOf(entry), entry.at);
    state.numberArchive(entry.archiveId, entry.number ?? entry.at * NUMBERS_PER_MS);
  },
  'upload-ended': (state, entry) => state.endUpload(keyOf(entry), entry),
  'archive-deleted'(state, entry) {
    state.useIds(keyOf(entry), [entry.archiveId]);
    state.noteWrite(keyOf(entry), entry.at);
  },
  'archive-imported': (state, entry) => state.importArchive(entry),
  'archive-numbered': (state, entry) => state.numberArchive(entry.archiveId, entry.number),
  'archives-kept': (state, entry) => state.keepInBulk(entry.bulkId, entry.archiveIds),
  'archives-deleted'(state, entry) {
    state.deleteInBulk(keyOf(entry), entry);
    state.noteWrite(keyOf(entry), entry.at);
  },
  'ids-used': (state, entry) => state.useIds(keyOf(entry), entry.archiveIds),
  'account-created': (state, entry) => state.createAccount(entry.account, entry.at),
  'user-created'(state, { account, userNumber: no, userName: name, userId, at: createdMs }) {
    state.putUser({ no, account, name, userId, createdMs });
  },
  'user-deleted': (state, entry) => state.deleteUser(entry.userNumber),
  'user-policy': (state, entry) => state.putUserPolicy(entry.userNumber, entry.policyName, entry.document),
  'access-key'(state, { accessKeyId: id, userNumber: userNo, at: createdMs, type: _, ...key }) {
    state.putKey({ id, userNo, createdMs, ...key });
  },
  'access-key-deleted': (state, entry) => state.deleteKey(entry.accessKeyId),
  setting: (state, entry) => state.putSetting(entry.name, entry.value),
  'retrieval-policy'(state, { account, region, strategy, bytes_per_hour }) {
    state.putRetrievalPolicy({ account, region }, strategy, bytes_per_hour);
  },
  'capacity-unit'(state, { account, region, id, startMs, expiresMs }) {
    state.addCapacity({ account, region }, { id, startMs, expiresMs });
  },
  'numbers-skipped': () => {},
};

function lockOf(entry: EntryOf<'vault-lock'>): VaultLock | null {
  if (entry.state === null) return null;
  const { state, policy, lockIdHash: idHash, at, createdMs = at } = entry;
  return { state, policy, idHash, createdMs };
}

/** Applies an entry of a known type. Applying it twice changes nothing. */
export function applyEntry(state: RebuildState, entry: Entry): void {
  (APPLIERS[entry.type] as (state: RebuildState, entry: Entry) => void)(state, entry);
}

/** Types whose entries have the same effect in any order, so that they need not be sorted. Nearly all entries are. */
const UNORDERED: ReadonlySet<string> = new Set<Entry['type']>([
  'archive-deleted',
  'archive-imported',
  'archive-numbered',
  'archives-kept',
  'archives-deleted',
  'ids-used',
  'numbers-skipped',
]);

/** Whether an entry of this type may be applied before those with smaller numbers. */
export function isUnordered(type: string): boolean {
  return UNORDERED.has(type);
}
