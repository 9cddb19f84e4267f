import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SettingError } from '../config/errors.ts';
import { parseTime } from './time-argument.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 12, 0, 0);

it('a time is an ISO 8601 instant, in UTC without an offset, or a duration before now', () => {
  for (const [text, expected] of [
    ['2026-11-27', '2026-11-27T00:00:00.000Z'],
    ['2026-11-27T20:15', '2026-11-27T20:15:00.000Z'],
    ['2026-11-27T20:15:01.5Z', '2026-11-27T20:15:01.500Z'],
    ['2026-11-27T20:15+02:00', '2026-11-27T18:15:00.000Z'],
    ['3d', '2026-11-24T12:00:00.000Z'],
    ['12h', '2026-11-27T00:00:00.000Z'],
    ['30m', '2026-11-27T11:30:00.000Z'],
  ] as const)
    assert.equal(new Date(parseTime('--from', text, NOW_MS)).toISOString(), expected, text);
});

it('anything else is refused, nonexistent days too', () => {
  for (const text of [
    '',
    'yesterday',
    '2026-02-30',
    '2026-13-01',
    '2026-11-27T25:00',
    '27.11.2026',
    '3w',
    '-3d',
  ])
    assert.throws(() => parseTime('--from', text, NOW_MS), SettingError, text);
});
