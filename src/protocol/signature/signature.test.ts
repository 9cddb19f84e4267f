import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  authenticate,
  authorization,
  DESCRIBE_SIGNATURE,
  DESCRIBE_SIGNED,
  describeVault,
  EMPTY_HASH,
  HELLO_HASH,
  HOST,
  KEY,
  MISMATCH,
  NOW,
  nowOf,
  refuses,
  requestOf,
  SCOPE,
  SECRET,
  sha256,
  signByHand,
  VECTORS,
} from '../../../test/support/signatures.ts';
import { hashCanonicalRequest } from './canonical-request.ts';
import { createSigningKeys } from './keys.ts';
import { parseAuthentication, type SignedRequest } from './parse.ts';
import { verifySignature } from './verify.ts';

describe('test vectors', () => {
  for (const vector of VECTORS) {
    it(vector.name, () => {
      const payloadHash = sha256(vector.body);
      const parsed = authenticate(requestOf(vector), { nowMs: nowOf(vector.date), payloadHash });
      assert.equal(hashCanonicalRequest(parsed.canonicalHead + payloadHash), vector.canonicalHash);
      assert.equal(parsed.accessKeyId, KEY);
      assert.equal(parsed.date, vector.date.slice(0, 8));
      assert.equal(parsed.region, 'us-east-1');
      assert.equal(parsed.scope, `${parsed.date}/us-east-1/glacier/aws4_request`);
      assert.equal(parsed.timestamp, vector.date);
      assert.deepEqual(parsed.signedHeaders, vector.signedHeaders.split(';'));
      assert.equal(parsed.signature, vector.signature);
      assert.equal(parsed.declaredPayloadHash, vector.headers['x-amz-content-sha256']);
      assert.equal(parsed.sessionToken, vector.headers['x-amz-security-token']);
      assert.equal(parsed.presigned, false);
    });
  }

  it('botocore with Date instead of x-amz-date', () => {
    const signature = '46f7851862aa462ec1c938fcf53b442b2af17301a3121398e9b52cdaa5047a77';
    const request = describeVault({
      'x-amz-date': undefined,
      date: 'Fri, 10 Feb 2017 12:00:00 -0000',
      authorization: authorization(signature, 'date;host;x-amz-glacier-version'),
    });
    assert.equal(authenticate(request).timestamp, '20170210T120000Z');
  });

  it('botocore with a header in UTF-8', () => {
    const signature = 'cee8c22f2835a671826709e3623829f3b29beed894e9e419b5708c6bb5d22cbf';
    const description = Buffer.from('café  voilà').toString('latin1');
    const signed = 'host;x-amz-archive-description;x-amz-date;x-amz-glacier-version;x-amz-part-size';
    authenticate({
      ...describeVault({ authorization: authorization(signature, signed) }, [
        ...['x-amz-archive-description', description, 'x-amz-part-size', '1048576'],
      ]),
      method: 'POST',
      target: '/-/vaults/examplevault/multipart-uploads',
    });
  });
});

describe('the verifier', () => {
  it('accepts any case of header names and any usual separator', () => {
    const tight = authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED).replaceAll(', ', ',');
    authenticate(describeVault({ authorization: tight }));
    authenticate(describeVault({ authorization: tight.replaceAll(',', ' ,  ') }));
    const { rawHeaders, ...rest } = describeVault();
    const shouted = rawHeaders.map((text, i) => (i % 2 === 0 ? text.toUpperCase() : text));
    authenticate({ ...rest, rawHeaders: shouted });
  });

  it('prefers x-amz-date to Date', () => {
    authenticate(describeVault({ date: 'Sat, 01 Jan 2000 00:00:00 GMT' }));
  });

  it('accepts a Date in either form', () => {
    const forms = ['20170210T120000Z', 'Fri, 10 Feb 2017 12:00:00 GMT', 'Fri, 10 Feb 2017 12:00:00 +0000'];
    for (const date of forms) {
      const signed = 'date;host';
      const signature = signByHand(
        `GET\n/-/vaults/examplevault\n\ndate:${date}\nhost:${HOST}\n\n${signed}\n${EMPTY_HASH}`,
      );
      const headers = { 'x-amz-date': undefined, date, authorization: authorization(signature, signed) };
      authenticate(describeVault(headers));
    }
  });

  it('joins several headers of the same name with commas', () => {
    const signed = 'a;host;x-amz-date';
    const signature = signByHand(
      `GET\n/-/vaults/examplevault\n\na:1 2,3,\nhost:${HOST}\nx-amz-date:20170210T120000Z\n\n${signed}\n${EMPTY_HASH}`,
    );
    const more = ['A', ' 1  2 ', 'a', '3', 'A', ''];
    authenticate(describeVault({ authorization: authorization(signature, signed) }, more));
    refuses(() =>
      authenticate(describeVault({ authorization: authorization(signature, signed) }, more.slice(2))),
    );
  });

  it('uses the Host exactly as received', () => {
    for (const host of ['localhost:8080', 'LOCALHOST', `${HOST}:443`]) {
      const signed = 'host;x-amz-date';
      const signature = signByHand(
        `GET\n/-/vaults/examplevault\n\nhost:${host}\nx-amz-date:20170210T120000Z\n\n${signed}\n${EMPTY_HASH}`,
      );
      authenticate(describeVault({ host, authorization: authorization(signature, signed) }));
    }
  });

  it('uses a claimed hash in upper case as it was signed', () => {
    const claimed = EMPTY_HASH.toUpperCase();
    const signed = 'host;x-amz-content-sha256;x-amz-date';
    const signature = signByHand(
      `GET\n/-/vaults/examplevault\n\nhost:${HOST}\nx-amz-content-sha256:${claimed}\n` +
        `x-amz-date:20170210T120000Z\n\n${signed}\n${claimed}`,
    );
    const headers = { 'x-amz-content-sha256': claimed, authorization: authorization(signature, signed) };
    assert.equal(authenticate(describeVault(headers)).declaredPayloadHash, claimed);
  });

  it('treats an empty session token as absent', () => {
    assert.equal(authenticate(describeVault({ 'x-amz-security-token': '' })).sessionToken, undefined);
  });
});

describe('the time window', () => {
  const at = (seconds: number) => () => authenticate(describeVault(), { nowMs: NOW + seconds * 1000 });

  it('is five minutes in both directions, the last second included', () => {
    for (const seconds of [-300, -299.999, 0, 299, 300, 300.999]) at(seconds)();
  });

  it('has a text for an old signature', () => {
    refuses(
      at(301),
      'Signature expired: 20170210T120000Z is now earlier than 20170210T120001Z (20170210T120501Z - 5 min.)',
    );
  });

  it('has a text for a signature of the future', () => {
    refuses(
      at(-300.001),
      'Signature not yet current: 20170210T120000Z is still later than 20170210T115959Z (20170210T115459Z + 5 min.)',
    );
  });
});

describe('refusals of the header form', () => {
  it('no authentication at all', () => {
    const none = { ...describeVault({ authorization: undefined }), target: '/-/vaults?limit=1' };
    refuses(() => authenticate(none), 'Missing Authentication Token', 'MissingAuthenticationTokenException');
  });

  it('another algorithm', () => {
    for (const text of [
      '',
      'Basic QWxhZGRpbg==',
      'AWS AKID:x',
      'AWS4-ECDSA-P256-SHA256 Credential=a',
      'aws4-hmac-sha256 a',
    ]) {
      refuses(() => authenticate(describeVault({ authorization: text })), /^Unsupported AWS 'algorithm'/);
    }
  });

  it('missing, repeated, unknown or malformed components', () => {
    const good = authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED);
    const bad = [
      good.slice(0, 16),
      good.slice(0, 17),
      good.replace(/Credential=[^,]+, /, ''),
      good.replace(/SignedHeaders=[^,]+, /, ''),
      good.replace(/, Signature=.+/, ''),
      `${good}, Signature=${DESCRIBE_SIGNATURE}`,
      `${good}, Extra=1`,
      `${good},`,
      good.replace('Credential', 'credential'),
      good.replace('Credential=', 'Credential'),
      good.replace(', SignedHeaders', ' SignedHeaders'),
    ];
    for (const text of bad) {
      refuses(() => authenticate(describeVault({ authorization: text })), /^Authorization header/, undefined);
    }
  });

  it('a credential without five elements or without a key', () => {
    const scopes = [
      '',
      '/',
      `${KEY}`,
      `${KEY}/20170210/us-east-1/glacier`,
      `${KEY}/${SCOPE}/x`,
      `/${SCOPE}`,
      `a b/${SCOPE}`,
    ];
    for (const credential of [...scopes, `${'A'.repeat(129)}/${SCOPE}`]) {
      const text = authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED).replace(`${KEY}/${SCOPE}`, credential);
      refuses(() => authenticate(describeVault({ authorization: text })), /^Credential must have exactly 5/);
    }
  });

  it('a wrong scope', () => {
    const texts: ReadonlyArray<readonly [string, string]> = [
      ['20170210//glacier/aws4_request', "Credential should be scoped to a valid region, not ''."],
      [
        '20170210/US EAST/glacier/aws4_request',
        "Credential should be scoped to a valid region, not 'US EAST'.",
      ],
      ['20170210/eu:1/glacier/aws4_request', "Credential should be scoped to a valid region, not 'eu:1'."],
      [
        `20170210/${'a'.repeat(65)}/glacier/aws4_request`,
        `Credential should be scoped to a valid region, not '${'a'.repeat(65)}'.`,
      ],
      ['20170210/us-east-1/s3/aws4_request', "Credential should be scoped to correct service: 'glacier'."],
      [
        '20170210/us-east-1/glacier/aws4',
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'.",
      ],
      [
        '20170211/us-east-1/glacier/aws4_request',
        'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
          "'20170211' != '20170210', from '20170210T120000Z'.",
      ],
    ];
    for (const [scope, message] of texts) {
      const text = authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED, scope);
      refuses(() => authenticate(describeVault({ authorization: text })), message);
    }
  });

  it('any valid region name is accepted', () => {
    for (const region of ['us-gov-west-1', 'GRA', 'RegionOne', 'eu_west_1', 'dc.1', 'a'.repeat(64)]) {
      const scope = `20170210/${region}/glacier/aws4_request`;
      const request = describeVault({
        authorization: authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED, scope),
      });
      assert.equal(parseAuthentication(request, NOW).region, region);
    }
  });

  it('a missing or nonexistent date', () => {
    refuses(() => authenticate(describeVault({ 'x-amz-date': undefined })), /existence of either/);
    const bad = [
      '',
      'now',
      '20170210',
      '2017-02-10T12:00:00Z',
      '20170230T120000Z',
      '20170210T250000Z',
      '20170210T120060Z',
    ];
    const worse = [
      'Fri, 30 Feb 2017 12:00:00 GMT',
      'Fri, 10 Foo 2017 12:00:00 GMT',
      'Fri, 10 Feb 2017 12:00:00 CET',
    ];
    for (const date of [...bad, ...worse, '00000000T000000Z']) {
      refuses(() => authenticate(describeVault({ 'x-amz-date': date })), /^Date must be in/);
      refuses(() => authenticate(describeVault({ 'x-amz-date': undefined, date })), /^Date must be in/);
    }
  });

  it('exactly the dates that Date changes when it normalizes them', () => {
    const digits = (from: number, to: number, length: number) =>
      fc.integer({ min: from, max: to }).map((number) => String(number).padStart(length, '0'));
    const year = fc.oneof(digits(0, 9999, 4), digits(0, 110, 4), fc.constantFrom('1900', '2000', '2016'));
    const day = fc.oneof(digits(0, 32, 2), digits(27, 31, 2));
    const parts = [
      year,
      digits(0, 13, 2),
      day,
      digits(0, 25, 2),
      digits(0, 61, 2),
      digits(0, 61, 2),
    ] as const;
    const check = (date: string): void => {
      const at = (from: number, to: number) => Number(date.slice(from, to));
      const ms = Date.UTC(at(0, 4), at(4, 6) - 1, at(6, 8), at(9, 11), at(11, 13), at(13, 15));
      const given = `${new Date(ms).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
      // An existing date is refused too, but later, because the scope has another day.
      const message = given === date ? /^Date in Credential scope does not match/ : /^Date must be in/;
      const scope = '00000000/us-east-1/glacier/aws4_request';
      const more = { authorization: authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED, scope) };
      refuses(() => authenticate(describeVault({ 'x-amz-date': date, ...more })), message);
    };
    fc.assert(
      fc.property(fc.tuple(...parts), ([y, mo, d, h, mi, s]) => check(`${y}${mo}${d}T${h}${mi}${s}Z`)),
      { numRuns: 3000 },
    );
    for (const years of ['0000', '0004', '0099', '0100', '1900', '2000', '2017', '2020', '9999']) {
      for (let month = 0; month <= 13; month++) {
        for (let ofMonth = 0; ofMonth <= 32; ofMonth++) {
          check(`${years}${String(month).padStart(2, '0')}${String(ofMonth).padStart(2, '0')}T235959Z`);
        }
      }
    }
  });

  it('an unsigned host or date, or a signed date other than the one used', () => {
    const signedAs = (signed: string, more: Record<string, string | undefined> = {}) =>
      describeVault({ ...more, authorization: authorization(DESCRIBE_SIGNATURE, signed) });
    refuses(
      () => authenticate(signedAs('x-amz-date')),
      "'host' must be a 'SignedHeader' in the AWS Authorization.",
    );
    refuses(
      () => authenticate(signedAs('host')),
      "'x-amz-date' must be a 'SignedHeader' in the AWS Authorization.",
    );
    const date = 'Fri, 10 Feb 2017 12:00:00 GMT';
    refuses(() => authenticate(signedAs('date;host', { date })), /^'x-amz-date' must be/);
    refuses(() => authenticate(signedAs('host', { date, 'x-amz-date': undefined })), /^'date' must be/);
  });

  it('a list of signed headers that is not canonical', () => {
    for (const signed of [
      '',
      ';',
      'host;',
      'Host;x-amz-date',
      'x-amz-date;host',
      'host;host;x-amz-date',
      'ho st',
      'hóst',
    ]) {
      const text = authorization(DESCRIBE_SIGNATURE, signed);
      refuses(() => authenticate(describeVault({ authorization: text })), /^SignedHeaders must be/);
    }
  });

  it('a signed header that is missing', () => {
    const text = authorization(DESCRIBE_SIGNATURE, 'host;x-amz-date;x-amz-part-size');
    refuses(
      () => authenticate(describeVault({ authorization: text })),
      "The signed header 'x-amz-part-size' is missing from the request.",
    );
    refuses(() => authenticate(describeVault({ host: undefined })), /'host' is missing/);
  });

  it('a signature that is not 64 lower-case hex digits', () => {
    const bad = [
      '',
      'x',
      DESCRIBE_SIGNATURE.slice(1),
      `${DESCRIBE_SIGNATURE}0`,
      DESCRIBE_SIGNATURE.toUpperCase(),
    ];
    for (const signature of [...bad, DESCRIBE_SIGNATURE.replace(/.$/, 'g')]) {
      const text = authorization(signature, DESCRIBE_SIGNED);
      refuses(() => authenticate(describeVault({ authorization: text })), /^Signature must be 64/);
    }
  });

  it('a repeated header that may be sent only once, even with equal values', () => {
    const names = [
      'authorization',
      'date',
      'host',
      'x-amz-content-sha256',
      'x-amz-date',
      'x-amz-security-token',
    ];
    for (const name of names) {
      const more = [name, 'a', name.toUpperCase(), 'a'];
      refuses(() => authenticate(describeVault({}, more)), `The header '${name}' must be sent once.`);
    }
  });

  it("S3's special payload hashes and malformed ones", () => {
    const s3 = [
      'UNSIGNED-PAYLOAD',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    ];
    for (const value of [...s3, '', EMPTY_HASH.slice(1), `${EMPTY_HASH}0`, `${EMPTY_HASH.slice(1)}g`]) {
      refuses(
        () => authenticate(describeVault({ 'x-amz-content-sha256': value })),
        'The value passed in as x-amz-content-sha256 does not match the computed payload hash. ' +
          `A SHA-256 of 64 hexadecimal digits is expected, not '${value}'.`,
      );
    }
  });

  it('both forms at once', () => {
    for (const query of [
      'X-Amz-Signature=a',
      'x-amz-signature',
      'X%2DAmz-Credential=a',
      'a=1&X-Amz-Algorithm=b',
    ]) {
      const request = { ...describeVault(), target: `/-/vaults/examplevault?${query}` };
      refuses(() => authenticate(request), /^Only one form of authentication/);
    }
  });

  it('two different session tokens', () => {
    const request = describeVault({ 'x-amz-security-token': 'a' });
    refuses(
      () => authenticate({ ...request, target: `${request.target}?X-Amz-Security-Token=b` }),
      /different values/,
    );
  });

  it('text beyond byte values, which hashing would truncate', () => {
    refuses(
      () => authenticate({ ...describeVault(), target: '/-/vaults/examplevaul\u0174' }),
      /made of bytes/,
    );
    refuses(() => authenticate({ ...describeVault(), method: 'GE\u0154' }), /made of bytes/);
    refuses(
      () => authenticate(describeVault({ 'x-amz-glacier-version': '2012-06-0\u0131' })),
      /made of bytes/,
    );
  });

  it('long input is not quoted', () => {
    const text = `AWS4-HMAC-SHA256 ${'x'.repeat(16_000)}`;
    refuses(() => authenticate(describeVault({ authorization: text })), /^.{1,250}$/);
  });
});

describe('presigned requests', () => {
  const byBotocore =
    '/-/vaults?limit=10&marker=a%20b&X-Amz-Algorithm=AWS4-HMAC-SHA256' +
    '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20170210%2Fus-east-1%2Fglacier%2Faws4_request' +
    '&X-Amz-Date=20170210T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host' +
    '&X-Amz-Signature=0e0d72de3aa6a6366551776c9e94c51b1353870856468280f1ef9b7d7bf486ae';
  const get = (target: string, more: string[] = []): SignedRequest => ({
    method: 'GET',
    target,
    rawHeaders: ['Host', HOST, ...more],
  });

  it('are accepted as botocore signs them', () => {
    const parsed = authenticate(get(byBotocore, ['x-amz-glacier-version', '2012-06-01']));
    assert.equal(parsed.presigned, true);
    assert.equal(parsed.accessKeyId, KEY);
    assert.equal(parsed.scope, SCOPE);
    assert.deepEqual(parsed.signedHeaders, ['host']);
    assert.equal(parsed.declaredPayloadHash, undefined);
    assert.equal(parsed.sessionToken, undefined);
  });

  it('have their session token in the query', () => {
    const target =
      '/-/vaults/examplevault?X-Amz-Algorithm=AWS4-HMAC-SHA256' +
      '&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20170210%2Fus-east-1%2Fglacier%2Faws4_request' +
      '&X-Amz-Date=20170210T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host' +
      '&X-Amz-Security-Token=EXAMPLE%2FTOKEN%2B%3D' +
      '&X-Amz-Signature=0d73b7b92fb7076078fd3c4accca8d1e567580043bfd952b2000981c1eb19829';
    assert.equal(authenticate(get(target)).sessionToken, 'EXAMPLE/TOKEN+=');
  });

  it('cover the hash of the body', () => {
    refuses(() => authenticate(get(byBotocore), { payloadHash: HELLO_HASH }), MISMATCH);
    const claimed = get(byBotocore, ['x-amz-content-sha256', HELLO_HASH]);
    assert.equal(parseAuthentication(claimed, NOW).declaredPayloadHash, HELLO_HASH);
    refuses(
      () => authenticate(get(byBotocore, ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'])),
      /UNSIGNED-PAYLOAD/,
    );
    refuses(
      () => authenticate(get(`${byBotocore}&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD`)),
      /UNSIGNED-PAYLOAD/,
    );
  });

  it('are valid from five minutes before their date until X-Amz-Expires after it', () => {
    for (const seconds of [-300, 0, 301, 900]) authenticate(get(byBotocore), { nowMs: NOW + seconds * 1000 });
    refuses(
      () => authenticate(get(byBotocore), { nowMs: NOW - 301_000 }),
      'Signature not yet current: 20170210T120000Z is still later than 20170210T115959Z (20170210T115459Z + 5 min.)',
    );
    refuses(
      () => authenticate(get(byBotocore), { nowMs: NOW + 901_000 }),
      'Signature expired: 20170210T120000Z is now earlier than 20170210T120001Z (20170210T121501Z - 900 sec.)',
    );
  });

  it('are refused with an expiry outside 1 second to 7 days', () => {
    for (const expires of ['', '0', '-1', '604801', '1e3', '9.5', '9999999', '+9']) {
      const target = byBotocore.replace('Expires=900', `Expires=${encodeURIComponent(expires)}`);
      refuses(() => authenticate(get(target)), /^X-Amz-Expires must be/);
    }
    for (const expires of ['1', '604800']) {
      parseAuthentication(get(byBotocore.replace('Expires=900', `Expires=${expires}`)), NOW);
    }
  });

  it('are refused with missing, repeated or malformed parameters', () => {
    for (const name of ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature']) {
      const without = byBotocore.replace(new RegExp(`&X-Amz-${name}=[^&]*`), '');
      refuses(
        () => authenticate(get(without)),
        `AWS query-string parameters must include 'X-Amz-${name}'. Re-examine the query-string parameters.`,
      );
      const doubled = `${byBotocore}&X-Amz-${name}=x`;
      refuses(
        () => authenticate(get(doubled)),
        `The query parameter 'x-amz-${name.toLowerCase()}' must be sent once.`,
      );
    }
    const changes: ReadonlyArray<readonly [string, string, RegExp]> = [
      [
        'Algorithm=AWS4-HMAC-SHA256',
        'Algorithm=AWS4-HMAC-SHA1',
        /^Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'/,
      ],
      ['glacier%2Faws4_request', 's3%2Faws4_request', /correct service/],
      ['Date=20170210T120000Z', 'Date=Fri%2C%2010%20Feb%202017%2012%3A00%3A00%20GMT', /^X-Amz-Date must be/],
      ['SignedHeaders=host', 'SignedHeaders=x-amz-date', /'x-amz-date' is missing/],
      ['SignedHeaders=host', 'SignedHeaders=', /^SignedHeaders must be/],
      ['Signature=0e', 'Signature=0E', /^Signature must be 64/],
    ];
    for (const [from, to, message] of changes) {
      refuses(() => authenticate(get(byBotocore.replace(from, to))), message);
    }
    const versionOnly = byBotocore.replace('SignedHeaders=host', 'SignedHeaders=x-amz-glacier-version');
    refuses(() => authenticate(get(versionOnly, ['x-amz-glacier-version', '2012-06-01'])), /^'host' must be/);
  });

  it('are refused with any other query', () => {
    refuses(() => authenticate(get(byBotocore.replace('limit=10', 'limit=11'))), MISMATCH);
    refuses(() => authenticate(get(byBotocore.replace('Expires=900', 'Expires=901'))), MISMATCH);
    refuses(() => authenticate(get(`${byBotocore}&a`)), MISMATCH);
  });
});

describe('verifySignature', () => {
  const parsed = parseAuthentication(describeVault(), NOW);

  it("refuses another secret, body or signature with the service's text", () => {
    const keys = createSigningKeys();
    verifySignature(parsed, SECRET, EMPTY_HASH, keys);
    refuses(() => verifySignature(parsed, `${SECRET}x`, EMPTY_HASH, keys), MISMATCH);
    refuses(() => verifySignature(parsed, SECRET, HELLO_HASH, keys), MISMATCH);
    refuses(
      () => verifySignature({ ...parsed, signature: '0'.repeat(64) }, SECRET, EMPTY_HASH, keys),
      MISMATCH,
    );
    refuses(() => verifySignature({ ...parsed, signature: '' }, SECRET, EMPTY_HASH, keys), MISMATCH);
  });

  it('derives different keys by secret, date and region, and the same key again after it was dropped', () => {
    const keys = createSigningKeys(2);
    const triples = [
      ['s', '20170210', 'a'],
      ['s', '20170210', 'b'],
      ['s', '20170211', 'a'],
      ['t', '20170210', 'a'],
      ['a/s', '20170210', 'a'],
    ] as const;
    const hexOf = (key: ReturnType<typeof keys.derive>) => key.export().toString('hex');
    const derive = () => triples.map(([secret, date, region]) => hexOf(keys.derive(secret, date, region)));
    const first = derive();
    assert.equal(new Set(first).size, triples.length);
    assert.deepEqual(derive(), first);
  });

  it('keeps the keys used last', () => {
    const keys = createSigningKeys(2);
    const a = keys.derive(SECRET, '20170210', 'a');
    const b = keys.derive(SECRET, '20170210', 'b');
    assert.equal(keys.derive(SECRET, '20170210', 'a'), a);
    keys.derive(SECRET, '20170210', 'c');
    assert.equal(keys.derive(SECRET, '20170210', 'a'), a);
    assert.notEqual(keys.derive(SECRET, '20170210', 'b'), b);
  });
});
