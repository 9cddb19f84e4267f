import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { AccessKey } from '../../domain/access-key-catalog.ts';
import type { CapacityUnit } from '../../domain/capacity.ts';
import type { EntryOf } from '../../domain/entries.ts';
import type { RebuildState, VaultChange } from '../../domain/rebuild-state.ts';
import type { User } from '../../domain/user-catalog.ts';
import type { VaultKey, VaultOwner } from '../../domain/vault.ts';
import type { VaultLock } from '../../domain/vault-lock.ts';
import { fromHex, keyOfId } from '../digest.ts';

/** The state of a rebuild, as rows of its scratch database. */
export class ScratchState implements RebuildState {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Whether the server proves an archive id to be its own. */
  readonly isOwnId: (archiveId: string) => boolean;

  constructor(database: DatabaseSync, isOwnId: (archiveId: string) => boolean) {
    this.#database = database;
    this.isOwnId = isOwnId;
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepare(sql).run(...values);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  createVault({ account, region, name }: VaultKey, createdMs: number): void {
    this.#run(
      `insert into vaults (account, region, name, created_ms, tags, changes) values (?, ?, ?, ?, '{}', 0)
       on conflict do nothing`,
      account,
      region,
      name,
      createdMs,
    );
  }

  deleteVault(key: VaultKey): void {
    const no = this.#vaultNo(key);
    if (no === undefined) return;
    this.#run('delete from uploads where vault_no = ?', no);
    this.#run('delete from vaults where no = ?', no);
  }

  #vaultNo({ account, region, name }: VaultKey): number | undefined {
    const found = this.#prepare('select no from vaults where account = ? and region = ? and name = ?');
    return found.get(account, region, name)?.['no'] as number | undefined;
  }

  changeVault(key: VaultKey, { tags, notifications, accessPolicy, lock }: VaultChange): void {
    const no = this.#vaultNo(key);
    if (no === undefined) return;
    if (notifications !== undefined) {
      const [topic, events] = [notifications?.topic ?? null, notifications?.events.join(',') ?? null];
      this.#run('update vaults set topic = ?, events = ? where no = ?', topic, events, no);
      return;
    }
    // Changes of policies, locks and tags count as versions of the vault's policies.
    this.#run('update vaults set changes = changes + 1 where no = ?', no);
    if (tags !== undefined) this.#run('update vaults set tags = ? where no = ?', JSON.stringify(tags), no);
    if (accessPolicy !== undefined)
      this.#run('update vaults set access_policy = ? where no = ?', accessPolicy, no);
    if (lock === undefined) return;
    const columns = lock && [lock.policy, lock.state, lock.idHash, lock.createdMs];
    this.#run(
      'update vaults set lock_policy = ?, lock_state = ?, lock_id_hash = ?, lock_created_ms = ? where no = ?',
      ...(columns ?? [null, null, null, null]),
      no,
    );
  }

  lockVault(key: VaultKey, vaultCreatedMs: number, lock: VaultLock): void {
    const { account, region, name } = key;
    const found = this.#prepare(
      `select 1 from vaults where account = ? and region = ? and name = ? and created_ms <= ?
       and coalesce(lock_state, '') <> 'Locked'`,
    );
    if (found.get(account, region, name, vaultCreatedMs) !== undefined) this.changeVault(key, { lock });
  }

  startUpload(key: VaultKey, entry: EntryOf<'upload-started'>): void {
    const { uploadId, archiveId, description, partSize, at, importedBy, createdMs } = entry;
    const imported = [importedBy ?? null, createdMs ?? null];
    this.#addUpload(key, uploadId, [archiveId, keyOfId(archiveId), description, partSize, at, ...imported]);
  }

  #addUpload(key: VaultKey, id: string, rest: readonly SQLInputValue[]): number | undefined {
    const no = this.#vaultNo(key);
    if (no === undefined) return undefined;
    this.#run(
      `insert into uploads (vault_no, id, archive_id, key, description, part_size, created_ms, imported_by, given_ms, state)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open') on conflict do nothing`,
      no,
      id,
      ...rest,
    );
    return no;
  }

  completeUpload(key: VaultKey, entry: EntryOf<'upload-completed'>): void {
    const { uploadId, archiveId, description, size, treeHash, at } = entry;
    // The upload is there, unless damage hides its start. Then the size of its parts is unknown.
    const no = this.#addUpload(key, uploadId, [
      archiveId,
      keyOfId(archiveId),
      description,
      0,
      at,
      null,
      null,
    ]);
    if (no === undefined) return;
    this.#run(
      `update uploads set state = 'completed', ended_ms = ?, size = ?, tree_hash = ? where vault_no = ? and id = ?`,
      at,
      size,
      fromHex(treeHash),
      no,
      uploadId,
    );
  }

  endUpload(key: VaultKey, { uploadId, how, at }: EntryOf<'upload-ended'>): void {
    const no = this.#vaultNo(key);
    if (no === undefined) return;
    const end = 'update uploads set state = ?, ended_ms = ? where vault_no = ? and id = ?';
    this.#run(end, how, at, no, uploadId);
  }

  useIds(key: VaultKey, archiveIds: readonly string[]): void {
    for (const id of archiveIds) {
      this.#run('insert into used_ids (key) values (?)', keyOfId(id));
      this.noteForeignId(key, id);
    }
  }

  /** Notes an id that no new archive may get, unless it proves itself. */
  noteForeignId({ account, region, name }: VaultKey, archiveId: string): void {
    if (this.isOwnId(archiveId)) return;
    const insert = 'insert or ignore into foreign_ids values (?, ?, ?, ?)';
    this.#run(insert, keyOfId(archiveId), account, region, name);
  }

  noteWrite({ account, region, name }: VaultKey, atMs: number): void {
    this.#run(
      `insert into writes (account, region, vault, first_ms, last_ms) values (?, ?, ?, ?, ?)
       on conflict do update set first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)`,
      account,
      region,
      name,
      atMs,
      atMs,
    );
  }

  importArchive({ archiveId, createdMs, arrivedMs }: EntryOf<'archive-imported'>): void {
    this.#run('insert or replace into imported values (?, ?, ?)', keyOfId(archiveId), createdMs, arrivedMs);
  }

  numberArchive(archiveId: string, number: number): void {
    this.#run(
      'insert into numbers values (?, ?) on conflict do update set number = max(number, excluded.number)',
      keyOfId(archiveId),
      number,
    );
  }

  keepInBulk(bulkId: string, archiveIds: readonly string[]): void {
    for (const id of archiveIds) this.#run('insert or ignore into kept values (?, ?)', bulkId, keyOfId(id));
  }

  deleteInBulk(
    { account, region, name }: VaultKey,
    { bulkId, upTo, kept }: EntryOf<'archives-deleted'>,
  ): void {
    const insert = 'insert or ignore into bulks values (?, ?, ?, ?, ?, ?)';
    this.#run(insert, bulkId, account, region, name, upTo, kept);
  }

  createAccount(id: string, createdMs: number): void {
    this.#run('insert or ignore into accounts values (?, ?)', id, createdMs);
  }

  putUser({ no, account, name, userId, createdMs }: User): void {
    this.#run(
      `insert into users values (?, ?, ?, ?, ?) on conflict do update set
       account = excluded.account, name = excluded.name, user_id = excluded.user_id, created_ms = excluded.created_ms`,
      no,
      account,
      name,
      userId,
      createdMs,
    );
  }

  deleteUser(userNo: number): void {
    this.#run('delete from users where no = ?', userNo);
    this.#run('delete from user_policies where user_no = ?', userNo);
    this.#run('delete from access_keys where user_no = ?', userNo);
  }

  putUserPolicy(userNo: number, name: string, document: string | null): void {
    this.#run('delete from user_policies where user_no = ? and name = ?', userNo, name);
    if (document === null) return;
    this.#run('insert into user_policies select no, ?, ? from users where no = ?', name, document, userNo);
  }

  putKey(key: AccessKey & { readonly createdMs: number }): void {
    const { id, account, sealedSecret, status, origin, createdMs, userNo } = key;
    const insert = 'insert or replace into access_keys values (?, ?, ?, ?, ?, ?, ?)';
    this.#run(insert, id, account, sealedSecret, status, origin, createdMs, userNo);
  }

  deleteKey(id: string): void {
    this.#run('delete from access_keys where id = ?', id);
  }

  putSetting(name: string, value: string): void {
    this.#run('insert or replace into settings values (?, ?)', name, value);
  }

  putRetrievalPolicy({ account, region }: VaultOwner, strategy: string, bytesPerHour: string | null): void {
    const insert = 'insert or replace into retrieval_policies values (?, ?, ?, ?)';
    this.#run(insert, account, region, strategy, bytesPerHour);
  }

  addCapacity({ account, region }: VaultOwner, { id, startMs, expiresMs }: CapacityUnit): void {
    const insert = 'insert or ignore into capacity_units values (?, ?, ?, ?, ?)';
    this.#run(insert, id, account, region, startMs, expiresMs);
  }
}
