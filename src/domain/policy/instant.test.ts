import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseInstant } from './instant.ts';

describe('instants', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['2026', '2026-01-01T00:00:00.000Z'],
    ['2026-07', '2026-07-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-07-04T10:30Z', '2026-07-04T10:30:00.000Z'],
    ['2026-07-04T10:30:15.25Z', '2026-07-04T10:30:15.250Z'],
    ['2026-07-04T10:30:15-05:30', '2026-07-04T16:00:15.000Z'],
    ['1767225600', '2026-01-01T00:00:00.000Z'],
    ['1767225600.5', '2026-01-01T00:00:00.500Z'],
    ['-1', '1969-12-31T23:59:59.000Z'],
    ['2023-02-29', undefined],
    ['2026-13', undefined],
    ['2026-07-04T24:00Z', undefined],
    ['2026-07-04T10:60Z', undefined],
    ['2026-07-04T10:30:61Z', undefined],
    ['2026-07-04T10:30:15', undefined],
    ['2026-07-04T10:30:15+24:00', undefined],
    ['2026-7-4', undefined],
    ['20260704T103015Z', undefined],
    ['Sat, 04 Jul 2026 10:30:15 GMT', undefined],
    [' 2026', undefined],
    ['', undefined],
  ];
  for (const [text, expected] of rows) {
    test(`${JSON.stringify(text)}`, () => {
      const ms = parseInstant(text);
      assert.equal(ms === undefined ? undefined : new Date(ms).toISOString(), expected);
    });
  }
});
