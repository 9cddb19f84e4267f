import type { Command } from 'commander';
import { type CommandWorld, withWorld } from '../app/command-world.ts';
import { addSettings, flagsOf, orExit, readCommandConfig } from './settings-flags.ts';

/** What a command was given: arguments by name and options. */
type Given = Readonly<Record<string, string | undefined>>;

/** Options that are not settings of the server. */
const OPTIONS: Readonly<Record<string, readonly [value: string, about: string]>> = {
  user: ['NAME', 'the user meant'],
  for: ['TIME', 'how long the credentials work, up to 36h (default: 1h)'],
  key: ['ID', 'the key that the credentials are issued under and die with'],
};

/**
 * Makes a subcommand that works on the data folder beside running servers. What it gives back is printed: a
 * list as lines, an object as one JSON line.
 */
export function addAction(
  command: Command,
  about: string,
  names: readonly string[],
  run: (world: CommandWorld, given: Given) => Promise<unknown>,
  options: readonly string[] = [],
): void {
  command.description(about);
  for (const name of names) command.argument(`<${name}>`);
  for (const name of options) command.option(`--${name} <${OPTIONS[name]?.[0]}>`, OPTIONS[name]?.[1]);
  addSettings(command, ['data', 'config', 'catalog', 'account-id']);
  command.action((...values: unknown[]) => {
    const flags = flagsOf(command);
    const own = Object.fromEntries(options.map((name) => [name, flags[name]]));
    const settings = Object.fromEntries(Object.entries(flags).filter(([name]) => !options.includes(name)));
    const given = {
      ...own,
      'account-id': flags['account-id'],
      ...Object.fromEntries(names.map((name, i) => [name, values[i]])),
    };
    return orExit(() =>
      withWorld(readCommandConfig(settings), async (world) => print(await run(world, given as Given))),
    );
  });
}

function print(result: unknown): void {
  for (const line of Array.isArray(result) ? result : [result]) {
    process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }
}
