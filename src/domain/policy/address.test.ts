import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { inRange, parseAddress, parseRange } from './address.ts';

describe('addresses', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['203.0.113.0/24', '203.0.113.255', true],
    ['203.0.113.0/24', '203.0.112.255', false],
    ['203.0.113.7/24', '203.0.113.1', true],
    ['0.0.0.0/0', '255.255.255.255', true],
    ['255.255.255.255/32', '255.255.255.255', true],
    ['::/0', '2001:db8::', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['2001:DB8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['::ffff:0:0/96', '10.1.2.3', true],
    ['::ffff:0:0/90', '10.1.2.3', false],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1', true],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', true],
  ];
  for (const [range, address, expected] of rows) {
    test(`${address} in ${range}`, () => {
      const [block, one] = [parseRange(range), parseAddress(address)];
      assert.ok(block !== undefined && one !== undefined);
      assert.equal(inRange(one, block), expected);
    });
  }

  const bad = [
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/',
    '1.2.3.4/33',
    '1.2.3.4/-1',
    '::1/129',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    'localhost',
    '1.2.3.4 ',
  ];
  for (const text of bad)
    test(`none: ${JSON.stringify(text)}`, () => assert.equal(parseRange(text), undefined));

  test("a client's address has no prefix", () => assert.equal(parseAddress('10.0.0.0/8'), undefined));

  test('every IPv4 address is in its own blocks, but not in those of a neighbour', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(32), (address, prefix) => {
        const one = parseAddress(address);
        const block = parseRange(`${address}/${prefix}`);
        assert.ok(one !== undefined && block !== undefined);
        assert.ok(inRange(one, block));
        const neighbour = { ...one, bits: one.bits ^ (1n << BigInt(32 - prefix)) };
        assert.ok(prefix === 0 || !inRange(neighbour, block));
      }),
      { numRuns: 500 },
    );
  });

  test('every IPv6 address is parsed', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => assert.equal(parseRange(address) === undefined, false)),
      { numRuns: 500 },
    );
  });
});
