/** Which archives of a request about many are denied. Archives differ by nothing but their ages. */
import { AGE_KEY } from './actions.ts';
import { type AccessRequest, authorize, type PolicySet } from './authorize.ts';
import type { Condition } from './condition.ts';
import { denialText } from './denial-text.ts';
import type { Policy } from './policy.ts';
import type { Statement } from './statement.ts';

const DAY_MS = 86_400_000;
/** The range of dates. */
const FIRST_MS = -8_640_000_000_000_000;
const LAST_MS = 8_640_000_000_000_000;

/** When an archive's age began: from this (inclusive) to that (exclusive), ms since 1970. */
export interface SinceSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A span of archives that are denied. */
interface HeldSpan extends SinceSpan {
  /** Why, for the caller. */
  readonly reason: string;
}

/** What policies say of a vault's archives at a moment. */
export interface ArchiveRuling {
  /** The archives that are denied; null where each must be asked. */
  readonly held: readonly HeldSpan[] | null;
  /** Why an archive is denied; undefined if it is not. @param sinceMs when its age began. */
  reasonToHold(sinceMs: number): string | undefined;
}

/** An archive's age in days as conditions see it. */
export function ageInDays(sinceMs: number, nowMs: number): string {
  return ((nowMs - sinceMs) / DAY_MS).toFixed(8);
}

/** When the age of an archive began. The date of an imported one was chosen by a client, so its arrival counts if later. */
export function sinceOf({ createdMs, arrivedMs }: { createdMs: number; arrivedMs: number | null }): number {
  return Math.max(createdMs, arrivedMs ?? createdMs);
}

/** All archives, whatever their ages. */
export const EVERY_AGE: SinceSpan = { fromMs: FIRST_MS, toMs: LAST_MS };

/**
 * Rules on the archives of a vault. Only an explicit Deny holds an archive: whether the request is allowed at all is
 * decided before.
 * @param request one about many archives; its context lacks the age.
 * @param nowMs trusted time.
 */
export function ruleOnArchives(request: AccessRequest, policies: PolicySet, nowMs: number): ArchiveRuling {
  const reasonToHold = (sinceMs: number): string | undefined => {
    const of = { ...request, denyOnArchive: undefined, context: withAge(request, ageInDays(sinceMs, nowMs)) };
    const decision = authorize(of, policies);
    return decision.reason === 'explicit-deny' ? denialText(of, decision) : undefined;
  };
  const cuts = cutsOf(policies, nowMs);
  return { held: cuts === null ? null : heldSpans(cuts, reasonToHold), reasonToHold };
}

function withAge({ context }: AccessRequest, age: string): AccessRequest['context'] {
  return { get: (key) => (key === AGE_KEY ? age : context.get(key)) };
}

/** Between two cuts all archives are decided alike. Rounded ages may lie off a threshold by a ms, so each gets several. */
function cutsOf(policies: PolicySet, nowMs: number): readonly number[] | null {
  const denials = [policies.vaultLock, policies.vaultAccess, ...policies.identity].flatMap(denialsOf);
  if (!denials.every(comparesNumbers)) return null;
  const thresholds = denials.flatMap(({ conditions }) => conditions.filter(isOnAge).flatMap(numbersOf));
  const cuts = thresholds.flatMap((days) => {
    const atMs = Math.floor(nowMs - days * DAY_MS);
    return [-2, -1, 0, 1, 2, 3].map((off) => atMs + off);
  });
  return [...new Set(cuts)].filter((ms) => ms > FIRST_MS && ms < LAST_MS).sort((a, b) => a - b);
}

function denialsOf(policy: Policy | undefined): readonly Statement[] {
  return policy?.statements.filter(({ effect }) => effect === 'Deny') ?? [];
}

function isOnAge({ key }: Condition): boolean {
  return key === AGE_KEY;
}

/** `Null` asks whether there is an age, which every archive has. */
function numbersOf({ base, values }: Condition): readonly number[] {
  return base === 'Null' ? [] : values.map(Number);
}

/** Whether a statement asks of an age no more than how it compares with numbers. */
function comparesNumbers({ conditions, resources }: Statement): boolean {
  const variables = [...conditions, ...resources.patterns].flatMap((one) => one.variables);
  if (variables.includes(AGE_KEY)) return false;
  return conditions.every((one) => !isOnAge(one) || one.base === 'Null' || one.base.startsWith('Numeric'));
}

function heldSpans(
  cuts: readonly number[],
  reasonToHold: (sinceMs: number) => string | undefined,
): readonly HeldSpan[] {
  const spans: HeldSpan[] = [];
  const starts = [FIRST_MS, ...cuts];
  for (const [i, fromMs] of starts.entries()) {
    const toMs = starts[i + 1] ?? LAST_MS;
    const reason = reasonToHold(fromMs);
    if (reason === undefined) continue;
    const last = spans.at(-1);
    if (last?.toMs === fromMs && last.reason === reason) spans.splice(-1, 1, { ...last, toMs });
    else spans.push({ fromMs, toMs, reason });
  }
  return spans;
}
