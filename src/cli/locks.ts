/** `lock`: examines a lock policy before it becomes permanent, and confirms the server's clock. `catalog`: accepts one. */
import type { Command } from 'commander';
import { systemClock } from '../app/system.ts';
import { confirmTrustedTime } from '../app/trusted-clock.ts';
import { SettingError } from '../config/errors.ts';
import { Ids } from '../domain/ids.ts';
import { AGE_KEY, carriesKey } from '../domain/policy/actions.ts';
import { ACTIONS, type Action } from '../domain/policy/extension-actions.ts';
import { checkLockPolicy, simulateLock } from '../domain/policy/lock-check.ts';
import { acceptCatalog } from '../workers/older-catalog.ts';
import { addAction, audited } from './action.ts';
import { lockSubject, type Subject } from './lock-subject.ts';
import { addSettingFlags, flagsOf, readCommandConfig, runOrExit } from './settings-flags.ts';

const SETTINGS_TAKEN = ['data', 'config', 'catalog'] as const;

interface SimulateOptions {
  readonly principal: string;
  readonly action: string;
  readonly age?: string;
  readonly tag: readonly string[];
}

export function addLocks(program: Command): void {
  const lock = program.command('lock').description('vault locks');
  const checked = aboutPolicy(lock.command('check')).description(
    'report likely mistakes in a lock policy; exit code 1 if there are any',
  );
  checked.action((file?: string) => runOrExit(async () => check(await subjectOf(checked, file))));
  const simulated = aboutPolicy(lock.command('simulate'))
    .description('say whether a lock policy lets a principal act on an archive of a given age')
    .option('--principal <ARN>', 'the caller: an account id for its root, or the ARN of a user', 'root')
    .option('--action <ACTION>', 'the action, such as DeleteArchive', 'DeleteArchive')
    .option('--age <DAYS>', 'age of the archive in days')
    .option('--tag <KEY=VALUE>', 'a tag of the vault; can be repeated', collect, []);
  simulated.action((file: string | undefined, options: SimulateOptions) =>
    runOrExit(async () => simulate(await subjectOf(simulated, file), options)),
  );
  addAction(
    lock.command('confirm-time'),
    'confirm that the clock of this machine is right, after it leaped or after a long stop',
    [],
    audited(async ({ blobs, clock }, _, auditChange) => {
      const at = new Date(clock.now()).toISOString();
      await confirmTrustedTime(blobs, Date.parse(at));
      await auditChange({ eventName: 'ConfirmLockTime', account: null, parameters: { time: at } });
      return `confirmed ${at}; running servers notice within half a minute, one that is started within ten minutes at once`;
    }),
  );
}

export function addCatalog(program: Command): void {
  const catalog = program.command('catalog').description('the catalog');
  addAction(
    catalog.command('accept'),
    'accept a catalog that was restored from a backup: sweeping and expiry resume at the next start',
    [],
    audited(async (deps, _, auditChange) => {
      const { catalog, blobs, clock, masterKey, random } = deps;
      const ids = new Ids(masterKey, random);
      await acceptCatalog(catalog, blobs, clock.now(), (id) => ids.isOwnArchiveId(id));
      await auditChange({ eventName: 'AcceptCatalog', account: null, parameters: {} });
      return 'accepted: restart the server';
    }),
  );
}

function aboutPolicy(command: Command): Command {
  command
    .argument('[file]', 'policy file, JSON; without it, the lock of the vault that --vault names')
    .option('--vault <NAME>', 'the vault of the policy: its ARN, or a name, which is looked up');
  return addSettingFlags(command, [...SETTINGS_TAKEN]);
}

function subjectOf(command: Command, file: string | undefined): Promise<Subject> {
  const flags = flagsOf(command);
  const settings = SETTINGS_TAKEN.filter((name) => flags[name] !== undefined);
  return lockSubject({
    file,
    vault: flags['vault'] === undefined ? undefined : String(flags['vault']),
    lookUp: settings.length > 0,
    config: () => readCommandConfig(Object.fromEntries(settings.map((name) => [name, flags[name]]))),
  });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function check({ policy, vaultArn, how }: Subject): void {
  const findings = checkLockPolicy(policy, vaultArn.split(':')[4] ?? '', vaultArn, systemClock.now());
  process.stdout.write(`checked for ${how}\n`);
  for (const { severity, message } of findings) process.stdout.write(`${severity}: ${message}\n`);
  if (findings.length === 0)
    process.stdout.write('OK: no likely mistakes found; test important cases with `lock simulate`\n');
  else process.exitCode = 1;
}

function simulate({ policy, vaultArn }: Subject, { principal, action, age, tag }: SimulateOptions): void {
  if (!ACTIONS.includes(action as Action))
    throw new SettingError(`--action ${action} is unknown; the actions are ${ACTIONS.toSorted().join(', ')}`);
  const asksForAge = policy.statements.some(({ conditions }) =>
    conditions.some(({ key }) => key === AGE_KEY),
  );
  if (asksForAge && age === undefined && carriesKey(action as Action, AGE_KEY))
    throw new SettingError('the policy depends on the age of the archive: give --age DAYS');
  const decision = simulateLock(policy, {
    principal: callerOf(principal, vaultArn),
    action: action as Action,
    vaultArn,
    ageInDays: age === undefined ? undefined : parseAge(age),
    tags: Object.fromEntries(tag.map(parseTag)),
  });
  const because = decision.statement
    ? ` by statement ${decision.statement.sid ?? decision.statement.index}`
    : '';
  process.stdout.write(`${decision.allowed ? 'allowed' : 'denied'} (${decision.reason}${because})\n`);
}

function parseAge(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new SettingError(`--age must be a number of days such as 100 or 0.5, not ${JSON.stringify(text)}`);
}

function parseTag(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new SettingError(`--tag must be KEY=VALUE, not ${JSON.stringify(text)}`);
}

function callerOf(principal: string, vaultArn: string) {
  const account = principal === 'root' ? (vaultArn.split(':')[4] ?? '') : principal;
  if (/^\d{12}$/.test(account))
    return { kind: 'root', arn: `arn:aws:iam::${account}:root`, accountId: account } as const;
  const [, accountId, userName] = /^arn:aws[a-z-]*:iam::(\d{12}):user\/(.+)$/.exec(principal) ?? [];
  if (accountId === undefined)
    throw new SettingError(
      `--principal must be an account id or the ARN of a user, not ${JSON.stringify(principal)}`,
    );
  return { kind: 'user', arn: principal, accountId, userName, userId: 'AIDAEXAMPLE' } as const;
}
