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
import { GLACIER_ACTIONS } from '../domain/policy/actions.ts';
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
    'find edits, removals, cut tails and earlier copies; exit code 6 if there are any',
    [],
    verify,
    ['expect'],
  );
  addAction(
    audit.command('head'),
    'print a line that says how far the log goes: keep it elsewhere, and give it to `audit verify --expect`',
    [],
    (deps) => anchorsOf(deps).headLine(),
  );
  addAction(audit.command('export'), 'records as JSON lines, in order of time', [], exportEvents, [
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
    throw new SettingError('--expect must be a whole line as `audit head` prints it: moraine-audit-1 …');
  return line;
}

/** What is proven, and what is not. */
function describe(found: Verified, expected: HeadLine | undefined): string[] {
  const { chains, events, anchored, anchoredMs, newer } = found;
  const first = `OK: ${pluralize(events, 'record')} in ${pluralize(chains, 'chain')}; nothing was changed, moved or removed.`;
  const lines = [first];
  if (anchoredMs === undefined) {
    lines.push('Nothing is anchored in the store or the catalog yet: an earlier copy of the log would pass.');
  } else {
    const at = new Date(anchoredMs).toISOString();
    lines.push(
      `Anchors cover ${pluralize(anchored.store, 'record')} in the store and ${pluralize(anchored.catalog, 'record')} in the catalog; the newest is of ${at}.`,
    );
    const since = events - anchored.store;
    if (since > 0)
      lines.push(
        `Not covered: ${pluralize(since, 'record')} after the last anchors. An earlier copy of the log that lacks only those would pass.`,
      );
  }
  if (newer.length > 0)
    lines.push(
      `Not covered: ${pluralize(newer.length, 'chain')} begun after what the store remembers (${newer.join(', ')}).`,
    );
  lines.push(
    expected
      ? `The expected line of ${new Date(expected.atMs).toISOString()} holds: all of its ${pluralize(expected.records, 'record')} are here.`
      : 'Without --expect, an earlier copy of log, store and catalog together would pass.',
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
  if (shown === 0) process.stderr.write(`moraine: none of ${pluralize(seen, 'record')} matches\n`);
  if (unreadable > 0) {
    process.stderr.write(`moraine: ${pluralize(unreadable, 'line')} could not be read: run audit verify\n`);
    process.exitCode = EXIT.damaged;
  }
  return [];
}

/** At the reader's pace. A reader that has seen enough, such as `head`, ends the program. */
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
  const known = [...GLACIER_ACTIONS, ...COMMAND_EVENTS].toSorted();
  const found = known.find((one) => one.toLowerCase() === name.toLowerCase());
  if (found === undefined)
    throw new SettingError(`there is no action ${text}; actions are ${known.join(', ')}`);
  return found;
}

function requireText(option: string, text: string): string {
  if (text === '') throw new SettingError(`${option} is empty`);
  return text;
}
