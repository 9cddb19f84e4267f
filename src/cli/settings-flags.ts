import type { Command } from 'commander';
import { FolderInUse } from '../app/data-folder.ts';
import { EXIT, SETTINGS, SettingError } from '../config.ts';
import { ApiError, Shortage } from '../domain/errors.ts';
import { ClockWentBack } from '../domain/lock-time.ts';
import { PolicyError } from '../domain/policy/policy-error.ts';

type Name = keyof typeof SETTINGS;

/** Adds a flag for each of these settings that is no secret; for all of them by default. */
export function addSettings(command: Command, names = Object.keys(SETTINGS) as Name[]): Command {
  for (const name of names) {
    const setting = SETTINGS[name];
    if ('secret' in setting) continue;
    const value = 'value' in setting ? ` <${setting.value}>` : '';
    command.option(`--${name}${value}`, `${setting.about} (default: ${defaultOf(setting)})`);
  }
  return command;
}

/** What is used when nothing is set, in words. */
export function defaultOf(setting: { readonly default?: unknown; readonly defaultText?: string }): string {
  return setting.defaultText ?? (setting.default === false ? 'off' : String(setting.default));
}

/** The flags that were given, by the settings' names (commander has them in camel case). */
export function flagsOf(command: Command): Record<string, unknown> {
  const given = Object.entries(command.opts());
  return Object.fromEntries(
    given.map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`), value]),
  );
}

/** Runs a command; a failure becomes one line on standard error and an exit code. */
export async function orExit(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.stderr.write(`moraine: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof Shortage) return EXIT.failed;
  if (error instanceof SettingError || error instanceof PolicyError || error instanceof ApiError)
    return EXIT.wrongSettings;
  // Both mean: not now, and not by other settings.
  return error instanceof FolderInUse || error instanceof ClockWentBack ? EXIT.notNow : EXIT.failed;
}
