import type { Command } from 'commander';
import { type Recorder, withRecorder } from '../app/command-audit.ts';
import { withWorld } from '../app/command-world.ts';
import { systemClock } from '../app/node.ts';
import { NotFound, SettingError } from '../config.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Notification } from '../domain/notification.ts';
import { count } from './count.ts';
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
    orExit(() =>
      withWorld(readCommandConfig(flagsOf(retry)), (world) =>
        withRecorder(world, 'command', (record) => retryOne(world.catalog, number, record)),
      ),
    ),
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

async function retryOne(catalog: Catalog, number: string | undefined, record: Recorder): Promise<void> {
  if (number !== undefined && !/^\d{1,15}$/.test(number))
    throw new SettingError(`${number} is not the number of a message: \`notifications list\` shows them`);
  const no = number === undefined ? null : Number(number);
  const due = await catalog.retryNotifications({ no, nowMs: systemClock.now() });
  if (due === 0 && no !== null)
    throw new NotFound(`there is no message ${no}: \`notifications list\` shows those that there are`);
  await record({ eventName: 'RetryNotifications', account: null, parameters: { number: no, count: due } });
  process.stdout.write(`${count(due, 'message')} due now\n`);
}
