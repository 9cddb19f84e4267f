import { readFile } from 'node:fs/promises';
import { SettingError } from '../config/errors.ts';
import type { Config, RootKey } from '../config/read.ts';
import type { AccessKey } from '../domain/access-key-catalog.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { SecretBox } from '../domain/secret-box.ts';
import { ACCOUNT_SETTING, FIRST_KEY_SETTING, WEAK_KEY_SETTING } from '../domain/setting-catalog.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import { type AuditChange, withCommandAudit } from './command-audit.ts';
import { type DataFolder, writeDurably } from './data-folder.ts';
import { makeAccountId, makeKeyId, makeSecret } from './make-key.ts';
import { credentialFiles, credentialsText } from './root-credentials.ts';

const CREATE_ANOTHER = 'create one with `moraine key create`';

/** What a person needs to start using the server. */
export interface RootAccount {
  readonly accountId: string;
  /** The id, or a sentence if there is none. */
  readonly accessKeyId: string;
  /** A sentence. */
  readonly whereSecretIs: string;
  /** Path of the file with the secret, if there is one. */
  readonly credentialsFile?: string | undefined;
}

interface RootAccountDeps {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly box: SecretBox;
  readonly folder: DataFolder;
  readonly blobs: BlobStore;
  readonly masterKey: Buffer;
}

/**
 * Opens the account and root's access key. The first start creates them, unless the settings give them.
 * @throws SettingError when the settings name another account than the stored one.
 */
export async function openRootAccount(config: Config, deps: RootAccountDeps): Promise<RootAccount> {
  const wanted = config.accountId ?? makeAccountId(deps.random);
  const accountId = await deps.catalog.initSetting({ name: ACCOUNT_SETTING, value: wanted });
  if (config.accountId !== undefined && config.accountId !== accountId) {
    throw new SettingError(
      `--account-id ${config.accountId} is not the account of this data folder, which is ${accountId}`,
    );
  }
  if (!(await deps.catalog.listAccounts()).includes(accountId)) {
    await withCommandAudit(deps, 'server', async (auditChange) => {
      await deps.catalog.createAccount({ id: accountId, nowMs: deps.clock.now() });
      await auditChange({ eventName: 'CreateAccount', account: accountId, parameters: { accountId } });
    });
  }
  if (config.rootKey) return takeGivenKey(accountId, config.rootKey, deps);
  await dropWeakKey(accountId, deps);
  return openFirstKey(accountId, deps);
}

/** Removes a weak key of an earlier start: it may work only while the settings give and allow it. */
async function dropWeakKey(account: string, deps: RootAccountDeps): Promise<void> {
  const { catalog } = deps;
  if ((await catalog.findSetting(WEAK_KEY_SETTING)) !== 'true') return;
  await withCommandAudit(deps, 'server', (auditChange) => dropGivenKeys(account, '', deps, auditChange));
  await catalog.setSetting({ name: WEAK_KEY_SETTING, value: 'false' });
}

/** Removes the keys that the environment gave at earlier starts, except `keepId`, and audits that. */
async function dropGivenKeys(
  account: string,
  keepId: string,
  { catalog }: RootAccountDeps,
  auditChange: AuditChange,
): Promise<void> {
  const keys = await catalog.listAccessKeys(account, null);
  await catalog.dropAccessKeys({ account, origin: 'environment', keepId });
  for (const { id, origin } of keys) {
    if (origin !== 'environment' || id === keepId) continue;
    const parameters = { accountId: account, accessKeyId: id };
    await auditChange({ eventName: 'DeleteAccessKey', account, parameters });
  }
}

/** Makes the environment's key the only one from the environment, and audits a change. */
async function takeGivenKey(
  account: string,
  { id, secret, weak }: RootKey,
  deps: RootAccountDeps,
): Promise<RootAccount> {
  const { catalog } = deps;
  // Set before the key, so that a crash in between leaves no weak key that a later start would keep.
  if (weak && (await catalog.findSetting(WEAK_KEY_SETTING)) !== 'true')
    await catalog.setSetting({ name: WEAK_KEY_SETTING, value: 'true' });
  const known = await catalog.findAccessKey(id);
  const holds = known?.status === 'active' && known.account === account && isSecretOf(deps, known, secret);
  const keys = await catalog.listAccessKeys(account, null);
  if (!holds || keys.some((key) => key.origin === 'environment' && key.id !== id)) {
    await withCommandAudit(deps, 'server', async (auditChange) => {
      await putKey(deps, { id, account, origin: 'environment' }, secret);
      const elements = { accessKeyId: id };
      await auditChange({
        eventName: 'CreateAccessKey',
        account,
        parameters: { accountId: account },
        elements,
      });
      await dropGivenKeys(account, id, deps, auditChange);
    });
  }
  if (!weak && (await catalog.findSetting(WEAK_KEY_SETTING)) === 'true')
    await catalog.setSetting({ name: WEAK_KEY_SETTING, value: 'false' });
  return {
    accountId: account,
    accessKeyId: id,
    whereSecretIs: 'in the environment, MORAINE_ROOT_SECRET_ACCESS_KEY',
  };
}

/** Whether this is the key's secret; false if the secret was sealed with another master key. */
function isSecretOf({ box }: RootAccountDeps, { id, sealedSecret }: AccessKey, secret: string): boolean {
  try {
    return box.open(id, sealedSecret) === secret;
  } catch {
    return false;
  }
}

async function openFirstKey(accountId: string, deps: RootAccountDeps): Promise<RootAccount> {
  const { catalog, folder } = deps;
  const id = (await catalog.findSetting(FIRST_KEY_SETTING)) ?? (await makeFirstKey(accountId, deps));
  if ((await catalog.findAccessKey(id))?.status !== 'active') {
    return {
      accountId,
      accessKeyId: '(the first access key is no longer active)',
      whereSecretIs: CREATE_ANOTHER,
    };
  }
  for (const path of credentialFiles(folder, accountId)) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.includes(id))
      return { accountId, accessKeyId: id, whereSecretIs: `in ${path}`, credentialsFile: path };
  }
  return { accountId, accessKeyId: id, whereSecretIs: `in no file in the data folder; ${CREATE_ANOTHER}` };
}

/** Creates the first key. Writes the file before the key, so that no key exists whose secret is lost. */
async function makeFirstKey(accountId: string, deps: RootAccountDeps): Promise<string> {
  const { catalog, random, folder } = deps;
  const id = makeKeyId('AKIA', random);
  const secret = makeSecret(random);
  const [usual = '', other = ''] = credentialFiles(folder, accountId);
  // Never overwrite another account's file: after a start with the wrong catalog, it may be the only copy of a secret.
  const kept = await readFile(usual, 'utf8').catch(undefinedIfMissing);
  const path = kept === undefined || kept.includes(accountId) ? usual : other;
  await withCommandAudit(deps, 'server', async (auditChange) => {
    await writeDurably(path, credentialsText(accountId, id, secret));
    await putKey(deps, { id, account: accountId, origin: 'first-start' }, secret);
    const parameters = { accountId };
    const elements = { accessKeyId: id };
    await auditChange({ eventName: 'CreateAccessKey', account: accountId, parameters, elements });
  });
  return catalog.initSetting({ name: FIRST_KEY_SETTING, value: id });
}

async function putKey(
  { catalog, clock, random, box }: RootAccountDeps,
  key: Pick<AccessKey, 'id' | 'account' | 'origin'>,
  secret: string,
): Promise<void> {
  const sealedSecret = box.seal(key.id, secret, random);
  await catalog.putAccessKey({ ...key, sealedSecret, status: 'active', userNo: null, nowMs: clock.now() });
}
