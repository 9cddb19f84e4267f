/** What the doctor finds, and the form of its checks. */

/** A fault stops a server, endangers data or exposes it; a warning is likely to become one. */
type Severity = 'ok' | 'warning' | 'fault';

export interface Finding {
  readonly severity: Severity;
  /** Names the kind of finding, as docs/doctor.md lists them; `ok` if all is well. */
  readonly code: string;
  /** What was found, with its values. */
  readonly found: string;
  /** What that means, and what to do; both empty if all is well. */
  readonly means: string;
  readonly advice: string;
}

/** One check. It changes nothing but a scratch area, which it removes. */
export interface Check<Deps> {
  /** For reports. */
  readonly name: string;
  /** @throws any error that it met; the doctor reports it as a fault. */
  run(deps: Deps): Promise<readonly Finding[]>;
}

interface Bad {
  readonly found: string;
  readonly means: string;
  readonly advice: string;
}

export function ok(found: string): Finding {
  return { severity: 'ok', code: 'ok', found, means: '', advice: '' };
}

export function warning(code: string, bad: Bad): Finding {
  return { severity: 'warning', code, ...bad };
}

export function fault(code: string, bad: Bad): Finding {
  return { severity: 'fault', code, ...bad };
}

/** The findings, or that all is well if there are none. */
export function orOk(findings: readonly Finding[], found: string): readonly Finding[] {
  return findings.length === 0 ? [ok(found)] : findings;
}

/** Some of many names, and how many there are. */
export function some(names: readonly string[], count = names.length): string {
  const shown = names.slice(0, 5).join(', ');
  return count > 5 ? `${shown} and ${count - 5} more` : shown;
}
