import { readFile } from 'node:fs/promises';
import { type Config, type RootKey, SettingError } from '../config.ts';
import type { AccessKey, Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { SecretBox } from '../domain/secret-box.ts';
import { type DataFolder, missing, writeDurably } from './data-folder.ts';
import { makeAccountId, makeKeyId, makeSecret } from './make-key.ts';

export const ACCOUNT_SETTING = 'account-id';
/** `true` while a weak key of the environment's works. */
const WEAK_KEY_SETTING = 'weak-root-key';
const KEY_SETTING = 'first-access-key-id';
const MAKE_ANOTHER = 'make one with `moraine key create`';

/** What a person needs to begin. */
export interface RootAccount {
  readonly accountId: string;
  /** In words where there is none. */
  readonly accessKeyId: string;
  /** In words. */
  readonly whereSecretIs: string;
  /** Path of the file with the secret, if there is one. */
  readonly credentialsFile?: string | undefined;
}

interface World {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly box: SecretBox;
  readonly folder: DataFolder;
}

/**
 * The account and root's access key: made at the first start, or as the settings say.
 * @throws SettingError when the settings name another account than the stored one.
 */
export async function openRootAccount(config: Config, world: World): Promise<RootAccount> {
  const wanted = config.accountId ?? makeAccountId(world.random);
  const accountId = await world.catalog.initSetting({ name: ACCOUNT_SETTING, value: wanted });
  if (config.accountId !== undefined && config.accountId !== accountId) {
    throw new SettingError(
      `--account-id ${config.accountId} is not the account of this data: it is ${accountId}`,
    );
  }
  await world.catalog.createAccount({ id: accountId, nowMs: world.clock.now() });
  if (config.rootKey) return takeGivenKey(accountId, config.rootKey, world);
  await dropWeakKey(accountId, world);
  return openFirstKey(accountId, world);
}

/** A weak key works only as long as it is given: without the setting that allowed it, nobody would expect it. */
async function dropWeakKey(account: string, { catalog }: World): Promise<void> {
  if ((await catalog.findSetting(WEAK_KEY_SETTING)) !== 'true') return;
  await catalog.dropAccessKeys({ account, origin: 'environment', keepId: '' });
  await catalog.setSetting({ name: WEAK_KEY_SETTING, value: 'false' });
}

/** Keys from the environment hold at each start; one that was given earlier stops working. */
async function takeGivenKey(
  accountId: string,
  { id, secret, weak }: RootKey,
  world: World,
): Promise<RootAccount> {
  // Before the key, so that a crash between the two leaves no weak key that nothing takes away.
  if (weak) await world.catalog.setSetting({ name: WEAK_KEY_SETTING, value: 'true' });
  await putKey(world, { id, account: accountId, origin: 'environment' }, secret);
  await world.catalog.dropAccessKeys({ account: accountId, origin: 'environment', keepId: id });
  if (!weak && (await world.catalog.findSetting(WEAK_KEY_SETTING)) === 'true')
    await world.catalog.setSetting({ name: WEAK_KEY_SETTING, value: 'false' });
  return { accountId, accessKeyId: id, whereSecretIs: 'in the environment, MORAINE_ROOT_SECRET_ACCESS_KEY' };
}

async function openFirstKey(accountId: string, world: World): Promise<RootAccount> {
  const { catalog, folder } = world;
  const id = (await catalog.findSetting(KEY_SETTING)) ?? (await makeFirstKey(accountId, world));
  if ((await catalog.findAccessKey(id))?.status !== 'active') {
    return { accountId, accessKeyId: 'that of the first start is gone', whereSecretIs: MAKE_ANOTHER };
  }
  for (const path of credentialFiles(folder, accountId)) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.includes(id))
      return { accountId, accessKeyId: id, whereSecretIs: `in ${path}`, credentialsFile: path };
  }
  return { accountId, accessKeyId: id, whereSecretIs: `in no file here; ${MAKE_ANOTHER}` };
}

/** Where the first key of an account may be: the second where the first has that of another one. */
function credentialFiles({ rootCredentials }: DataFolder, accountId: string): readonly string[] {
  return [rootCredentials, `${rootCredentials}-${accountId}`];
}

/** The file before the key: a key that works but whose secret nobody has would be of no use. */
async function makeFirstKey(accountId: string, world: World): Promise<string> {
  const { catalog, random, folder } = world;
  const id = makeKeyId('AKIA', random);
  const secret = makeSecret(random);
  const lines = [
    `# Root of account ${accountId}. Form of the shared credentials file of AWS tools.`,
    '[default]',
    `aws_access_key_id = ${id}`,
    `aws_secret_access_key = ${secret}`,
  ];
  const [usual = '', other = ''] = credentialFiles(folder, accountId);
  // Never over another account's: a start with the wrong catalog must not take away the only copy of a secret.
  const kept = await readFile(usual, 'utf8').catch(missing);
  const path = kept === undefined || kept.includes(accountId) ? usual : other;
  await writeDurably(path, `${lines.join('\n')}\n`);
  await putKey(world, { id, account: accountId, origin: 'first-start' }, secret);
  return catalog.initSetting({ name: KEY_SETTING, value: id });
}

async function putKey(
  { catalog, clock, random, box }: World,
  key: Pick<AccessKey, 'id' | 'account' | 'origin'>,
  secret: string,
): Promise<void> {
  const sealedSecret = box.seal(key.id, secret, random);
  await catalog.putAccessKey({ ...key, sealedSecret, status: 'active', userNo: null, nowMs: clock.now() });
}
