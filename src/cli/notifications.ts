import type { Command } from 'commander';
import { type AuditChange, withCommandAudit } from '../app/command-audit.ts';
import { withCommandDeps } from '../app/command-deps.ts';
import { systemClock } from '../app/system.ts';
import { NotFoundError, SettingError } from '../config/errors.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Notification } from '../domain/notification.ts';
import { pluralize } from './pluralize.ts';
import { addSettingFlags, flagsOf, readCommandConfig, runOrExit } from './settings-flags.ts';

const MESSAGES_PER_PAGE = 200;

/** Adds `notifications list` and `notifications retry`. */
export function addNotifications(program: Command): void {
  const group = program.command('notifications').description('undelivered messages about finished jobs');
  const list = group
    .command('list')
    .description('list messages, waiting or undeliverable, with the reason; one JSON line each');
  addSettingFlags(list, ['data', 'config', 'catalog']).action(() =>
    runOrExit(() => withCommandDeps(readCommandConfig(flagsOf(list)), ({ catalog }) => printAll(catalog))),
  );
  const retry = group
    .command('retry')
    .description('make one message due now, or all of them; a running server sends them')
    .argument('[number]', 'number of a message, as `notifications list` shows it');
  addSettingFlags(retry, ['data', 'config', 'catalog']).action((number: string | undefined) =>
    runOrExit(() =>
      withCommandDeps(readCommandConfig(flagsOf(retry)), (deps) =>
        withCommandAudit(deps, 'command', (auditChange) => retryOne(deps.catalog, number, auditChange)),
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

async function retryOne(
  catalog: Catalog,
  number: string | undefined,
  auditChange: AuditChange,
): Promise<void> {
  if (number !== undefined && !/^\d{1,15}$/.test(number))
    throw new SettingError(
      `the number of a message must be digits, as \`notifications list\` shows, not ${JSON.stringify(number)}`,
    );
  const no = number === undefined ? null : Number(number);
  const due = await catalog.retryNotifications({ no, nowMs: systemClock.now() });
  if (due === 0 && no !== null)
    throw new NotFoundError(`there is no message ${no}; \`notifications list\` shows the messages`);
  await auditChange({
    eventName: 'RetryNotifications',
    account: null,
    parameters: { number: no, count: due },
  });
  process.stdout.write(`${pluralize(due, 'message')} due now\n`);
}
