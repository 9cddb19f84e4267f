import type { Command } from 'commander';
import { AuditInUse } from '../app/command-audit.ts';
import { FolderInUse } from '../app/data-folder.ts';
import { adoptedUid, becomeOwner } from '../app/folder-owner.ts';
import { StartRefused } from '../app/start-plan.ts';
import { EXIT, NotFoundError, SettingError } from '../config/errors.ts';
import { type Config, dataPath, readConfig } from '../config/read.ts';
import { SETTINGS } from '../config/settings.ts';
import { ApiError, Shortage } from '../domain/errors.ts';
import { PolicyError } from '../domain/policy/policy-error.ts';
import type { RefusalReason } from '../domain/start-refusals.ts';
import { ClockWentBack } from '../domain/trusted-time.ts';

type Name = keyof typeof SETTINGS;

/** Adds a flag for each of these settings that is no secret; for all of them by default. */
export function addSettingFlags(command: Command, names = Object.keys(SETTINGS) as Name[]): Command {
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

/**
 * The settings of a command that works beside a server: before it opens anything, a process of root's becomes the
 * owner of the data folder, so that the server may read all that the command writes.
 * @throws SettingError.
 */
export function readCommandConfig(flags: Readonly<Record<string, unknown>>): Config {
  becomeOwner(dataPath(flags));
  return readConfig(flags);
}

/** Runs a command; a failure becomes one line on standard error and an exit code. */
export async function runOrExit(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.stderr.write(`moraine: ${messageOf(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

/** Root is used to being allowed everything: where a command has become another user it must say so. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const uid = adoptedUid();
  if (uid === undefined || !/\b(EACCES|EPERM)\b/.test(message)) return message;
  return `${message} (as uid ${uid}, the owner of the data folder: what root runs over it runs as that user)`;
}

/** What other settings mend; what is missing must be put back. */
const OTHER_SETTINGS: ReadonlySet<RefusalReason> = new Set([
  'other-catalog',
  'other-store',
  'emulator-over-store',
  'server-over-emulated',
]);

function exitCodeOf(error: unknown): number {
  if (error instanceof Shortage) return EXIT.failed;
  if (error instanceof SettingError || error instanceof PolicyError || error instanceof ApiError)
    return EXIT.wrongSettings;
  if (error instanceof StartRefused && OTHER_SETTINGS.has(error.reason)) return EXIT.wrongSettings;
  if (error instanceof NotFoundError) return EXIT.notFound;
  // All of these mean: not now, and not by other settings.
  const notNow = [FolderInUse, ClockWentBack, AuditInUse].some((kind) => error instanceof kind);
  return notNow ? EXIT.notNow : EXIT.failed;
}
