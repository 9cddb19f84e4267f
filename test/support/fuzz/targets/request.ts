/** A whole request: its head as bytes, then its body. */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Refusal } from '../../../../src/domain/errors.ts';
import { OPERATIONS } from '../../../../src/operations/table.ts';
import { decodeFields } from '../../../../src/protocol/decode.ts';
import { JsonBody } from '../../../../src/protocol/json-body.ts';
import { type Message, toMessage } from '../../../../src/protocol/message.ts';
import { createRouter } from '../../../../src/protocol/route.ts';
import { createSigningKeys } from '../../../../src/protocol/signature/keys.ts';
import { parseAuthentication, type SignedRequest } from '../../../../src/protocol/signature/parse.ts';
import { verifySignature } from '../../../../src/protocol/signature/verify.ts';
import { reduceTarget } from '../../../../src/protocol/target.ts';
import { ApiError } from '../../../../src/protocol/wire-error.ts';
import { presignTarget, type Signer, sha256Hex, signHeaders } from '../../signer.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const SIGNED_AT = new Date('2026-03-04T05:06:07Z');
const SIGNER: Signer = {
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: 'secret',
  region: 'us-east-1',
  at: SIGNED_AT,
};
const EMPTY = sha256Hex('');

/** The head of a request and its body. */
interface Sent {
  readonly method: string;
  readonly target: string;
  /** Names and values alternating. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

function parseSent(input: Buffer): Sent {
  const end = input.indexOf('\n\n');
  const head = input.toString('latin1', 0, end < 0 ? input.length : end);
  const [line = '', ...headers] = head.split('\n');
  const at = line.indexOf(' ');
  return {
    method: line.slice(0, Math.max(at, 0)),
    target: line.slice(at + 1),
    rawHeaders: headers.flatMap((header) => {
      const colon = header.indexOf(':');
      return [header.slice(0, Math.max(colon, 0)), header.slice(colon + 1).trim()];
    }),
    body: input.subarray(end < 0 ? input.length : end + 2),
  };
}

function sentOf(line: string, headers: Readonly<Record<string, string>> = {}, body = ''): Buffer {
  const lines = [line, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`, 'latin1'), Buffer.from(body)]);
}

/** The message that node:http would give for this head. */
function messageOf({ method, target, rawHeaders }: Sent): Message {
  const headers: Record<string, string> = { host: 'localhost' };
  for (let i = 0; i < rawHeaders.length; i += 2)
    headers[(rawHeaders[i] ?? '').toLowerCase()] = rawHeaders[i + 1] ?? '';
  const incoming = { method, url: target, rawHeaders, headers, httpVersion: '1.1', socket: {} };
  return toMessage(incoming as unknown as IncomingMessage, 'id', () => {});
}

const TARGETS = [
  '/-/vaults',
  '/-/vaults/v',
  '//-/vaults/v/',
  '/111122223333/vaults/a%20b/tags?operation=add',
  '/-/vaults/v/jobs?completed=true&limit=5&marker=x&statuscode=Succeeded',
  'http://localhost:4522/-/vaults?limit=1',
  '/-/vaults/v/multipart-uploads/abc?marker=cGFydDoxMA&limit=2',
  '*',
];
const WORDS = [
  '%2e',
  '%2F',
  '%00',
  '%',
  '..',
  '.',
  '//',
  '/',
  '?',
  '&',
  '=',
  '+',
  ';',
  'http://a',
  'vaults',
  'jobs',
];

/** Reducing, routing, and signing as an independent signer does. */
export const requestTarget: FuzzTarget = {
  name: 'request-target',
  seeds: TARGETS.map((target) => sentOf(`GET ${target}`)),
  dictionary: [
    ...WORDS,
    '/output',
    '/archives/',
    '/lock-policy',
    'POST ',
    'PUT ',
    'DELETE ',
    'operation=remove',
  ],
  run(input) {
    const sent = parseSent(input);
    const reduced = outcomeOf(() => reduceTarget(sent.target), ApiError);
    if (reduced === undefined) return;
    assert.deepEqual(reduceTarget(reduced.text), reduced, 'reducing twice gives another target');
    const odd = reduced.pathSegments.find((segment) => ['', '.', '..'].includes(segment));
    assert.ok(odd === undefined || !reduced.path.startsWith('/'), `the segment ${odd} is left`);
    routeOf(sent);
    verifyOwnSignature(sent.method, sent.target, reduced.text);
  },
};

const router = createRouter(OPERATIONS);

function routeOf(sent: Sent): { message: Message; route: ReturnType<typeof router> } | undefined {
  const message = outcomeOf(() => messageOf(sent), ApiError);
  const route = message && outcomeOf(() => router(message), ApiError, Refusal);
  if (message === undefined || route === undefined) return undefined;
  for (const value of [route.account, route.vaultName, route.id])
    assert.ok(value === '' || message.pathSegments.includes(value), `${value} is not in the path`);
  return { message, route };
}

/** The server accepts what an independent signer signed, whatever the target. */
function verifyOwnSignature(method: string, raw: string, target: string): void {
  // Only what node:http lets through, and what the signer splits as the server does.
  if (!/^\/[\x21-\x7e]*$/.test(raw) || raw.split('?').length > 2 || /X-Amz-/i.test(raw)) return;
  if (outcomeOf(() => decodeURIComponent(raw), URIError) === undefined) return;
  const unsigned = { method, target: raw, headers: { host: 'localhost' }, payloadHash: EMPTY };
  const byHeaders = { method, target, rawHeaders: Object.entries(signHeaders(unsigned, SIGNER)).flat() };
  verify(byHeaders);
  const presigned = reduceTarget(presignTarget(unsigned, SIGNER)).text;
  verify({ method, target: presigned, rawHeaders: ['host', 'localhost'] });
}

const keys = createSigningKeys();

function verify(request: SignedRequest): void {
  const authentication = parseAuthentication(request, SIGNED_AT.getTime());
  verifySignature(authentication, SIGNER.secretAccessKey, EMPTY, keys);
}

const signedHead = signHeaders(
  { method: 'GET', target: '/-/vaults', headers: { host: 'localhost' }, payloadHash: EMPTY },
  SIGNER,
);
const presignedTarget = presignTarget(
  { method: 'GET', target: '/-/vaults', headers: { host: 'localhost' }, payloadHash: EMPTY },
  SIGNER,
);

/** The Authorization header, the query of a presigned request, dates, and the headers that are signed. */
export const authorization: FuzzTarget = {
  name: 'authorization',
  seeds: [
    sentOf('GET /-/vaults', signedHead),
    sentOf('GET /-/vaults', { ...signedHead, 'x-amz-content-sha256': EMPTY, 'x-amz-security-token': 'abc' }),
    sentOf('GET /-/vaults', { ...signedHead, 'x-amz-date': 'Wed, 04 Mar 2026 05:06:07 GMT' }),
    sentOf(`GET ${presignedTarget}`, { host: 'localhost' }),
  ],
  dictionary: [
    ...[
      'Credential=',
      'SignedHeaders=',
      'Signature=',
      ', ',
      ';',
      '/',
      'glacier/aws4_request',
      'AWS4-HMAC-SHA256 ',
    ],
    ...[
      'authorization: ',
      'date: ',
      'x-amz-date: ',
      'x-amz-content-sha256: ',
      'host: ',
      '20260304T050607Z',
      '\n',
    ],
    ...[
      '&X-Amz-Signature=',
      '&X-Amz-Expires=',
      '&x-amz-date=',
      '&X-Amz-Security-Token=',
      '%2F',
      '%',
      '0'.repeat(64),
    ],
    ...['20260230T050607Z', 'Wed, 30 Feb 2026 05:06:07 GMT', '-0000', 'host', 'x-amz-date'],
  ],
  run(input) {
    const { method, target, rawHeaders } = parseSent(input);
    const accepted = outcomeOf(
      () => parseAuthentication({ method, target, rawHeaders }, SIGNED_AT.getTime()),
      ApiError,
    );
    if (accepted === undefined) return;
    const { date, region, scope, timestamp, signedHeaders, signature } = accepted;
    assert.equal(scope, `${date}/${region}/glacier/aws4_request`);
    assert.match(timestamp, /^\d{8}T\d{6}Z$/);
    assert.ok(timestamp.startsWith(date));
    assert.match(signature, /^[0-9a-f]{64}$/);
    assert.ok(signedHeaders.includes('host'), 'the host is not signed');
    const sent = rawHeaders.map((name) => name.toLowerCase());
    for (const name of signedHeaders) assert.ok(sent.includes(name), `${name} was not sent`);
  },
};

const part = { 'content-range': 'bytes 0-3/*', 'content-length': '4', 'x-amz-sha256-tree-hash': EMPTY };
const upload = {
  'x-amz-archive-description': 'a  b',
  'x-amz-part-size': '1048576',
  'x-amz-archive-size': '4',
};
const UPLOADS = '/-/vaults/v/multipart-uploads';

/** Routing, then all fields of the operation: headers, query and members. */
export const fields: FuzzTarget = {
  name: 'fields',
  seeds: [
    sentOf('POST /-/vaults/v/archives', { ...part, ...upload }),
    sentOf(`POST ${UPLOADS}`, upload),
    sentOf(`PUT ${UPLOADS}/u`, part),
    sentOf(`POST ${UPLOADS}/u`, { ...part, ...upload }),
    sentOf(`GET ${UPLOADS}/u?limit=2&marker=cGFydDoxMA`),
    sentOf('GET /-/vaults?limit=2&marker=x'),
    sentOf('GET /-/vaults/v/jobs/j/output', { range: 'bytes=0-5' }),
    sentOf('GET /-/vaults/v/jobs?completed=true&statuscode=Succeeded&limit=1'),
    sentOf('POST /-/vaults/v/tags?operation=add', {}, '{"Tags":{"key":"value","2":""}}'),
    sentOf('POST /-/vaults/v/tags?operation=remove', {}, '{"TagKeys":["key"]}'),
    sentOf('POST /-/vaults/v/jobs', {}, '{"Type":"archive-retrieval","ArchiveId":"x","Tier":"Bulk"}'),
    sentOf(
      'POST /-/vaults/v/jobs',
      {},
      '{"Type":"inventory-retrieval","Format":"CSV","InventoryRetrievalParameters":{"Limit":"5","StartDate":"2013-03-20T17:03:43Z"}}',
    ),
    sentOf(
      'PUT /-/vaults/v/notification-configuration',
      {},
      '{"vaultNotificationConfig":{"SNSTopic":"arn:aws:sns:us-east-1:111122223333:t","Events":["ArchiveRetrievalCompleted"]}}',
    ),
    sentOf('PUT /-/vaults/v/access-policy', {}, '{"policy":{"Policy":"{}"}}'),
    sentOf('POST /-/vaults/v/lock-policy', {}, '{"policy":{"Policy":"{}"}}'),
    sentOf(
      'PUT /-/policies/data-retrieval',
      {},
      '{"Policy":{"Rules":[{"Strategy":"BytesPerHour","BytesPerHour":5}]}}',
    ),
  ],
  dictionary: [
    ...WORDS,
    ...['{', '}', '[', ']', '"', ':', ',', 'null', 'true', '1e400', '18446744073709551616', '"__proto__":'],
    ...[
      '"Type":"inventory-retrieval"',
      '"Marker":""',
      '"EndDate":"',
      '"RetrievalByteRange":"0-1048575"',
      '"SNSTopic":"',
    ],
    ...[
      'bytes 0-1048575/*',
      'x-amz-archive-size: ',
      'x-amz-part-size: ',
      '-',
      '\\ud800',
      '"FreeTier"',
      '"None"',
    ],
  ],
  run(input) {
    const sent = parseSent(input);
    const routed = routeOf(sent);
    if (routed === undefined) return;
    const json = new JsonBody(sent.body);
    outcomeOf(() => decodeFields(routed.route.operation, routed.message, json), ApiError, Refusal);
    outcomeOf(() => routed.route.operation.archiveId?.(routed.route.id, json.membersIfValid()), Refusal);
  },
};
