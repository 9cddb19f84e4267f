import type { Command } from 'commander';
import { withWorld } from '../app/command-world.ts';
import { systemClock } from '../app/node.ts';
import { SettingError } from '../config.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Notification } from '../domain/notification.ts';
import { addSettings, flagsOf, orExit, readCommandConfig } from './settings-flags.ts';

const MESSAGES_PER_PAGE = 200;

/** Adds `notifications list` and `notifications retry`. */
export function addNotifications(program: Command): void {
  const group = program
    .command('notifications')
    .description('messages about finished jobs that are not delivered yet');
  const list = group
    .command('list')
    .description('one JSON line for each message: waiting or undeliverable, and why');
  addSettings(list, ['data', 'config', 'catalog']).action(() =>
    orExit(() => withWorld(readCommandConfig(flagsOf(list)), ({ catalog }) => printAll(catalog))),
  );
  const retry = group
    .command('retry')
    .description('make a message due now, or all of them; a running server sends it')
    .argument('[number]', 'the number of a message, as list shows it');
  addSettings(retry, ['data', 'config', 'catalog']).action((number: string | undefined) =>
    orExit(() => withWorld(readCommandConfig(flagsOf(retry)), ({ catalog }) => retryOne(catalog, number))),
  );
}

async function printAll(catalog: Catalog): Promise<void> {
  for (let after: number | null = null; ; ) {
    const { rows, more } = await catalog.listNotifications({ after, limit: MESSAGES_PER_PAGE });
    for (const row of rows) process.stdout.write(`${JSON.stringify(toLine(row))}\n`);
    after = rows.at(-1)?.no ?? after;
    if (!more) return;
  }
}

function toLine({
  no,
  state,
  topic,
  tries,
  reason,
  createdMs,
  message,
}: Notification): Record<string, unknown> {
  return {
    no,
    state,
    topic,
    tries,
    reason,
    created: new Date(createdMs).toISOString(),
    message: JSON.parse(message),
  };
}

async function retryOne(catalog: Catalog, number: string | undefined): Promise<void> {
  if (number !== undefined && !/^\d{1,15}$/.test(number))
    throw new SettingError(`not the number of a message: ${number}`);
  const no = number === undefined ? null : Number(number);
  const count = await catalog.retryNotifications({ no, nowMs: systemClock.now() });
  if (count === 0 && no !== null) throw new SettingError(`there is no message ${no}`);
  process.stdout.write(`${count} due now\n`);
}
