/** Single values of headers, queries, members and settings. */
import assert from 'node:assert/strict';
import {
  duration,
  hostNames,
  inventory,
  jobTimes,
  listen,
  networks,
  size,
  topic,
  whole,
  workers,
} from '../../../../src/config/values.ts';
import { parseDuration } from '../../../../src/domain/duration.ts';
import { Refusal } from '../../../../src/domain/errors.ts';
import { decodeInventoryMarker, encodeInventoryMarker } from '../../../../src/domain/inventory.ts';
import { inRange, parseAddress, parseRange } from '../../../../src/domain/policy/address.ts';
import { parseInstant } from '../../../../src/domain/policy/instant.ts';
import {
  parseDescription,
  parseTreeHash,
  requireBodyLength,
} from '../../../../src/operations/archives/archive-headers.ts';
import { parseOutputRange, parseRetrievalRange } from '../../../../src/operations/jobs/byte-range.ts';
import { decodeMarker, encodeMarker, limitParser } from '../../../../src/operations/paging.ts';
import {
  parseArchiveSize,
  parsePartRange,
  parsePartSize,
  placePart,
} from '../../../../src/operations/uploads/upload-headers.ts';
import { isMegabyteAligned } from '../../../../src/treehash/index.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const MIB = 1_048_576;
const TOTALS = [1, 5, MIB, 3 * MIB + 7, 2 ** 52];

const buffers = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'latin1'));

/** A result of a parser that refuses. */
const accepted = <Result>(parse: () => Result): Result | undefined => outcomeOf(parse, Refusal);

/** Ranges, sizes, hashes and descriptions of headers. */
export const headerValues: FuzzTarget = {
  name: 'header-values',
  seeds: buffers(
    ...['bytes 0-1048575/*', 'bytes 0-3/4', 'bytes=0-5', 'bytes=-5', 'bytes=5-', '0-1048575', '1048576', '4'],
    ...['0'.repeat(64), 'A'.repeat(32), '  a description', '4294967296'],
  ),
  dictionary: [
    'bytes ',
    'bytes=',
    '-',
    '/*',
    '/',
    '1048576',
    '1048575',
    '9007199254740992',
    ',',
    ' ',
    '0'.repeat(32),
  ],
  run(input) {
    const text = input.toString('latin1');
    checkPartRange(text);
    for (const total of TOTALS) checkRanges(text, total);
    const description = accepted(() => parseDescription(text));
    if (typeof description === 'string') assert.match(description, /^[\x21-\x7e][\x20-\x7e]{0,1023}$/);
    const hash = accepted(() => parseTreeHash(text));
    if (hash !== undefined) assert.match(hash, /^[0-9a-f]{64}$/);
    const partSize = accepted(() => parsePartSize(text));
    if (partSize !== undefined) assert.ok(Number.isInteger(Math.log2(partSize)) && partSize >= MIB);
    for (const parse of [parseArchiveSize, requireBodyLength, limitParser(50)]) {
      const number = accepted(() => parse(text));
      if (number !== undefined && text !== '')
        assert.ok(Number.isSafeInteger(number) && number >= 1, `${number}`);
    }
  },
};

function checkPartRange(text: string): void {
  const range = accepted(() => parsePartRange(text));
  if (range === undefined) return;
  assert.ok(Number.isSafeInteger(range.last) && range.first <= range.last);
  const length = range.last - range.first + 1;
  const fits = accepted(() => placePart(range, length, MIB) ?? true);
  if (fits) assert.ok(range.first % MIB === 0 && length <= MIB && range.first < 10_000 * MIB);
}

function checkRanges(text: string, total: number): void {
  for (const parse of [parseOutputRange, parseRetrievalRange]) {
    const span = accepted(() => parse(text, total));
    if (!span) continue;
    const { first, last } = span;
    assert.ok(Number.isSafeInteger(first) && Number.isSafeInteger(last), `${first}-${last}`);
    assert.ok(0 <= first && first <= last && last < total, `${first}-${last} is not within ${total}`);
    if (parse === parseRetrievalRange) assert.ok(isMegabyteAligned(span, total));
  }
}

/** Markers of pages: an accepted one is exactly what the server made. */
export const markers: FuzzTarget = {
  name: 'markers',
  seeds: [
    ...buffers(encodeMarker('part', 10), encodeMarker('job', 0), 'x', ''),
    ...buffers(encodeInventoryMarker({ createdMs: 1_600_000_000_000, no: 7 }, 3)),
    ...buffers('part:12', 'inventory:0000000000000001:0000000000000002:0000000000000003'),
  ],
  dictionary: ['part:', 'inventory:', ':', '0000000000000001', '9999999999999999', '=', '-', '_', ' '],
  run(input) {
    const sent = input.toString('latin1');
    // Also what the text would be inside a marker: changed base64 seldom holds anything.
    for (const marker of [
      sent,
      input.toString('base64url'),
      Buffer.from(sent.padEnd(101)).toString('base64url'),
    ]) {
      const number = accepted(() => decodeMarker('part', marker));
      if (typeof number === 'number') assert.equal(encodeMarker('part', number), marker);
      const place = accepted(() => decodeInventoryMarker(marker));
      if (place === undefined) continue;
      assert.equal(encodeInventoryMarker(place.after, place.vaultNo), marker);
      for (const part of [place.after.createdMs, place.after.no, place.vaultNo])
        assert.ok(Number.isSafeInteger(part), `${part} lost digits`);
    }
  },
};

const SETTINGS = { duration, hostNames, inventory, jobTimes, listen, networks, size, topic, whole, workers };

/** Settings, and the texts of conditions that are numbers in another form. */
export const settings: FuzzTarget = {
  name: 'settings',
  seeds: buffers(
    ...['10s', '7d', '500ms', '64MiB', '1GiB', '0', '127.0.0.1:4522', '[::1]:4522', 'daily', 'live', '4'],
    ...[
      'expedited=2s,standard=10s,bulk=30s,inventory=10s',
      'instant',
      'moraine.test,ci.internal',
      'fe80::1%eth0',
    ],
    ...[
      '10.0.0.7,10.1.0.0/16,fd00:1::/64',
      'arn:aws:sns:us-east-1:111122223333:topic',
      '::ffff:10.0.0.0/104',
    ],
    ...['2026-03-04T05:06:07Z', '2026', '1700000000.5', '2026-02-28T23:59:59.999+01:00'],
  ),
  dictionary: ['ms', 's', 'KiB', '::', ':', '/', '.', ',', '=', 'e', '0x', '-', '+', 'T', 'Z', '255', 'ffff'],
  run(input) {
    const text = input.toString('utf8');
    for (const schema of Object.values(SETTINGS)) schema.safeParse(text);
    for (const { data } of [duration, size, whole, workers].map((schema) => schema.safeParse(text)))
      if (data !== undefined) assert.ok(Number.isSafeInteger(data) && data >= 0, `${data}`);
    const ms = parseDuration(text);
    if (ms !== undefined) assert.ok(Number.isSafeInteger(ms) && ms >= 0);
    const instant = parseInstant(text);
    if (instant !== undefined) assert.ok(Number.isFinite(instant), `${instant}`);
    checkAddress(text);
  },
};

function checkAddress(text: string): void {
  const range = parseRange(text);
  if (range !== undefined) assert.ok(inRange(range, range), 'a block does not contain its own address');
  const address = parseAddress(text);
  if (address === undefined) return;
  const all = parseRange(address.family === 4 ? '0.0.0.0/0' : '::/0');
  assert.ok(all !== undefined && inRange(address, all), 'an address is not in the block of all');
  assert.ok(address.prefix === 32 || address.prefix === 128);
}
