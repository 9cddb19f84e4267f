import type { Command } from 'commander';
import { anchorsOf } from '../app/audit.ts';
import { COMMAND_EVENTS } from '../app/command-audit.ts';
import type { CommandDeps } from '../app/command-deps.ts';
import { ChainKey } from '../audit/chain.ts';
import { listEvents } from '../audit/events.ts';
import { type AuditFilter, matches } from '../audit/filter.ts';
import { type HeadLine, parseHeadLine } from '../audit/head-line.ts';
import { type Verified, verifyAudit } from '../audit/verify.ts';
import { EXIT, SettingError } from '../config/errors.ts';
import { ACTIONS } from '../domain/policy/extension-actions.ts';
import { addAction, type Given } from './action.ts';
import { pluralize } from './pluralize.ts';
import { parseTime } from './time-argument.ts';

/** Adds `audit verify`, `audit head` and `audit export`. */
export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('the log of changes, downloads and denials, by API requests and by commands');
  addAction(
    audit.command('verify'),
    'find events that were changed or removed, and earlier copies of the log; exit code 6 if there are any',
    [],
    verify,
    ['expect'],
  );
  addAction(
    audit.command('head'),
    'print a line that says how far the log goes; keep it elsewhere and pass it to `audit verify --expect` later',
    [],
    (deps) => anchorsOf(deps).headLine(),
  );
  addAction(audit.command('export'), 'print events as JSON lines, in order of time', [], exportEvents, [
    'from',
    'to',
    'action',
    'caller',
    'vault',
  ]);
}

async function verify(deps: CommandDeps, given: Given): Promise<string[]> {
  const expected = given['expect'] === undefined ? undefined : requireHeadLine(given['expect']);
  const remembered = await anchorsOf(deps).remembered();
  const found = await verifyAudit(deps.folder.audit, new ChainKey(deps.masterKey), remembered, expected);
  if (found.problems.length === 0) return describe(found, expected);
  process.exitCode = EXIT.damaged;
  return found.problems.map(({ file, line, fault }) =>
    file === '' ? fault : `${file}${line > 0 ? `:${line}` : ''}: ${fault}`,
  );
}

function requireHeadLine(text: string): HeadLine {
  const line = parseHeadLine(text);
  if (!line)
    throw new SettingError('--expect must be a whole line that `audit head` printed: moraine-audit-1 …');
  return line;
}

/** Says what the log proves, and what it does not. */
function describe(found: Verified, expected: HeadLine | undefined): string[] {
  const { chains, events, anchored, anchoredMs, newer } = found;
  const first = `OK: ${pluralize(events, 'event')} in ${pluralize(chains, 'chain')}; nothing was changed, moved or removed.`;
  const lines = [first];
  if (anchoredMs === undefined) {
    lines.push('No anchor is in the store or the catalog yet, so an earlier copy of the log would pass.');
  } else {
    const at = new Date(anchoredMs).toISOString();
    lines.push(
      `Anchors in the store cover ${pluralize(anchored.store, 'event')}, those in the catalog ${pluralize(anchored.catalog, 'event')}; the newest is from ${at}.`,
    );
    const since = events - anchored.store;
    if (since > 0)
      lines.push(
        `Not covered: ${pluralize(since, 'event')} after the last anchors. An earlier copy of the log that lacks only these would pass.`,
      );
  }
  if (newer.length > 0)
    lines.push(
      `Not covered: ${pluralize(newer.length, 'chain')} newer than this copy of the store (${newer.join(', ')}).`,
    );
  lines.push(
    expected
      ? `The expected line of ${new Date(expected.atMs).toISOString()} holds: all of its ${pluralize(expected.records, 'event')} are here.`
      : 'Without --expect, earlier copies of log, store and catalog together would pass.',
  );
  return lines;
}

async function exportEvents({ folder, clock }: CommandDeps, given: Given): Promise<string[]> {
  const filter = filterOf(given, clock.now());
  let [seen, shown, unreadable] = [0, 0, 0];
  for await (const event of listEvents(folder.audit, () => unreadable++)) {
    seen++;
    if (!matches(event, filter)) continue;
    shown++;
    await write(`${JSON.stringify(event)}\n`);
  }
  if (shown === 0) process.stderr.write(`moraine: none of ${pluralize(seen, 'event')} matches\n`);
  if (unreadable > 0) {
    process.stderr.write(
      `moraine: ${pluralize(unreadable, 'line')} could not be read: run \`audit verify\`\n`,
    );
    process.exitCode = EXIT.damaged;
  }
  return [];
}

/** Resolves when the reader has taken the text. Ends the program if the reader has closed the pipe, as `head` does. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve();
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
      else reject(error);
    });
  });
}

function filterOf(given: Given, nowMs: number): AuditFilter {
  const { action, caller, vault, from, to } = given;
  return {
    ...(from === undefined ? {} : { fromMs: parseTime('--from', from, nowMs) }),
    ...(to === undefined ? {} : { toMs: parseTime('--to', to, nowMs) }),
    ...(action === undefined ? {} : { action: requireAction(action) }),
    ...(caller === undefined ? {} : { caller: requireText('--caller', caller) }),
    ...(vault === undefined ? {} : { vault: requireText('--vault', vault) }),
  };
}

function requireAction(text: string): string {
  const name = text.replace(/^glacier:/, '');
  const known = [...ACTIONS, ...COMMAND_EVENTS].toSorted();
  const found = known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (found === undefined)
    throw new SettingError(`--action ${text} is unknown; the actions are ${known.join(', ')}`);
  return found;
}

function requireText(option: string, text: string): string {
  if (text === '') throw new SettingError(`${option} is empty`);
  return text;
}
