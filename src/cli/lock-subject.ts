/** Finds the policy and the vault that `lock check` and `lock simulate` examine. */
import { readFile } from 'node:fs/promises';
import { type CommandDeps, withCommandDeps } from '../app/command-deps.ts';
import { NotFoundError, SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import { type Policy, parsePolicy } from '../domain/policy/policy.ts';
import { type VaultKey, vaultArn } from '../domain/vault.ts';
import { choicesOf } from './find.ts';

/** Stands for the vault if a policy names none; its account then owns the policy. */
const SOME_VAULT = 'arn:aws:glacier:us-east-1:111122223333:vaults/examplevault';
const ARN = /^arn:aws[a-z-]*:glacier:[A-Za-z0-9._-]{1,64}:\d{12}:vaults\/[\w.-]{1,255}$/;
const QUOTED_ARN = /"(arn:aws[a-z-]*:glacier:[A-Za-z0-9._-]{1,64}:\d{12}:vaults\/[\w.-]{1,255})"/;
const CHOICES = 50;

/** What the command line says. */
export interface Asked {
  /** Path of the policy; without it, the lock of `vault` is examined. */
  readonly file: string | undefined;
  /** Name or ARN of a vault. */
  readonly vault: string | undefined;
  /** Whether the command line names a data folder or a catalog; the vault must then exist there. */
  readonly lookUp: boolean;
  config(): Config;
}

/** What a command examines. */
export interface Subject {
  readonly policy: Policy;
  readonly vaultArn: string;
  /** Says how the vault was found, for the output. */
  readonly how: string;
}

/**
 * Reads the policy and finds its vault.
 * @throws SettingError for an ambiguous command line, NotFoundError when the vault or its lock does not exist, PolicyError.
 */
export async function lockSubject(asked: Asked): Promise<Subject> {
  const { file, vault, lookUp, config } = asked;
  if (vault?.startsWith('arn:') && !ARN.test(vault))
    throw new SettingError(`--vault must be a name or an ARN such as ${SOME_VAULT}, not ${vault}`);
  if (file === undefined) {
    if (vault === undefined) throw new SettingError('give a policy file, or --vault for the lock of a vault');
    return withCommandDeps(config(), (deps) => lockOfVault(deps, vault));
  }
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SettingError(`cannot read the policy: ${error.message}`);
  });
  const named = vault ?? QUOTED_ARN.exec(text)?.[1];
  const subject = (arn: string, how: string): Subject => ({
    policy: parsePolicy(text, 'vault-lock', { vaultArn: arn }),
    vaultArn: arn,
    how,
  });
  if (named === undefined)
    return subject(SOME_VAULT, 'an example vault, because the policy names none; use --vault to name one');
  if (lookUp || !ARN.test(named)) {
    const arn = vaultArn(await withCommandDeps(config(), (deps) => findVault(deps, named)));
    return subject(arn, `${arn}, which exists`);
  }
  return subject(named, `${named}; use --data to check that this vault exists`);
}

async function lockOfVault(deps: CommandDeps, vault: string): Promise<Subject> {
  const key = await findVault(deps, vault);
  const arn = vaultArn(key);
  const lock = (await deps.catalog.findVault(key))?.policies?.lock;
  if (!lock) throw new NotFoundError(`the vault ${arn} has no lock: give a policy file instead`);
  const state = lock.state === 'Locked' ? 'locked' : 'lock in progress';
  return {
    policy: parsePolicy(lock.policy, 'vault-lock', { vaultArn: arn }),
    vaultArn: arn,
    how: `${arn}, ${state}`,
  };
}

/** Finds a vault by name or ARN. @throws NotFoundError; SettingError when several vaults have the name. */
async function findVault({ catalog, folder }: CommandDeps, vault: string): Promise<VaultKey> {
  const name = vault.split(':vaults/').at(-1) ?? vault;
  const named = await catalog.listVaultKeys({ name, limit: CHOICES });
  const found = named.filter((key) => !vault.startsWith('arn:') || vaultArn(key) === vault);
  const [first] = found;
  if (first && found.length === 1) return first;
  if (first) {
    const arns = found.map(vaultArn);
    throw new SettingError(
      `several vaults are named ${name}: give the ARN of one; ${choicesOf('vaults', arns)}`,
    );
  }
  const all = await catalog.listVaultKeys({ name: null, limit: CHOICES });
  throw new NotFoundError(
    `there is no vault ${vault} in ${folder.path}; ${choicesOf('vaults', all.map(vaultArn))}`,
  );
}
