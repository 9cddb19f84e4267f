/** ISO 8601 with seconds; a missing zone is UTC, as one old client sends it. @returns ms since 1970, or undefined. */
export function parseIsoDate(raw: string): number | undefined {
  const match =
    /^(\d{4}-\d\d-(\d\d))T(\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|UTC|GMT|[+-]\d\d:?\d\d)?$/.exec(raw) ?? [];
  const [, day, dayOfMonth, time, zone = ''] = match;
  const ms = Date.parse(`${day}T${time}${/^[+-]/.test(zone) ? zone : 'Z'}`);
  // `Date` takes 30 February for 2 March.
  const exists = new Date(`${day}T00:00:00Z`).getUTCDate() === Number(dayOfMonth);
  return exists && !Number.isNaN(ms) ? ms : undefined;
}
