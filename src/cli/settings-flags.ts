import type { Command } from 'commander';
import { AuditInUse } from '../app/command-audit.ts';
import { FolderInUse } from '../app/data-folder.ts';
import { adoptedUid, becomeOwner } from '../app/folder-owner.ts';
import { StartRefused } from '../app/start-plan.ts';
import { EXIT, NotFoundError, SettingError } from '../config/errors.ts';
import { type Config, dataPath, readConfig } from '../config/read.ts';
import { SETTINGS } from '../config/settings.ts';
import { Refusal, Shortage } from '../domain/errors.ts';
import { PolicyError } from '../domain/policy/policy-error.ts';
import type { RefusalReason } from '../domain/start-refusals.ts';
import { ClockWentBack } from '../domain/trusted-time.ts';

type Name = keyof typeof SETTINGS;

/** Adds a flag for each of these settings, by default for all. Secrets get no flag. */
export function addSettingFlags(command: Command, names = Object.keys(SETTINGS) as Name[]): Command {
  for (const name of names) {
    const setting = SETTINGS[name];
    if ('secret' in setting) continue;
    const value = 'value' in setting ? ` <${setting.value}>` : '';
    command.option(`--${name}${value}`, `${setting.about} (default: ${defaultOf(setting)})`);
  }
  return command;
}

/** Describes the default of a setting. */
export function defaultOf(setting: { readonly default?: unknown; readonly defaultText?: string }): string {
  return setting.defaultText ?? (setting.default === false ? 'off' : String(setting.default));
}

/** The given flags by the names of their settings. (Commander returns names in camel case.) */
export function flagsOf(command: Command): Record<string, unknown> {
  const given = Object.entries(command.opts());
  return Object.fromEntries(
    given.map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`), value]),
  );
}

/**
 * Reads the settings of a command that works beside a server. A root process first becomes the owner of the data
 * folder, so that the server can read what the command writes.
 * @param readPair as for `readConfig`. @throws SettingError.
 */
export function readCommandConfig(
  flags: Readonly<Record<string, unknown>>,
  readPair?: Parameters<typeof readConfig>[1],
): Config {
  becomeOwner(dataPath(flags));
  return readConfig(flags, readPair);
}

/** Runs a command. If it fails, prints one line on standard error and exits with a code for the error. */
export async function runOrExit(run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    process.stderr.write(`moraine: ${messageOf(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

/** Explains a denied permission if the command was run by root and became another user: root would not expect it. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const uid = adoptedUid();
  if (uid === undefined || !/\b(EACCES|EPERM)\b/.test(message)) return message;
  return `${message} (root's commands run as uid ${uid}, the owner of the data folder)`;
}

/** Refused starts that other settings can fix. For all others, something must be put back. */
const OTHER_SETTINGS: ReadonlySet<RefusalReason> = new Set([
  'other-catalog',
  'other-store',
  'emulator-over-store',
  'server-over-emulated',
]);

function exitCodeOf(error: unknown): number {
  if (error instanceof Shortage) return EXIT.failed;
  if (error instanceof SettingError || error instanceof PolicyError || error instanceof Refusal)
    return EXIT.wrongSettings;
  if (error instanceof StartRefused && OTHER_SETTINGS.has(error.reason)) return EXIT.wrongSettings;
  if (error instanceof NotFoundError) return EXIT.notFound;
  // Other settings do not help here, but a later try may.
  const notNow = [FolderInUse, ClockWentBack, AuditInUse].some((kind) => error instanceof kind);
  return notNow ? EXIT.notNow : EXIT.failed;
}
