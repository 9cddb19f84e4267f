const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as `500ms`, `10s`, `5m`, `5h` or `7d`, in ms; undefined for anything else. */
export function parseDuration(value: unknown): number | undefined {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(typeof value === 'string' ? value : '') ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit as keyof typeof UNITS];
}
