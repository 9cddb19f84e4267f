const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNIT_MS;

/**
 * Parses a duration: a whole number and a unit, such as `500ms`, `10s`, `5m`, `24h` or `7d`.
 * @param units that are accepted; all by default.
 * @returns ms, below 2^53; undefined for anything else.
 */
export function parseDuration(
  value: unknown,
  units: readonly Unit[] = ['ms', 's', 'm', 'h', 'd'],
): number | undefined {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(typeof value === 'string' ? value : '') ?? [];
  if (number === undefined || !units.includes(unit as Unit)) return undefined;
  const ms = Number(number) * UNIT_MS[unit as Unit];
  return Number.isSafeInteger(ms) ? ms : undefined;
}
