import { ClockWentBack, STRAY_MS, startTime } from '../../domain/trusted-time.ts';
import { readSeenTime } from '../trusted-clock.ts';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, orOk, warning } from './finding.ts';

type Deps = {
  readonly machine: Pick<Machine, 'clocks'>;
  readonly config: Pick<DoctorDeps['config'], 'maxStopLeapMs'>;
  readonly store: Pick<NonNullable<DoctorDeps['store']>, 'note'> | undefined;
  readonly catalog: Pick<NonNullable<DoctorDeps['catalog']>, 'now'> | undefined;
};

/** The clock of this machine against trusted time and against the database's. */
export const clockCheck: Check<Deps> = {
  name: 'clock',
  run: async (deps) => [...(await judgeTrusted(deps)), ...(await judgeDatabase(deps))],
};

async function judgeTrusted({ machine, config, store }: Deps): Promise<readonly Finding[]> {
  const reading = machine.clocks();
  const seen = store === undefined ? null : await readSeenTime(store);
  const wall = iso(reading.wallMs);
  try {
    const { leaped } = startTime(seen, reading, config.maxStopLeapMs);
    if (!leaped)
      return [
        ok(
          `the clock says ${wall}; ${seen ? `trusted time was ${iso(seen.trustedMs)}` : 'there is no trusted time yet'}`,
        ),
      ];
    return [
      warning('clock-leaped', {
        found: `the clock says ${wall}, trusted time was ${iso(seen?.trustedMs ?? 0)} when it was last kept`,
        means: 'the clock leaped forward or the server stood still for long: locked archives do not age',
        advice: 'if the clock is right, run `moraine lock confirm-time`; if not, set it right first',
      }),
    ];
  } catch (error) {
    if (!(error instanceof ClockWentBack)) throw error;
    return [
      fault('clock-behind', {
        found: error.message,
        means: 'a server does not start, and nothing in a locked vault can be deleted',
        advice: 'set the clock of this machine right (NTP)',
      }),
    ];
  }
}

async function judgeDatabase({ machine, catalog }: Deps): Promise<readonly Finding[]> {
  const before = machine.clocks().wallMs;
  const there = await catalog?.now();
  if (there === undefined) return [];
  const after = machine.clocks().wallMs;
  const off = Math.max(before - there, there - after, 0);
  const found = `the database's clock says ${iso(there)}, ${Math.round(off)} ms off this machine's`;
  const findings: Finding[] = [];
  if (off > STRAY_MS)
    findings.push(
      warning('database-clock', {
        found,
        means: 'one of the two machines has a wrong clock; Moraine goes by its own',
        advice: 'set both clocks right (NTP)',
      }),
    );
  return orOk(findings, found);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
