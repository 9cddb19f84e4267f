import { SettingError } from '../config/errors.ts';
import { parseDuration } from '../domain/duration.ts';

const ISO = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * Parses a point in time: ISO 8601, or `3d`, `12h`, `30m` before now. A date alone means 00:00; without an offset, UTC.
 * @param option its name, for the error.
 * @returns ms since the epoch.
 * @throws SettingError, also for a day that does not exist.
 */
export function parseTime(option: string, text: string, nowMs: number): number {
  const agoMs = parseDuration(text, ['m', 'h', 'd']);
  if (agoMs !== undefined) return nowMs - agoMs;
  const [, day = '', time = '00:00', zone = 'Z'] = ISO.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00Z`);
  const ms = Date.parse(`${day}T${time}${zone}`);
  // Date.parse reads 31 February as a day in March.
  if (!Number.isNaN(ms) && new Date(midnight).toISOString().startsWith(day)) return ms;
  throw new SettingError(
    `${option} must be a time such as 2026-11-27, 2026-11-27T20:15Z or 3d, not ${JSON.stringify(text)}`,
  );
}
