import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import {
  canonicalHeaderValue,
  canonicalQuery,
  canonicalRequestHead,
  canonicalUri,
  decodePercent,
  hashCanonicalRequest,
  normalizePath,
  parseQuery,
  splitTarget,
  stringToSign,
} from './canonical-request.ts';

/** Byte text, as node:http gives it. */
const bytes = (options = {}) =>
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), ...options });

function eachCase(cases: ReadonlyArray<readonly [string, string]>, run: (input: string) => string): void {
  for (const [input, expected] of cases) assert.equal(run(input), expected, JSON.stringify(input));
}

describe('splitTarget', () => {
  it('cuts at the first question mark', () => {
    assert.deepEqual(splitTarget('/a'), { path: '/a', query: '' });
    assert.deepEqual(splitTarget('/a?'), { path: '/a', query: '' });
    assert.deepEqual(splitTarget('/a?b=c?d'), { path: '/a', query: 'b=c?d' });
    assert.deepEqual(splitTarget('?b'), { path: '', query: 'b' });
  });
});

describe('normalizePath', () => {
  it('removes empty and dot segments and keeps a final slash', () => {
    eachCase(
      [
        ['', '/'],
        ['/', '/'],
        ['//', '/'],
        ['/-/vaults', '/-/vaults'],
        ['/-/vaults/', '/-/vaults/'],
        ['//-///vaults', '/-/vaults'],
        ['/-/./vaults/.', '/-/vaults'],
        ['/-/vaults/a/../b', '/-/vaults/b'],
        ['/-/vaults/..', '/-'],
        ['/-/vaults/../', '/-/'],
        ['/..', '/'],
        ['/../../a', '/a'],
        ['/a/../', '/'],
        ['/.hidden/...', '/.hidden/...'],
        ['/%2E%2E/a', '/%2E%2E/a'],
        ['relative/../a', 'a'],
      ],
      normalizePath,
    );
  });

  it('is idempotent, and leaves no such segments', () => {
    const path = fc
      .array(fc.constantFrom('', '.', '..', 'a', 'bc', '.d', '%2E'), { maxLength: 12 })
      .map((segments) => `/${segments.join('/')}`);
    fc.assert(
      fc.property(path, (raw) => {
        const normal = normalizePath(raw);
        assert.equal(normalizePath(normal), normal);
        assert.doesNotMatch(normal, /\/\/|\/\.{1,2}(?:\/|$)/);
      }),
    );
  });
});

describe('canonicalUri', () => {
  it('encodes all reserved characters once more, except slashes', () => {
    eachCase(
      [
        ['/-/vaults/my_vault.1~x', '/-/vaults/my_vault.1~x'],
        ['/a:b', '/a%3Ab'],
        ['/a%3Ab', '/a%253Ab'],
        ['/a%2Fb', '/a%252Fb'],
        ['/a b+c', '/a%20b%2Bc'],
        ["/!$&'()*,;=@", '/%21%24%26%27%28%29%2A%2C%3B%3D%40'],
        ['/caf\xc3\xa9', '/caf%C3%A9'],
      ],
      canonicalUri,
    );
  });
});

describe('canonicalQuery', () => {
  const canonical = (raw: string) => canonicalQuery(parseQuery(raw));

  it('sorts by encoded name, then by encoded value', () => {
    eachCase(
      [
        ['', ''],
        ['b=2&a=1', 'a=1&b=2'],
        ['a=2&a=1', 'a=1&a=2'],
        ['a=b&B=c', 'B=c&a=b'],
        // "a" comes before "a-", because names are compared and not the joined "a=" and "a-=".
        ['a-=1&a=2', 'a=2&a-=1'],
        ['a=~&a=%3A', 'a=%3A&a=~'],
      ],
      canonical,
    );
  });

  it('gives every spelling of a parameter the same encoding', () => {
    eachCase(
      [
        ['a', 'a='],
        ['a=', 'a='],
        ['a=x+y', 'a=x%2By'],
        ['a=x%2by', 'a=x%2By'],
        ['a=x%20y', 'a=x%20y'],
        ['a=%7E%41', 'a=~A'],
        ['a=x=y', 'a=x%3Dy'],
        ['a=100%', 'a=100%25'],
        ['a=%4', 'a=%254'],
        ['a=%zz', 'a=%25zz'],
        ['a=%C3%A9', 'a=%C3%A9'],
        ['a=\xc3\xa9', 'a=%C3%A9'],
        ["a=!'()*", 'a=%21%27%28%29%2A'],
        ['%6Drker', 'mrker='],
      ],
      canonical,
    );
  });

  it('keeps empty pieces as parameters without a name', () => {
    eachCase(
      [
        ['a=1&&b=2', '=&a=1&b=2'],
        ['&', '=&='],
        ['=v', '=v'],
      ],
      canonical,
    );
  });

  it('is idempotent', () => {
    fc.assert(fc.property(bytes(), (raw) => assert.equal(canonical(canonical(raw)), canonical(raw))));
  });

  it('keeps every byte of a parameter', () => {
    fc.assert(
      fc.property(bytes(), (value) => {
        const sent = Buffer.from(value, 'latin1').toString('hex').replace(/../g, '%$&');
        assert.equal(decodePercent(parseQuery(`a=${sent}`)[0]?.value ?? ''), value);
      }),
    );
  });
});

describe('canonicalHeaderValue', () => {
  it('trims and folds only blanks', () => {
    eachCase(
      [
        ['', ''],
        [' ', ''],
        [' \t ', ''],
        ['  a   b  c ', 'a b c'],
        ['a\t\tb', 'a b'],
        ['voil\xc3\xa0', 'voil\xc3\xa0'],
        ['\xa0x\xa0', '\xa0x\xa0'],
        ['"a  b"', '"a b"'],
      ],
      canonicalHeaderValue,
    );
  });
});

describe('canonicalRequestHead', () => {
  it('returns the canonical request that AWS prints for its second example', () => {
    const payloadHash = '726e392cb4d09924dbad1cc0ba3b00c3643d03d14cb4b823e2f041cff612a628';
    const head = canonicalRequestHead({
      method: 'POST',
      path: '/-/vaults/examplevault/archives',
      query: [],
      signedHeaders: ['host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-glacier-version'],
      headers: new Map([
        ['x-amz-glacier-version', '2012-06-01'],
        ['x-amz-date', '20120507T000000Z'],
        ['host', 'glacier.us-east-1.amazonaws.com'],
        ['x-amz-content-sha256', payloadHash],
        ['not-signed', 'x'],
      ]),
    });
    const lines = [
      'POST',
      '/-/vaults/examplevault/archives',
      '',
      'host:glacier.us-east-1.amazonaws.com',
      `x-amz-content-sha256:${payloadHash}`,
      'x-amz-date:20120507T000000Z',
      'x-amz-glacier-version:2012-06-01',
      '',
      'host;x-amz-content-sha256;x-amz-date;x-amz-glacier-version',
      '',
    ];
    assert.equal(head, lines.join('\n'));
    const canonicalHash = 'f3df090abf5698dbe2230b41165a7b8991f9616ef67de13ac283577a02732819';
    assert.equal(hashCanonicalRequest(head + payloadHash), canonicalHash);
    const scope = '20120507/us-east-1/glacier/aws4_request';
    assert.equal(
      stringToSign('20120507T000000Z', scope, head + payloadHash),
      `AWS4-HMAC-SHA256\n20120507T000000Z\n${scope}\n${canonicalHash}`,
    );
  });

  it('is hashed as the bytes sent', () => {
    const sent = Buffer.from('voilà €');
    const expected = createHash('sha256').update(sent).digest('hex');
    assert.equal(hashCanonicalRequest(sent.toString('latin1')), expected);
  });
});
