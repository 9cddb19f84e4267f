import { SCRUB_PAUSED_SETTING, type ScrubProgress } from '../../domain/scrub-progress.ts';
import { readScrubProgress } from '../../workers/scrub-note.ts';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, orOk, warning } from './finding.ts';
import { readableCatalog } from './readable-catalog.ts';

/** More damage than this is "at least" so much. */
const COUNTED = 10_000;

type Deps = Pick<DoctorDeps, 'catalog'> & {
  readonly config: Pick<DoctorDeps['config'], 'scrubPeriodMs' | 'emulator'>;
  readonly machine: Pick<Machine, 'clocks'>;
  readonly store: Pick<NonNullable<DoctorDeps['store']>, 'note'> | undefined;
};

/** Damage on record, and whether the scrub does its work. */
export const damageCheck: Check<Deps> = {
  name: 'damage',
  async run({ catalog, store, config, machine }) {
    const reads = readableCatalog(catalog);
    if (reads === undefined || store === undefined) return [ok('not checked: there is no catalog to read')];
    const progress = await readScrubProgress(store);
    const { damages, archives } = await reads.countDamage(COUNTED);
    const findings: Finding[] = [];
    if (damages > 0) {
      findings.push(
        fault('damage-known', {
          found: `${damages === COUNTED ? 'at least ' : ''}${damages} damaged ranges or files are on record, of ${archives} archives`,
          means: 'these bytes are not what was stored; reads of them get a 500',
          advice:
            '`moraine damage ls` names archives and files; put the files back from a backup, then `moraine damage check`',
        }),
      );
    }
    if ((await reads.findSetting(SCRUB_PAUSED_SETTING)) === 'true')
      findings.push(
        warning('scrub-paused', {
          found: 'the scrub is paused',
          means: 'new damage is found only when somebody reads the archive',
          advice: 'moraine scrub resume',
        }),
      );
    findings.push(...judgeScrub(progress, config, machine.clocks().wallMs));
    return orOk(findings, `no damage is on record; ${describe(progress)}`);
  },
};

function judgeScrub(
  { pass, last }: ScrubProgress,
  { scrubPeriodMs, emulator }: Deps['config'],
  nowMs: number,
): readonly Finding[] {
  if (emulator) return [];
  const findings: Finding[] = [];
  const orphans = last?.orphans.count ?? 0;
  if (orphans > 0)
    findings.push(
      warning('orphans-known', {
        found: `the last scrub found ${orphans} blobs that nothing names, such as ${last?.orphans.refs[0]}`,
        means: 'they take space and do no harm; maybe the catalog lost their archives',
        advice: 'see "Blobs that nothing names" in docs/scrub.md',
      }),
    );
  const since = last?.endedMs ?? pass?.startedMs;
  // A pass ends within the period after it has begun, and the next begins within another.
  if (since !== undefined && nowMs - since > 2 * scrubPeriodMs)
    findings.push(
      warning('scrub-late', {
        found: describe({ pass, last }),
        means: `more than twice --scrub-period (${Math.round(scrubPeriodMs / 3_600_000)} hours) has passed: damage may be unknown`,
        advice: 'let the server run, or read everything now: moraine scrub now --wait',
      }),
    );
  return findings;
}

function describe({ pass, last }: Pick<ScrubProgress, 'pass' | 'last'>): string {
  if (last) return `the last scrub ended ${new Date(last.endedMs).toISOString()}`;
  return pass
    ? `the first scrub began ${new Date(pass.startedMs).toISOString()} and has not ended`
    : 'no scrub has ended yet';
}
