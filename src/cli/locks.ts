/** `lock`: looking at a lock policy before it is for ever, and telling the server that its clock is right. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CommandWorld } from '../app/command-world.ts';
import { confirmLockTime } from '../app/lock-clock.ts';
import { SettingError } from '../config.ts';
import { AGE_KEY, carriesKey, GLACIER_ACTIONS, type GlacierAction } from '../domain/policy/actions.ts';
import { checkLockPolicy, simulateLock } from '../domain/policy/lock-check.ts';
import { type Policy, parsePolicy } from '../domain/policy/policy.ts';
import { acceptCatalog } from '../workers/compare-records.ts';
import { addAction } from './action.ts';
import { orExit } from './settings-flags.ts';

/** The vault that a policy speaks of when none is named: its account is the policy's owner. */
const SOME_VAULT = 'arn:aws:glacier:us-east-1:111122223333:vaults/examplevault';

interface CheckOptions {
  readonly vault?: string;
  readonly principal: string;
  readonly action: string;
  readonly age?: string;
  readonly tag: readonly string[];
}

export function addLocks(program: Command): void {
  const lock = program.command('lock').description('vault locks');
  lock
    .command('check')
    .description('what a lock policy does otherwise than its author probably means')
    .argument('<file>', 'the policy, JSON')
    .option('--vault <ARN>', 'the vault that it is for')
    .action((file: string, options: CheckOptions) => orExit(() => check(file, options)));
  lock
    .command('simulate')
    .description('who could do what to an archive of a given age under this lock policy')
    .argument('<file>', 'the policy, JSON')
    .option('--vault <ARN>', 'the vault that it is for')
    .option('--principal <ARN>', 'who asks: an account id for its root, or the ARN of a user', 'root')
    .option('--action <ACTION>', 'what is asked, such as DeleteArchive', 'DeleteArchive')
    .option('--age <DAYS>', 'age of the archive in days')
    .option('--tag <KEY=VALUE>', 'a tag of the vault; may be repeated', collect, [])
    .action((file: string, options: CheckOptions) => orExit(() => simulate(file, options)));
  addAction(
    lock.command('confirm-time'),
    'say that the clock of this machine is right after a leap or a long stop',
    [],
    async ({ blobs, clock }) => {
      await confirmLockTime(blobs, clock.now());
      return `confirmed ${new Date(clock.now()).toISOString()}: running servers take it up within half a minute`;
    },
  );
}

export function addCatalog(program: Command): void {
  const catalog = program.command('catalog').description('the catalog');
  addAction(
    catalog.command('accept'),
    'after an older catalog was restored: sweeping and expiry may go on from the next start',
    [],
    async (world) => {
      await acceptCatalog(world.catalog, world.blobs, world.clock.now());
      return 'accepted: restart the server';
    },
  );
}

export function addStore(program: Command): void {
  const store = program.command('store').description('the store');
  addAction(
    store.command('aside'),
    'one JSON line for each blob that a start found in the store and not in the catalog, the oldest first',
    [],
    listAside,
  );
}

/** Printed as they come: there may be many. */
async function listAside({ blobs }: CommandWorld): Promise<unknown[]> {
  for await (const { asideMs, blobs: aside } of blobs.listAside()) {
    for (const { createdMs, ...blob } of aside) {
      const line = { since: new Date(asideMs), ...blob, created: new Date(createdMs) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
  return [];
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

async function readPolicy(file: string, vaultArn: string): Promise<Policy> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SettingError(`the policy cannot be read: ${error.message}`);
  });
  return parsePolicy(text, 'vault-lock', { vaultArn });
}

/** A policy that names its own vault is looked at on that vault. */
async function vaultOf(file: string, given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const text = await readFile(file, 'utf8').catch(() => '');
  return /arn:aws[a-z-]*:glacier:[a-z0-9-]+:\d{12}:vaults\/[\w.-]+/.exec(text)?.[0] ?? SOME_VAULT;
}

async function check(file: string, { vault }: CheckOptions): Promise<void> {
  const arn = await vaultOf(file, vault);
  const warnings = checkLockPolicy(await readPolicy(file, arn), arn.split(':')[4] ?? '', arn);
  for (const { severity, statement, message } of warnings) {
    process.stdout.write(
      `${severity}: ${statement === undefined ? '' : `statement ${statement}: `}${message}\n`,
    );
  }
  if (warnings.length === 0)
    process.stdout.write('nothing found; see `moraine lock simulate` for the cases that matter\n');
  if (warnings.some(({ severity }) => severity === 'danger')) process.exitCode = 1;
}

async function simulate(file: string, { vault, principal, action, age, tag }: CheckOptions): Promise<void> {
  const arn = await vaultOf(file, vault);
  if (!GLACIER_ACTIONS.includes(action as GlacierAction))
    throw new SettingError(`there is no action ${action}`);
  const policy = await readPolicy(file, arn);
  const asksForAge = policy.statements.some(({ conditions }) =>
    conditions.some(({ key }) => key === AGE_KEY),
  );
  if (asksForAge && age === undefined && carriesKey(action as GlacierAction, AGE_KEY))
    throw new SettingError('the policy asks for the age of the archive: give --age DAYS');
  const decision = simulateLock(policy, {
    principal: callerOf(principal, arn),
    action: action as GlacierAction,
    vaultArn: arn,
    ageInDays: age === undefined ? undefined : parseAge(age),
    tags: Object.fromEntries(tag.map(parseTag)),
  });
  const because = decision.statement
    ? ` by statement ${decision.statement.sid ?? decision.statement.index}`
    : '';
  process.stdout.write(`${decision.allowed ? 'allowed' : 'denied'} (${decision.reason}${because})\n`);
}

/** A mistyped fact would give the answer to another question. */
function parseAge(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new SettingError(`--age ${text} must be a number of days, such as 100 or 0.5`);
}

function parseTag(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new SettingError(`--tag ${text} must be KEY=VALUE`);
}

function callerOf(principal: string, vaultArn: string) {
  const account = principal === 'root' ? (vaultArn.split(':')[4] ?? '') : principal;
  if (/^\d{12}$/.test(account))
    return { kind: 'root', arn: `arn:aws:iam::${account}:root`, accountId: account } as const;
  const [, accountId, userName] = /^arn:aws[a-z-]*:iam::(\d{12}):user\/(.+)$/.exec(principal) ?? [];
  if (accountId === undefined)
    throw new SettingError(`--principal ${principal} is neither an account id nor the ARN of a user`);
  return { kind: 'user', arn: principal, accountId, userName, userId: 'AIDAEXAMPLE' } as const;
}
