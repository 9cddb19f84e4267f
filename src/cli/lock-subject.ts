/** Which policy and which vault `lock check` and `lock simulate` are about. */
import { readFile } from 'node:fs/promises';
import { type CommandDeps, withCommandDeps } from '../app/command-deps.ts';
import { NotFoundError, SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import { type Policy, parsePolicy } from '../domain/policy/policy.ts';
import { type VaultKey, vaultArn } from '../domain/vault.ts';
import { choicesOf } from './find.ts';

/** The vault that a policy speaks of when it names none: its account is the policy's owner. */
const SOME_VAULT = 'arn:aws:glacier:us-east-1:111122223333:vaults/examplevault';
const ARN = /^arn:aws[a-z-]*:glacier:[A-Za-z0-9._-]{1,64}:\d{12}:vaults\/[\w.-]{1,255}$/;
const QUOTED_ARN = /"(arn:aws[a-z-]*:glacier:[A-Za-z0-9._-]{1,64}:\d{12}:vaults\/[\w.-]{1,255})"/;
const CHOICES = 50;

/** What was asked. */
export interface Asked {
  /** Of the policy; the vault's own lock is meant without one. */
  readonly file: string | undefined;
  /** A vault's name or its ARN. */
  readonly vault: string | undefined;
  /** Whether a data folder or a catalog was named: then the vault must be there. */
  readonly lookUp: boolean;
  config(): Config;
}

/** What is looked at. */
export interface Subject {
  readonly policy: Policy;
  readonly vaultArn: string;
  /** How the vault was found, for the reader. */
  readonly how: string;
}

/**
 * Reads the policy and settles its vault.
 * @throws SettingError when the question is not clear, NotFoundError when the vault or its lock is not there, PolicyError.
 */
export async function lockSubject(asked: Asked): Promise<Subject> {
  const { file, vault, lookUp, config } = asked;
  if (vault?.startsWith('arn:') && !ARN.test(vault))
    throw new SettingError(`--vault ${vault} is not the ARN of a vault, such as ${SOME_VAULT}`);
  if (file === undefined) {
    if (vault === undefined)
      throw new SettingError('give a policy file, or --vault to look at the lock of a vault');
    return withCommandDeps(config(), (deps) => lockOfVault(deps, vault));
  }
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SettingError(`the policy cannot be read: ${error.message}`);
  });
  const named = vault ?? QUOTED_ARN.exec(text)?.[1];
  const subject = (arn: string, how: string): Subject => ({
    policy: parsePolicy(text, 'vault-lock', { vaultArn: arn }),
    vaultArn: arn,
    how,
  });
  if (named === undefined)
    return subject(
      SOME_VAULT,
      'an example vault, because the policy names none: give --vault for a certain one',
    );
  if (lookUp || !ARN.test(named)) {
    const arn = vaultArn(await withCommandDeps(config(), (deps) => findVault(deps, named)));
    return subject(arn, `${arn}, which is there`);
  }
  return subject(named, `${named}; give --data to look whether there is such a vault`);
}

async function lockOfVault(deps: CommandDeps, vault: string): Promise<Subject> {
  const key = await findVault(deps, vault);
  const arn = vaultArn(key);
  const lock = (await deps.catalog.findVault(key))?.policies?.lock;
  if (!lock) throw new NotFoundError(`the vault ${arn} has no lock: give the policy that you mean as a file`);
  const state = lock.state === 'Locked' ? 'locked' : 'lock in progress';
  return {
    policy: parsePolicy(lock.policy, 'vault-lock', { vaultArn: arn }),
    vaultArn: arn,
    how: `${arn}, ${state}`,
  };
}

/** The vault of this name or ARN. @throws NotFoundError, and SettingError when several have the name. */
async function findVault({ catalog, folder }: CommandDeps, vault: string): Promise<VaultKey> {
  const name = vault.split(':vaults/').at(-1) ?? vault;
  const named = await catalog.listVaultKeys({ name, limit: CHOICES });
  const found = named.filter((key) => !vault.startsWith('arn:') || vaultArn(key) === vault);
  const [first] = found;
  if (first && found.length === 1) return first;
  if (first) {
    const arns = found.map(vaultArn);
    throw new SettingError(
      `several vaults are called ${name}: give one as an ARN; ${choicesOf('vaults', arns)}`,
    );
  }
  const all = await catalog.listVaultKeys({ name: null, limit: CHOICES });
  throw new NotFoundError(
    `there is no vault ${vault} in ${folder.path}; ${choicesOf('vaults', all.map(vaultArn))}`,
  );
}
