const ISO = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?)?)?$/;

/**
 * A point in time as Date conditions write it (IAM guide, "Date condition operators"): W3C's profile of ISO 8601,
 * from a bare year to fractions of a second, or seconds since 1970. Four digits are a year. A date without a time
 * begins at midnight UTC; a time needs its zone.
 * @returns milliseconds since 1970; undefined for anything else, including days that do not exist.
 */
export function parseInstant(text: string): number | undefined {
  const iso = ISO.exec(text);
  if (iso !== null) return fromParts(iso);
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) * 1000 : undefined;
}

function fromParts(parts: readonly (string | undefined)[]): number | undefined {
  const [, year, month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = '.0', zone] =
    parts;
  const whole = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(whole);
  // Date.parse may turn 30 February into a day of March: a real time comes back unchanged.
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== whole) return undefined;
  const offset = offsetOf(zone ?? 'Z');
  return offset === undefined ? undefined : ms + Number(`0${fraction}`) * 1000 - offset;
}

/** Milliseconds east of UTC. */
function offsetOf(zone: string): number | undefined {
  if (zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
