import type { Command } from 'commander';
import { type AuditChange, withCommandAudit } from '../app/command-audit.ts';
import { type CommandDeps, withCommandDeps } from '../app/command-deps.ts';
import { addSettingFlags, flagsOf, readCommandConfig, runOrExit } from './settings-flags.ts';

/** What a command was given: arguments by name and options; an option without a value is `true` as text. */
export type Given = Readonly<Record<string, string | undefined>>;

/** What a command does. What it gives back is printed: a list as lines, an object as one JSON line. */
export type Run = (deps: CommandDeps, given: Given) => Promise<unknown>;

/** Options that are not settings of the server. */
const OPTIONS = {
  user: ['NAME', 'the user meant'],
  for: ['TIME', 'how long the credentials work, up to 36h (default: 1h)'],
  key: ['ID', 'the key that the credentials are issued under and die with'],
  yes: ['', 'do it although it takes away the last enabled key of a root'],
  expect: ['LINE', 'a line that `audit head` printed before'],
  from: ['TIME', 'from this time on: ISO 8601 (UTC without an offset), or 3d, 12h, 30m for so long ago'],
  to: ['TIME', 'before this time'],
  action: ['NAME', 'this action alone, such as DeleteArchive'],
  caller: ['WHO', 'this caller alone: access key id, user name, ARN or account id'],
  vault: ['NAME', 'this vault alone: its name or its ARN'],
} as const satisfies Readonly<Record<string, readonly [value: string, about: string]>>;

type OptionName = keyof typeof OPTIONS;

/** Makes a subcommand that works on the data folder beside running servers. */
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

/**
 * A command that changes something: it is given what puts the change on record, and is not begun when the audit log cannot
 * be written.
 */
export function audited(
  run: (deps: CommandDeps, given: Given, auditChange: AuditChange) => Promise<unknown>,
): Run {
  return (deps, given) => withCommandAudit(deps, 'command', (auditChange) => run(deps, given, auditChange));
}

function print(result: unknown): void {
  for (const line of Array.isArray(result) ? result : [result]) {
    process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }
}
