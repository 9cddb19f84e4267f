import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../test/support/memory-store.ts';
import { temporaryFolder } from '../../../test/support/server.ts';
import { openSqliteCatalog, openSqliteWriter } from '../../catalog/sqlite.ts';
import { LOCK_NOTES, lockNoteName } from '../../domain/lock-note.ts';
import type { Vault } from '../../domain/vault.ts';
import { jobMessage } from '../jobs/job-description.ts';
import { completeVaultLock } from '../locks/complete-vault-lock.ts';
import { hashLockId } from '../locks/lock-id.ts';
import type { OperationDeps, OperationRequest } from '../operation.ts';
import { deleteVault } from './delete-vault.ts';

const KEY = { account: '000000000001', region: 'us-east-1', name: 'v' };

/** A store that delays writes and removals of notes until `letGo` is called. */
class SlowNotes extends MemoryStore {
  #gate: Promise<void> = Promise.resolve();
  letGo: () => void = () => {};

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.letGo = resolve;
    });
  }

  override async putNote(name: string, text: string): Promise<void> {
    await this.#gate;
    await super.putNote(name, text);
  }

  override async removeNote(name: string): Promise<void> {
    await this.#gate;
    await super.removeNote(name);
  }
}

describe('the note of a lock', () => {
  it('survives the slow deletion of an earlier vault of the same name', async (t) => {
    const { vaults, blobs } = await setUp(t);
    await vaults.lock(await vaults.make(1));
    blobs.hold();
    const deleting = vaults.remove();
    while (await vaults.find()) await new Promise(setImmediate);
    const second = await vaults.make(2);
    const { letGo } = blobs;
    const locking = vaults.lock(second);
    while ((await vaults.find())?.policies?.lock?.state !== 'Locked') await new Promise(setImmediate);
    letGo();
    await Promise.all([locking, deleting]);
    const name = lockNoteName({ vault: KEY, vaultCreatedMs: 2 });
    assert.deepEqual(await blobs.noteNames(LOCK_NOTES), [name]);
    assert.match((await blobs.note(name)) ?? '', /"vaultCreatedMs":2/);
  });

  it('is removed when the vault was deleted before the note was written', async (t) => {
    const { vaults, blobs } = await setUp(t);
    const vault = await vaults.make(1);
    blobs.hold();
    const locking = vaults.lock(vault);
    while ((await vaults.find())?.policies?.lock?.state !== 'Locked') await new Promise(setImmediate);
    const authorized = { no: vault.no, policyVersion: (await vaults.find())?.policies?.version ?? 0 };
    assert.equal(await vaults.catalog.deleteVault({ key: KEY, authorized, nowMs: 3, mode: 'live' }), true);
    blobs.letGo();
    await locking;
    assert.deepEqual(await blobs.noteNames(LOCK_NOTES), []);
  });
});

async function setUp(t: { after(end: () => Promise<void>): void }) {
  const folder = await temporaryFolder();
  const path = join(folder, 'catalog.sqlite');
  const blobs = new SlowNotes();
  const journal = async () => {};
  const catalog = openSqliteCatalog(path, await openSqliteWriter(path, { journal, jobMessage }));
  t.after(async () => {
    await catalog.close();
    await rm(folder, { recursive: true });
  });
  const settings = { inventoryMode: 'live' };
  const deps = { catalog, blobs, clock: { now: () => 5 }, settings } as unknown as OperationDeps;
  const find = () => catalog.findVault(KEY);
  const vaults = {
    catalog,
    find,
    async make(nowMs: number): Promise<Vault> {
      await catalog.createVault({ key: KEY, nowMs, limit: 10 });
      return (await find()) as Vault;
    },
    async lock(vault: Vault): Promise<void> {
      const id = 'lock-id';
      const of = { vaultNo: vault.no, policy: '{}', lockIdHash: hashLockId(id), nowMs: 4 };
      await catalog.initiateVaultLock(of);
      await completeVaultLock.run(requestWith({ vault, id }), deps);
    },
    async remove(): Promise<void> {
      const authorized = await find();
      assert.deepEqual(await deleteVault.run(requestWith({ authorized }), deps), {});
    },
  };
  return { vaults, blobs };
}

function requestWith(some: Partial<OperationRequest>): Parameters<typeof deleteVault.run>[0] {
  return { vaultKey: KEY, ...some } as Parameters<typeof deleteVault.run>[0];
}
