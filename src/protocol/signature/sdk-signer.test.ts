import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import {
  authenticate,
  DESCRIBE_SIGNATURE,
  EMPTY_HASH,
  HELLO_HASH,
  HOST,
  KEY,
  NOW,
  nowOf,
  refuses,
  requestOf,
  SCOPE,
  SECRET,
  sha256,
  VECTORS,
  type Vector,
} from '../../../test/support/signatures.ts';
import { ApiError } from '../wire-error.ts';
import type { Authentication, SignedRequest } from './parse.ts';

/** The hash that the SDK's signer needs: SHA-256, or HMAC-SHA-256 with a secret. */
class Sha256 {
  #chunks: Uint8Array[] = [];
  readonly #secret: Uint8Array | undefined;

  constructor(secret?: unknown) {
    if (secret !== undefined) this.#secret = toBytes(secret);
  }

  update(chunk: Uint8Array): void {
    this.#chunks.push(toBytes(chunk));
  }

  async digest(): Promise<Uint8Array> {
    const hash = this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
    for (const chunk of this.#chunks) hash.update(chunk);
    return hash.digest();
  }

  reset(): void {
    this.#chunks = [];
  }
}

function toBytes(data: unknown): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  assert.ok(data instanceof ArrayBuffer);
  return new Uint8Array(data);
}

/** A request to sign, with its region, token and time. */
interface Draft {
  readonly method: string;
  /** Percent-encoded, as on the wire. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | string[]>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly region: string;
  readonly token: string | undefined;
  readonly signedMs: number;
}

interface Wire {
  readonly request: SignedRequest;
  readonly nowMs: number;
  readonly payloadHash: string;
}

const signer = ({ region, token }: Draft) =>
  new SignatureV4({
    service: 'glacier',
    region,
    sha256: Sha256,
    applyChecksum: false,
    credentials: {
      accessKeyId: KEY,
      secretAccessKey: SECRET,
      ...(token === undefined ? {} : { sessionToken: token }),
    },
  });

const unsigned = (draft: Draft) => ({
  method: draft.method,
  protocol: 'http:',
  hostname: 'localhost',
  path: draft.path,
  query: draft.query as Record<string, string | string[]>,
  headers: { host: HOST, ...draft.headers },
  body: draft.body,
});

/** Leaves `!'()*` unescaped, as JavaScript clients do. */
function wireQuery(query: Readonly<Record<string, string | string[] | null>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one ?? '']),
  );
  return pairs.map((pair) => pair.map((half = '') => encodeURIComponent(half)).join('=')).join('&');
}

function wireOf(signed: Awaited<ReturnType<SignatureV4['presign']>>, draft: Draft): Wire {
  const query = wireQuery(signed.query ?? {});
  return {
    request: {
      method: signed.method,
      target: query === '' ? signed.path : `${signed.path}?${query}`,
      rawHeaders: Object.entries(signed.headers).flat(),
    },
    nowMs: draft.signedMs,
    payloadHash: sha256(draft.body),
  };
}

async function sign(draft: Draft): Promise<Wire> {
  return wireOf(await signer(draft).sign(unsigned(draft), { signingDate: new Date(draft.signedMs) }), draft);
}

async function presign(draft: Draft): Promise<Wire> {
  const signingDate = new Date(draft.signedMs);
  return wireOf(await signer(draft).presign(unsigned(draft), { signingDate, expiresIn: 60 }), draft);
}

const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const segment = fc.oneof(
  text.map(encodeURIComponent),
  fc.constantFrom(
    '',
    '.',
    '..',
    '-',
    'vaults',
    'examplevault',
    'a:b',
    'a+b',
    'a@b=c',
    "!$&'()*,;",
    '~x',
    '%2e',
    '%2F',
  ),
);
const headerValue = fc.string({
  unit: fc.constantFrom('a', 'Z', '9', '-', '"', ',', ';', '=', ' ', '  ', '\t', '%20'),
  maxLength: 12,
});

const draft: fc.Arbitrary<Draft> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE'),
  path: fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`),
  query: fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
    { maxKeys: 4, noNullPrototype: true },
  ),
  headers: fc.dictionary(
    fc.constantFrom(
      'x-amz-archive-description',
      'x-amz-glacier-version',
      'content-type',
      'range',
      'a',
      'z_z',
    ),
    headerValue,
    { maxKeys: 4, noNullPrototype: true },
  ),
  body: text,
  region: fc.constantFrom('us-east-1', 'eu-central-1', 'us-gov-west-1', 'x'),
  token: fc.option(fc.base64String({ minLength: 4, maxLength: 12 }), { nil: undefined }),
  signedMs: fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2090, 0) }),
});

/** Changes one thing that the signature covers, in the request or in the server's data. */
type Edit = (wire: Wire & { secret: string }) => Wire & { secret: string };

const editHeader =
  (name: string, change: (value: string) => string): Edit =>
  (wire) => {
    const rawHeaders = [...wire.request.rawHeaders];
    const at = rawHeaders.indexOf(name) + 1;
    rawHeaders[at] = change(rawHeaders[at] ?? '');
    return { ...wire, request: { ...wire.request, rawHeaders } };
  };

const editTarget =
  (change: (path: string, query: string) => string): Edit =>
  (wire) => {
    const [path = '', query = ''] = wire.request.target.split('?');
    return { ...wire, request: { ...wire.request, target: change(path, query) } };
  };

/** Replaces the digit at `at`. */
const turn = (digits: string, at: number) =>
  digits.slice(0, at) + (digits[at] === '0' ? '1' : '0') + digits.slice(at + 1);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.constantFrom<Edit>(
    (wire) => ({ ...wire, secret: `${wire.secret}x` }),
    (wire) => ({ ...wire, request: { ...wire.request, method: 'HEAD' } }),
    (wire) => ({ ...wire, nowMs: wire.nowMs + 302_000 }),
    (wire) => ({ ...wire, nowMs: wire.nowMs - 302_000 }),
    editTarget((path, query) => `${path}${path.endsWith('/') ? '' : '/'}x?${query}`),
    editTarget((path, query) => `${path}x?${query}`),
    editTarget((path, query) => `${path}?${query}${query === '' ? '' : '&'}zz=1`),
    editTarget((path, query) => `${path}?${query}x`),
    editHeader('host', (value) => `${value}:80`),
    editHeader('x-amz-date', (value) => value.replace(/.Z$/, (end) => `${(Number(end[0]) + 1) % 10}Z`)),
    editHeader('x-amz-archive-description', (value) => `${value}x`),
    editHeader('x-amz-archive-description', (value) => `x ${value}`),
    editHeader('authorization', (value) => value.replace(/(host|x-amz-archive-description);/, '')),
    editHeader('authorization', (value) => value.replace('SignedHeaders=', 'SignedHeaders=a0;')),
    editHeader('authorization', (value) => value.replace(/\/[a-z0-9-]+\/glacier/, '/other-1/glacier')),
    (wire) => ({
      ...wire,
      request: { ...wire.request, rawHeaders: [...wire.request.rawHeaders, 'x-amz-archive-description', ''] },
    }),
  ),
  fc
    .nat(63)
    .map((at) => editHeader('authorization', (value) => value.slice(0, -64) + turn(value.slice(-64), at))),
  fc.nat(63).map(
    (at): Edit =>
      (wire) => ({ ...wire, payloadHash: turn(wire.payloadHash, at) }),
  ),
);

describe('the verifier, against the signer of the JavaScript SDK', () => {
  it('accepts all requests that it signs by header', async () => {
    await fc.assert(
      fc.asyncProperty(draft, async (drafted) => {
        const wire = await sign(drafted);
        const parsed = authenticate(wire.request, wire);
        assert.equal(parsed.region, drafted.region);
        assert.equal(parsed.sessionToken, drafted.token);
        assert.equal(parsed.presigned, false);
      }),
      { numRuns: 500 },
    );
  });

  it('accepts all requests that it presigns', async () => {
    await fc.assert(
      fc.asyncProperty(draft, async (drafted) => {
        const wire = await presign(drafted);
        const parsed = authenticate(wire.request, wire);
        assert.equal(parsed.sessionToken, drafted.token);
        assert.equal(parsed.presigned, true);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts a payload hash that it moved from the headers to the query', async () => {
    const drafted: Draft = {
      method: 'POST',
      path: '/-/vaults/v/archives',
      query: {},
      headers: { 'x-amz-content-sha256': HELLO_HASH },
      body: 'Hello World!',
      region: 'us-east-1',
      token: undefined,
      signedMs: NOW,
    };
    const { request } = await presign(drafted);
    assert.equal(authenticate(request).declaredPayloadHash, HELLO_HASH);
    const other = { ...request, rawHeaders: [...request.rawHeaders, 'x-amz-content-sha256', EMPTY_HASH] };
    refuses(() => authenticate(other), /different values/);
  });

  it('refuses every signed request with one change', async () => {
    const described = draft.map((drafted) => ({
      ...drafted,
      headers: { 'x-amz-archive-description': 'd', ...drafted.headers },
    }));
    await fc.assert(
      fc.asyncProperty(described, edit, async (drafted, change) => {
        const { request, ...judged } = change({ ...(await sign(drafted)), secret: SECRET });
        refuses(() => authenticate(request, judged));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the verifier, for any request', () => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const vector = fc.constantFrom(...VECTORS);

  /** A server with one key, which refuses other key ids before it needs a secret. */
  function outcome(request: SignedRequest, { date, body }: Vector): Authentication | undefined {
    try {
      const parsed = authenticate(request, { nowMs: nowOf(date), payloadHash: sha256(body) });
      return parsed.accessKeyId === KEY ? parsed : undefined;
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return undefined;
    }
  }

  it('refuses one byte more, less or changed, unless the meaning is the same', () => {
    const fields = fc.record({
      field: fc.nat(20),
      at: fc.nat(400),
      remove: fc.nat(1),
      insert: fc.option(byte),
    });
    fc.assert(
      fc.property(vector, fields, (one, { field, at, remove, insert }) => {
        const original = requestOf(one);
        const parts = [original.method, original.target, ...original.rawHeaders];
        const index = field % parts.length;
        const part = parts[index] ?? '';
        const from = at % (part.length + 1);
        parts[index] = part.slice(0, from) + (insert ?? '') + part.slice(from + remove);
        const [method = '', target = '', ...rawHeaders] = parts;
        const accepted = outcome({ method, target, rawHeaders }, one);
        if (accepted !== undefined) assert.deepEqual(accepted, outcome(original, one));
      }),
      { numRuns: 5000 },
    );
  });

  it('throws only API errors', () => {
    const fragments = [
      ...['AWS4-HMAC-SHA256 ', 'Credential=', `${KEY}/${SCOPE}`, ', ', 'SignedHeaders=', 'host;x-amz-date'],
      ...['Signature=', DESCRIBE_SIGNATURE, '20170210T120000Z', '/-/vaults?', 'X-Amz-Signature=', '&'],
    ];
    const piece = fc.oneof(
      fc.string({
        unit: fc.oneof(byte, fc.constantFrom('%', '&', '=', '/', '.', ';', ',', ' ')),
        maxLength: 40,
      }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...fragments),
    );
    const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    const name = fc.oneof(
      fc.constantFrom('authorization', 'x-amz-date', 'date', 'host', 'x-amz-content-sha256'),
      value,
    );
    const rawHeaders = fc.array(fc.tuple(name, value), { maxLength: 8 }).map((pairs) => pairs.flat());
    const [one] = VECTORS;
    assert.ok(one);
    fc.assert(
      fc.property(value, value, rawHeaders, (method, target, headers) => {
        assert.equal(outcome({ method, target, rawHeaders: headers }, one), undefined);
      }),
      { numRuns: 2000 },
    );
  });
});
