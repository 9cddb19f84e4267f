import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type AuthorizedVault, policyVersionOf } from '../../../src/domain/vault.ts';
import { LOCK_TRIAL_MS } from '../../../src/domain/vault-lock.ts';
import { type Customer, countDone, hashOf, type NewCustomer, refused, START_MS, unique } from './customer.ts';

export function users(customer: NewCustomer): void {
  const create = (c: Customer, name: string) =>
    c.catalog.createUser({ account: c.account, name, userId: `AIDA${unique()}`, createdMs: START_MS });
  const keyOf = (c: Customer, userNo: number | null) => ({
    ...{ id: `AKIA${unique()}`, account: c.account, sealedSecret: 'sealed' },
    ...({ status: 'active', origin: 'command', userNo } as const),
  });

  it('are found and listed by name in their account only', async () => {
    const [c, other] = [customer(), customer()];
    const made = [await create(c, 'b'), await create(c, 'a')];
    await create(other, 'a');
    assert.deepEqual(await c.catalog.listUsers(c.account), [...made].reverse());
    assert.deepEqual(await c.catalog.findUser(c.account, 'b'), made[0]);
    assert.deepEqual(await c.catalog.userByNo(made[1]?.no ?? 0), made[1]);
    assert.equal(await c.catalog.findUser(c.account, 'c'), undefined);
    assert.equal(await c.catalog.userByNo(999_999_999), undefined);
  });

  it('of one name are created once, even concurrently', async () => {
    const c = customer();
    const made = Array.from({ length: 6 }, () => create(c, 'one'));
    assert.equal(await countDone('invalid', made), 1);
  });

  it('have policies with unique names', async () => {
    const c = customer();
    const { no: userNo } = await create(c, 'u');
    for (const [name, document] of [
      ['b', '1'],
      ['a', '{"é":1}'],
      ['b', '2'],
    ] as const) {
      await c.catalog.putUserPolicy({ userNo, name, document });
    }
    const expected = [
      { name: 'a', document: '{"é":1}' },
      { name: 'b', document: '2' },
    ];
    const found = async () => (await c.catalog.userPolicies(userNo)).map((policy) => ({ ...policy }));
    assert.deepEqual(await found(), expected);
    const remove = () => c.catalog.deleteUserPolicy({ userNo, name: 'a' });
    assert.deepEqual([await remove(), await remove()], [true, false]);
    assert.deepEqual(await found(), expected.slice(1));
  });

  it('are deleted with their keys and policies', async () => {
    const c = customer();
    const { no: userNo } = await create(c, 'u');
    const [root, own] = [keyOf(c, null), keyOf(c, userNo)];
    for (const key of [root, own]) await c.catalog.putAccessKey({ ...key, nowMs: START_MS });
    const keys = async (no: number | null) =>
      (await c.catalog.listAccessKeys(c.account, no)).map(({ id }) => id);
    assert.deepEqual([await keys(null), await keys(userNo)], [[root.id], [own.id]]);
    await c.catalog.putUserPolicy({ userNo, name: 'p', document: '{}' });
    await c.catalog.deleteUser({ userNo });
    assert.deepEqual([await keys(null), await keys(userNo)], [[root.id], []]);
    assert.equal(await c.catalog.findAccessKey(own.id), undefined);
    assert.deepEqual(await c.catalog.userPolicies(userNo), []);
    assert.equal(await c.catalog.findUser(c.account, 'u'), undefined);
  });

  it('and root have keys that can be disabled and deleted', async () => {
    const c = customer();
    const { id, ...key } = keyOf(c, null);
    await c.catalog.putAccessKey({ id, ...key, nowMs: START_MS });
    const disable = (keyId: string) => c.catalog.setKeyStatus({ id: keyId, status: 'disabled' });
    assert.deepEqual([await disable(id), await disable('unknown')], [true, false]);
    assert.equal((await c.catalog.findAccessKey(id))?.status, 'disabled');
    const remove = () => c.catalog.deleteAccessKey({ id });
    assert.deepEqual([await remove(), await remove()], [true, false]);
  });

  it('belong to accounts, which are created once', async () => {
    const c = customer();
    for (let i = 0; i < 2; i++) await c.catalog.createAccount({ id: c.account, nowMs: START_MS });
    assert.equal((await c.catalog.listAccounts()).filter((id) => id === c.account).length, 1);
  });
}

export function vaultPolicies(customer: NewCustomer): void {
  it('change with every change of policies and tags', async () => {
    const c = customer();
    const { no: vaultNo, policies } = await c.makeVault();
    assert.equal(policies, null);
    const versionOf = async () => (await c.vault()).policies?.version ?? 0;
    const seen = [await versionOf()];
    for (const policy of ['{"a":1}', '{"a":2}', null]) {
      await c.catalog.setVaultAccessPolicy({ vaultNo, policy });
      assert.equal((await c.vault()).policies?.access ?? null, policy);
      seen.push(await versionOf());
    }
    await c.catalog.addTags({ vaultNo, tags: { a: 'b' } });
    seen.push(await versionOf());
    await c.catalog.removeTags({ vaultNo, keys: ['a'] });
    seen.push(await versionOf());
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
    );
  });

  it('refuse a deletion that an earlier version allowed', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const { vaultNo, id } = await c.addArchive(vault);
    const remove = (policyVersion: number) =>
      c.catalog.deleteArchive({ vaultNo, id, nowMs: START_MS, mode: 'live', policyVersion });
    await c.catalog.setVaultAccessPolicy({ vaultNo, policy: '{}' });
    await refused('changed-meanwhile', remove(0));
    assert.equal(await remove((await c.vault()).policies?.version ?? -1), true);
  });

  it('refuse every write that deletes or unprotects if an earlier version allowed it', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const vaultNo = vault.no;
    const upload = await c.startUpload(vault);
    await c.catalog.initiateVaultLock({ vaultNo, policy: '{}', lockIdHash: 'x', nowMs: START_MS });
    const ended = { nowMs: START_MS, rememberedSinceMs: 0 };
    const writes = (policyVersion: number): (() => Promise<unknown>)[] => [
      () => c.catalog.setVaultAccessPolicy({ vaultNo, policy: null, policyVersion }),
      () => c.catalog.abortVaultLock({ vaultNo, nowMs: START_MS, policyVersion }),
      () => c.catalog.abortUpload({ vaultNo, uploadId: upload.id, ...ended, policyVersion }),
      () =>
        c.catalog.deleteVault({
          key: c.key(),
          authorized: { no: vaultNo, policyVersion },
          nowMs: START_MS,
          mode: 'live',
        }),
    ];
    for (const i of writes(0).keys()) {
      // Also without a vault policy, because the caller's identity policy may depend on the tags.
      const before = policyVersionOf(await c.vault());
      await c.catalog.addTags({ vaultNo, tags: { a: String(i) } });
      await refused('changed-meanwhile', writes(before)[i]?.() ?? Promise.resolve());
      await writes(policyVersionOf(await c.vault()))[i]?.();
    }
    assert.equal(await c.catalog.findVault(c.key()), undefined);
  });

  it('refuse a deletion that was allowed for another vault', async () => {
    const c = customer();
    const old = await c.makeVault();
    await c.deleteVault();
    await c.makeVault();
    const remove = (authorized: AuthorizedVault | undefined) =>
      c.catalog.deleteVault({ key: c.key(), authorized, nowMs: START_MS, mode: 'live' });
    await refused('changed-meanwhile', remove({ no: old.no, policyVersion: 0 }));
    await refused('changed-meanwhile', remove(undefined));
    assert.equal(await c.deleteVault(), true);
    assert.equal(await remove(undefined), false);
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const vaultNo = await c.goneVault();
    const code = 'not-found';
    await refused(code, c.catalog.setVaultAccessPolicy({ vaultNo, policy: null }));
    await refused(code, c.catalog.initiateVaultLock({ vaultNo, policy: '{}', lockIdHash: 'x', nowMs: 1 }));
    await refused(code, c.catalog.completeVaultLock({ vaultNo, lockIdHash: 'x', nowMs: 1 }));
    await refused(code, c.catalog.abortVaultLock({ vaultNo, nowMs: 1 }));
  });
}

export function vaultLocks(customer: NewCustomer): void {
  const ID = hashOf('the lock id');
  const lockOf = async (c: Customer) => (await c.vault()).policies?.lock ?? null;
  const initiate = (c: Customer, vaultNo: number, nowMs = START_MS, lockIdHash = ID) =>
    c.catalog.initiateVaultLock({ vaultNo, policy: '{"lock":1}', lockIdHash, nowMs });
  const complete = (c: Customer, vaultNo: number, lockIdHash = ID, nowMs = START_MS) =>
    c.catalog.completeVaultLock({ vaultNo, lockIdHash, nowMs });

  it('are tried, then completed permanently', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    await refused('not-found', complete(c, vaultNo));
    await initiate(c, vaultNo);
    const lock = { state: 'InProgress', policy: '{"lock":1}', idHash: ID, createdMs: START_MS };
    assert.deepEqual(await lockOf(c), lock);
    await refused('locked', initiate(c, vaultNo));
    await refused('invalid', complete(c, vaultNo, hashOf('wrong')));
    for (let i = 0; i < 2; i++) assert.equal((await complete(c, vaultNo)).state, 'Locked');
    assert.deepEqual(await lockOf(c), { ...lock, state: 'Locked' });
    await refused('locked', complete(c, vaultNo, hashOf('wrong')));
    await refused('locked', c.catalog.abortVaultLock({ vaultNo, nowMs: START_MS }));
    await refused('locked', initiate(c, vaultNo));
    const locked = (await c.catalog.listLocked()).filter(({ vault }) => vault.account === c.account);
    assert.deepEqual(
      locked.map(({ vault }) => vault),
      [c.key()],
    );
  });

  it('can be tried again after an abort or expiry', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    await initiate(c, vaultNo);
    for (let i = 0; i < 2; i++) await c.catalog.abortVaultLock({ vaultNo, nowMs: START_MS });
    assert.equal(await lockOf(c), null);
    await initiate(c, vaultNo);
    const laterMs = START_MS + LOCK_TRIAL_MS;
    await refused('not-found', complete(c, vaultNo, ID, laterMs));
    await initiate(c, vaultNo, laterMs, hashOf('another'));
  });

  it('are initiated once, even concurrently', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    const tried = Array.from({ length: 6 }, (_, i) => initiate(c, vaultNo, START_MS, hashOf(i)));
    assert.equal(await countDone('locked', tried), 1);
  });
}
