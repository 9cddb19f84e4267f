import { type Customer, hashOf, START_MS, unique } from '../catalog-contract/customer.ts';
import { inventoryJob } from '../catalog-contract/job-fixtures.ts';
import { type CallsOf, each, mainVault } from './call.ts';
import { VAULT_NO } from './crowd.ts';

const POLICY = '{}';
const LOCK_ID_HASH = hashOf('lock');

/** Deletes a vault without archives that has an upload and a job. */
async function deleteVault(c: Customer): Promise<void> {
  const vault = await c.makeVault('deleted');
  await c.startUpload(vault);
  await c.catalog.startJob({ job: inventoryJob(vault), nowMs: START_MS, expeditedCapacity: null });
  await c.deleteVault('deleted');
}

async function initiateLock(c: Customer): Promise<number> {
  const { no: vaultNo } = await c.makeVault(`locked-${unique()}`);
  const lock = { policy: POLICY, lockIdHash: LOCK_ID_HASH };
  await c.catalog.initiateVaultLock({ vaultNo, ...lock, nowMs: START_MS });
  return vaultNo;
}

async function restoreLock(c: Customer): Promise<void> {
  const lock = { state: 'Locked', policy: POLICY, idHash: LOCK_ID_HASH, createdMs: START_MS } as const;
  const { name } = await c.makeVault(`restored-${unique()}`);
  await c.catalog.restoreVaultLock({ vault: c.key(name), lock });
}

/** Writes of vaults, their tags and policies. */
export const VAULT_WRITES: CallsOf<
  | 'createVault'
  | 'deleteVault'
  | 'addTags'
  | 'removeTags'
  | 'setVaultAccessPolicy'
  | 'initiateVaultLock'
  | 'completeVaultLock'
  | 'abortVaultLock'
  | 'restoreVaultLock'
> = {
  createVault: (c) => c.makeVault('made'),
  deleteVault,
  addTags: ({ catalog }) => catalog.addTags({ vaultNo: VAULT_NO, tags: { a: '1', b: '2' } }),
  removeTags: ({ catalog }) => catalog.removeTags({ vaultNo: VAULT_NO, keys: ['a', 'b'] }),
  setVaultAccessPolicy: async (c) =>
    c.catalog.setVaultAccessPolicy({ vaultNo: (await mainVault(c)).no, policy: POLICY }),
  initiateVaultLock: initiateLock,
  completeVaultLock: async (c) =>
    c.catalog.completeVaultLock({
      vaultNo: await initiateLock(c),
      lockIdHash: LOCK_ID_HASH,
      nowMs: START_MS,
    }),
  abortVaultLock: async (c) => c.catalog.abortVaultLock({ vaultNo: await initiateLock(c), nowMs: START_MS }),
  restoreVaultLock: restoreLock,
};

async function createUser(c: Customer): Promise<number> {
  const user = { account: c.account, name: `user-${unique()}`, userId: 'AIDA', createdMs: START_MS };
  return (await c.catalog.createUser(user)).no;
}

/** Writes of accounts, users, keys and settings. */
export const PEOPLE_WRITES: CallsOf<
  | 'createAccount'
  | 'createUser'
  | 'deleteUser'
  | 'putUserPolicy'
  | 'deleteUserPolicy'
  | 'setKeyStatus'
  | 'deleteAccessKey'
  | 'putAccessKey'
  | 'dropAccessKeys'
  | 'initSetting'
  | 'setSetting'
> = {
  createAccount: ({ catalog, account }) => catalog.createAccount({ id: account, nowMs: START_MS }),
  createUser,
  deleteUser: async (c) => c.catalog.deleteUser({ userNo: await createUser(c) }),
  putUserPolicy: ({ catalog }) => catalog.putUserPolicy({ userNo: 17, name: 'all', document: POLICY }),
  deleteUserPolicy: ({ catalog }) => catalog.deleteUserPolicy({ userNo: 17, name: 'all' }),
  setKeyStatus: ({ catalog }) => catalog.setKeyStatus({ id: 'AKIA17', status: 'disabled' }),
  deleteAccessKey: ({ catalog }) => catalog.deleteAccessKey({ id: 'AKIA18' }),
  putAccessKey: ({ catalog, account }) =>
    catalog.putAccessKey({
      ...{ id: 'AKIA19', account, sealedSecret: 'sealed', status: 'active' },
      ...{ origin: 'command', userNo: null, nowMs: START_MS },
    }),
  dropAccessKeys: ({ catalog, account }) =>
    catalog.dropAccessKeys({ account, origin: 'environment', keepId: 'AKIA17' }),
  initSetting: ({ catalog }) =>
    each(
      () => catalog.initSetting({ name: 'setting-17', value: 'off' }),
      () => catalog.initSetting({ name: 'another', value: 'on' }),
    ),
  setSetting: ({ catalog }) => catalog.setSetting({ name: 'setting-17', value: 'off' }),
};
