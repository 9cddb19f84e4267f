import type { Command } from 'commander';
import { type AuditChange, withCommandAudit } from '../app/command-audit.ts';
import { type CommandDeps, withCommandDeps } from '../app/command-deps.ts';
import { requireNumbersAhead } from '../workers/older-catalog.ts';
import { addSettingFlags, flagsOf, readCommandConfig, runOrExit } from './settings-flags.ts';

/** Arguments and options of a command, by name. An option without a value is the text `true`. */
export type Given = Readonly<Record<string, string | undefined>>;

/** Runs a command. Its result is printed: a list as lines, an object as one JSON line. */
export type Run = (deps: CommandDeps, given: Given) => Promise<unknown>;

/** Options that are not settings of the server. */
const OPTIONS = {
  user: ['NAME', 'name of the user'],
  for: ['TIME', 'how long the credentials are valid, at most 36h (default: 1h)'],
  key: ['ID', 'the key to issue the credentials under; they stop working with it'],
  json: ['', 'print JSON, one object a line'],
  wait: ['', 'wait until the pass has ended, then show the status'],
  yes: ['', 'go on even if this leaves a root without an enabled key'],
  expect: ['LINE', 'a line that `audit head` printed earlier'],
  from: ['TIME', 'start time, inclusive: ISO 8601 (UTC without an offset), or 3d, 12h, 30m before now'],
  to: ['TIME', 'end time, exclusive; same forms as --from'],
  action: ['NAME', 'only this action, such as DeleteArchive'],
  caller: ['CALLER', 'only this caller: access key id, user name, ARN or account id'],
  vault: ['NAME', 'only this vault: its name or ARN'],
} as const satisfies Readonly<Record<string, readonly [value: string, about: string]>>;

type OptionName = keyof typeof OPTIONS;

/** Defines a subcommand that works on the data folder; servers may run meanwhile. */
export function addAction(
  command: Command,
  about: string,
  names: readonly string[],
  run: Run,
  options: readonly OptionName[] = [],
): void {
  command.description(about);
  for (const name of names) command.argument(`<${name}>`);
  for (const name of options) {
    const [value, text] = OPTIONS[name];
    command.option(value === '' ? `--${name}` : `--${name} <${value}>`, text);
  }
  addSettingFlags(command, ['data', 'config', 'catalog', 'account-id']);
  command.action((...values: unknown[]) => {
    const flags = flagsOf(command);
    const given = Object.fromEntries([
      ...[...options, 'account-id'].map((name) => [name, textOf(flags[name])]),
      ...names.map((name, i) => [name, textOf(values[i])]),
    ]);
    const settings = Object.entries(flags).filter(([name]) => !options.includes(name as OptionName));
    return runOrExit(() =>
      withCommandDeps(readCommandConfig(Object.fromEntries(settings)), async (deps) =>
        print(await run(deps, given as Given)),
      ),
    );
  });
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** Makes a command that changes something. It gets a function that audits the change, and runs only if the log is writable. */
export function audited(
  run: (deps: CommandDeps, given: Given, auditChange: AuditChange) => Promise<unknown>,
): Run {
  return (deps, given) => withCommandAudit(deps, 'command', (auditChange) => run(deps, given, auditChange));
}

/** Makes an audited command whose changes leave entries in the store's journal. */
export function journaled(
  run: (deps: CommandDeps, given: Given, auditChange: AuditChange) => Promise<unknown>,
): Run {
  return audited(async (deps, given, auditChange) => {
    await requireNumbersAhead(deps.catalog, deps.blobs);
    return run(deps, given, auditChange);
  });
}

function print(result: unknown): void {
  for (const line of Array.isArray(result) ? result : [result]) {
    process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }
}
