/** `scrub`: how far the scrub is; to start, pause and resume it. The running server looks every two seconds. */
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { requireStoreOnDisk } from '../app/bucket.ts';
import { type AuditChange, withCommandAudit } from '../app/command-audit.ts';
import type { CommandDeps } from '../app/command-deps.ts';
import { EXIT } from '../config/errors.ts';
import type { DamageCount } from '../domain/damage-catalog.ts';
import {
  type EndedPass,
  SCRUB_NOW_SETTING,
  SCRUB_PAUSED_SETTING,
  type ScrubPass,
} from '../domain/scrub-progress.ts';
import { readScrubProgress } from '../workers/scrub-note.ts';
import { addAction, audited, type Given } from './action.ts';
import { isoDate } from './iso-date.ts';
import { pluralize } from './pluralize.ts';

/** How often `now --wait` looks. */
const LOOK_PAUSE_MS = 500;
/** More damage than this is "at least" so much. */
const COUNTED = 10_000;

/** Adds `scrub status`, `now`, `pause` and `resume`. */
export function addScrub(program: Command): void {
  const scrub = program
    .command('scrub')
    .description('the reading of every stored byte, to find damage before somebody asks for the archive');
  const status = 'show how far it is, and how much damage is known; exit code 6 if there is any';
  addAction(scrub.command('status'), status, [], showStatus, ['json']);
  const now = 'make the running server read everything now, without pauses; resumes a paused scrub';
  addAction(scrub.command('now'), now, [], startNow, ['wait', 'json']);
  const pause =
    'make the running server stop reading, until `scrub resume`; a restart does not end the pause';
  addAction(scrub.command('pause'), pause, [], audited(setPaused(true)));
  addAction(scrub.command('resume'), 'make it go on', [], audited(setPaused(false)));
}

function setPaused(isPaused: boolean) {
  return async ({ catalog }: CommandDeps, _: Given, auditChange: AuditChange): Promise<string> => {
    await catalog.setSetting({ name: SCRUB_PAUSED_SETTING, value: String(isPaused) });
    const eventName = isPaused ? 'PauseScrub' : 'ResumeScrub';
    await auditChange({ eventName, account: null, parameters: {} });
    return isPaused ? 'the scrub is paused' : 'the scrub goes on';
  };
}

async function startNow(deps: CommandDeps, given: Given): Promise<string | string[]> {
  requireStoreOnDisk(deps.config, 'moraine scrub');
  const { catalog, blobs } = deps;
  const { answeredMs } = await readScrubProgress(blobs);
  // Later than the last request, even if the clock was set back.
  const askedMs = Math.max(deps.clock.now(), answeredMs + 1);
  await withCommandAudit(deps, 'command', async (auditChange) => {
    await catalog.setSetting({ name: SCRUB_PAUSED_SETTING, value: 'false' });
    await catalog.setSetting({ name: SCRUB_NOW_SETTING, value: String(askedMs) });
    await auditChange({ eventName: 'StartScrub', account: null, parameters: {} });
  });
  if (given['wait'] === undefined) return given['json'] ? [] : 'a running server begins within seconds';
  process.stderr.write('moraine: waiting until a running server has read everything\n');
  for (;;) {
    const progress = await readScrubProgress(blobs);
    if (progress.answeredMs >= askedMs && progress.pass === null) return showStatus(deps, given);
    await setTimeout(LOOK_PAUSE_MS);
  }
}

async function showStatus(deps: CommandDeps, given: Given): Promise<string[]> {
  const { catalog, blobs } = deps;
  const { pass, last } = await readScrubProgress(blobs);
  const isPaused = (await catalog.findSetting(SCRUB_PAUSED_SETTING)) === 'true';
  const count = await catalog.countDamage(COUNTED);
  const { bytes } = await catalog.storedTotals();
  if (count.damages > 0) process.exitCode = EXIT.damaged;
  const state = isPaused ? 'paused' : pass === null ? 'waiting' : 'reading';
  if (given['json'])
    return [JSON.stringify({ type: 'scrub', state, pass: toJson(pass), last: toJson(last), ...count })];
  return [
    `${state}${pass ? `: ${describePass(pass, Math.max(bytes, last?.bytes ?? 0))}` : ''}`,
    last === null ? 'no pass has ended yet' : describeEnded(last),
    describeDamage(count),
  ];
}

/** Marks are of no use to a reader. */
function toJson(pass: ScrubPass | EndedPass | null): Record<string, unknown> | null {
  if (pass === null) return null;
  const { startedMs, bytes, blobs, isFast, orphans } = pass;
  const ended = 'endedMs' in pass ? { endDate: isoDate(pass.endedMs) } : {};
  return { startDate: isoDate(startedMs), ...ended, bytes, blobs, asked: isFast, orphans };
}

function describePass({ startedMs, bytes, isFast }: ScrubPass, total: number): string {
  const share = total === 0 ? 0 : Math.min(99, Math.floor((100 * bytes) / total));
  return `began ${isoDate(startedMs)}${isFast ? ' as asked' : ''}, ${bytes} bytes read, about ${share} %`;
}

function describeEnded({ startedMs, endedMs, bytes, blobs, orphans }: EndedPass): string {
  const times = `${isoDate(startedMs)} to ${isoDate(endedMs)}`;
  const found =
    orphans.count === 0 ? '' : `; nothing names ${orphans.count} of them, such as ${orphans.refs[0]}`;
  return `last pass: ${times}, ${bytes} bytes, ${pluralize(blobs, 'blob')}${found}`;
}

function describeDamage({ damages, archives }: DamageCount): string {
  if (damages === 0) return 'no damage is known';
  const atLeast = damages === COUNTED ? 'at least ' : '';
  const what = `${atLeast}${pluralize(damages, 'damaged range')}, ${pluralize(archives, 'archive')} marked`;
  return `${what}; \`moraine damage ls\` lists them`;
}
