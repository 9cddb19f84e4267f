import { SettingError } from '../config/errors.ts';

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const ISO = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * A point in time: ISO 8601 (a date alone is its first moment; without an offset UTC), or `3d`, `12h`, `30m` for so long
 * before now.
 * @param option its name, for the message.
 * @returns ms since the epoch.
 * @throws SettingError, also for a day that does not exist.
 */
export function parseTime(option: string, text: string, nowMs: number): number {
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (number !== undefined) return nowMs - Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
  const [, day = '', time = '00:00', zone = 'Z'] = ISO.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00Z`);
  const ms = Date.parse(`${day}T${time}${zone}`);
  // Date.parse takes 31 February for a day in March.
  if (!Number.isNaN(ms) && new Date(midnight).toISOString().startsWith(day)) return ms;
  throw new SettingError(`${option} ${text} must be a time such as 2026-11-27, 2026-11-27T20:15Z or 3d`);
}
