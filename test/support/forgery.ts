/** Forged requests: acceptable requests, changed at random so that their signature no longer covers them. */
import { type Answer, hashHeaders, sendRaw } from './request.ts';
import type { Credentials } from './server.ts';
import { amzDate, presignTarget, type Signer, sha256Hex, signHeaders } from './signer.ts';

interface Request {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Forged extends Request {
  /** What was changed. */
  readonly what: string;
}

/** Keys that the server accepts, and keys that it refuses. */
export interface Cast {
  readonly url: string;
  readonly root: Credentials;
  /** Another user's key, a disabled key, and an unknown one. */
  readonly other: Credentials;
  readonly disabled: Credentials;
  readonly unknown: Credentials;
  readonly session: Credentials & { readonly sessionToken: string };
}

type Random = () => number;
type Headers = Record<string, string>;

const pick = <Item>(items: readonly Item[], random: Random): Item =>
  items[Math.floor(random() * items.length)] as Item;

/** Requests without an effect on the tests. */
const BASES: readonly Omit<Request, 'headers'>[] = [
  { method: 'GET', target: '/-/vaults?limit=10&marker=', body: '' },
  { method: 'GET', target: '/-/vaults/v', body: '' },
  { method: 'PUT', target: '/-/vaults/v', body: '' },
  { method: 'POST', target: '/-/vaults/v/tags?operation=add', body: '{"Tags":{"k1":"v1"}}' },
  { method: 'POST', target: '/-/vaults/v/archives', body: 'the bytes of an archive' },
  { method: 'POST', target: '/-/vaults/v/jobs', body: '{"Type":"inventory-retrieval"}' },
];

function unsignedOf({ url }: Cast, { target, body }: Omit<Request, 'headers'>): Headers {
  const { host } = new URL(url);
  const headers: Headers = { host, 'x-amz-glacier-version': '2012-06-01', 'user-agent': 'a client/1.0' };
  if (target.endsWith('/archives')) {
    Object.assign(headers, hashHeaders(body), { 'x-amz-archive-description': 'two  spaces' });
  } else if (body !== '') Object.assign(headers, { 'content-type': 'application/json' });
  return headers;
}

function signed(cast: Cast, base: Omit<Request, 'headers'>, change: Partial<Signer> = {}): Request {
  const headers = unsignedOf(cast, base);
  const signer = { ...cast.root, region: 'us-east-1', at: new Date(), ...change };
  const payloadHash = headers['x-amz-content-sha256'] ?? sha256Hex(base.body);
  return { ...base, headers: signHeaders({ ...base, headers, payloadHash }, signer) };
}

function presigned(cast: Cast, change: Partial<Signer> = {}, options = {}): Request {
  const { host } = new URL(cast.url);
  const headers = { host };
  const base = { method: 'GET', target: '/-/vaults/v', headers, payloadHash: sha256Hex('') };
  const signer = { ...cast.root, region: 'us-east-1', at: new Date(), ...change };
  const target = presignTarget(base, signer, options);
  return { method: 'GET', target, headers: { host, 'x-amz-glacier-version': '2012-06-01' }, body: '' };
}

/** A request that the server accepts. */
function genuine(cast: Cast, random: Random): Request {
  return random() < 0.15 ? presigned(cast) : signed(cast, pick(BASES, random));
}

type Forge = (cast: Cast, random: Random) => Forged;

const HEX = '0123456789abcdef';
const SAFE = 'ABCDEFGHabcdefgh0123456789';

/** Replaces the character at a place by another. */
function replaced(text: string, at: number, alphabet: string, random: Random): string {
  const others = [...alphabet].filter((char) => char !== text[at]);
  return text.slice(0, at) + pick(others, random) + text.slice(at + 1);
}

function withAuthorization(request: Request, change: (text: string) => string, what: string): Forged {
  const { authorization = '', ...headers } = request.headers;
  return { ...request, headers: { ...headers, authorization: change(authorization) }, what };
}

/** Parts of the Authorization header, each with forged values. */
const PARTS: readonly (readonly [what: string, RegExp, (found: string, random: Random) => string])[] = [
  [
    'the algorithm',
    /^\S+/,
    (_, random) => pick(['AWS4-HMAC-SHA512', 'AWS3', 'aws4-hmac-sha256', 'Basic'], random),
  ],
  ['the access key id', /(?<=Credential=)[^/]+/, (found, random) => replaced(found, 4, SAFE, random)],
  [
    'the date',
    /(?<=Credential=[^/]+\/)\d{8}/,
    (found, random) => replaced(found, 7, HEX.slice(0, 10), random),
  ],
  [
    'the region',
    /(?<=Credential=[^/]+\/\d{8}\/)[^/]+/,
    (_, random) => pick(['eu-west-1', 'us-east-2', 'US-EAST-1', ''], random),
  ],
  [
    'the service',
    /\/glacier\//,
    (_, random) => pick(['/s3/', '/Glacier/', '//', '/glacier/glacier/'], random),
  ],
  [
    'the terminator',
    /aws4_request/,
    (_, random) => pick(['aws4_reques', 'AWS4_REQUEST', 'aws4_request/x', ''], random),
  ],
  ['the signed headers', /(?<=SignedHeaders=)[^,]+/, forgedHeaderList],
  ['the signature', /(?<=Signature=)\w+/, forgedSignature],
  [
    'a name',
    /Credential=|SignedHeaders=|Signature=/g,
    (_, random) => pick(['', 'X=', '=', 'credential='], random),
  ],
];

function forgedHeaderList(found: string, random: Random): string {
  const names = found.split(';');
  const lists = [
    names.toReversed(),
    names.filter((_, at) => at !== Math.floor(random() * names.length)),
    [...names, 'zz'],
    [...names, names.at(-1) ?? ''],
    names.map((name) => name.toUpperCase()),
    ['host'],
    [''],
  ];
  const list = pick(lists, random).join(';');
  return list === found ? 'host' : list;
}

function forgedSignature(found: string, random: Random): string {
  return pick(
    [
      replaced(found, Math.floor(random() * found.length), HEX, random),
      found.toUpperCase() === found ? '' : found.toUpperCase(),
      found.slice(0, Math.floor(random() * found.length)),
      `${found}${pick([...HEX], random)}`,
      '0'.repeat(64),
      'g'.repeat(64),
      found.toWellFormed().split('').reverse().join('') === found ? '' : found.split('').reverse().join(''),
      sha256Hex(found),
      '',
    ],
    random,
  );
}

/** Ways to change a target. Doubled slashes are left out, because the server drops them first. */
function forgedTarget(target: string, random: Random): string {
  const [path = '', query] = target.split('?');
  const join = (newPath: string, newQuery: string | undefined): string =>
    newQuery === undefined ? newPath : `${newPath}?${newQuery}`;
  return pick(
    [
      () => join(path.replace('/-/', '/111122223333/'), query),
      () => join(path.replace('/-/', '/%2D/'), query),
      () => join(`${path.slice(0, 10)}x${path.slice(10)}`, query),
      () => join(path.replace('vaults', 'vault%73'), query),
      () => join(`${path}/`, query),
      () => join(path.replace('/vaults', '/./vaults'), query),
      () => join(`/x/..${path}`, query),
      () => join(path, `${query ?? ''}&extra=1`),
      () => join(path, query === undefined ? 'limit=1' : query.replace(/=(\w*)/, '=1$1')),
      () => join(path, query === undefined ? 'x' : undefined),
      () => join(path, query === undefined ? '%' : `${query}&${query}`),
    ],
    random,
  )();
}

const FORGES: Readonly<Record<string, Forge>> = {
  part(cast, random) {
    const [what, pattern, change] = pick(PARTS, random);
    const request = signed(cast, pick(BASES, random));
    return withAuthorization(
      request,
      (text) => text.replace(pattern, (found) => change(found, random)),
      what,
    );
  },
  anyCharacter(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const text = request.headers['authorization'] ?? '';
    const places = [...text.matchAll(/\w/g)].map(({ index }) => index);
    const at = pick(places, random);
    return withAuthorization(request, () => replaced(text, at, SAFE, random), `character ${at}`);
  },
  truncated(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const keep = random();
    return withAuthorization(
      request,
      (text) => text.slice(0, Math.floor(keep * text.length)),
      `cut at ${keep}`,
    );
  },
  doubled(cast, random) {
    const request = signed(cast, pick(BASES, random));
    return withAuthorization(
      request,
      (text) =>
        pick([`${text}, ${text}`, text + text, `${text},`, `,${text}`, text.replace(/, /g, '; ')], random),
      'doubled',
    );
  },
  header(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const names = Object.keys(request.headers).filter(
      (name) => !['authorization', 'content-length'].includes(name),
    );
    const name = pick(names, random);
    const value = request.headers[name] ?? '';
    const { [name]: _, ...without } = request.headers;
    const headers = pick(
      [without, { ...without, [name]: `${value}x` }, { ...without, [name]: `0${value}` }],
      random,
    );
    // Skips the host, because HTTP itself requires one.
    return {
      ...request,
      headers: name === 'host' ? { ...without, host: 'elsewhere' } : headers,
      what: `header ${name}`,
    };
  },
  claimedHash(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const value = pick([sha256Hex('x'), sha256Hex(''), 'UNSIGNED-PAYLOAD', '', 'x'], random);
    const hash = request.body === '' && value === sha256Hex('') ? sha256Hex('y') : value;
    return {
      ...request,
      headers: { ...request.headers, 'x-amz-content-sha256': hash },
      what: 'the claimed hash',
    };
  },
  body(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const { body } = request;
    const flipped = replaced(body, Math.floor(random() * body.length), SAFE, random);
    const fixed = request.headers['content-length'] !== undefined;
    return {
      ...request,
      body: fixed ? flipped : pick([`${body} `, `${flipped}x`, `[${body}]`], random),
      what: 'the body',
    };
  },
  target(cast, random) {
    const request = signed(cast, pick(BASES, random));
    return { ...request, target: forgedTarget(request.target, random), what: 'the target' };
  },
  method(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const methods = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'].filter(
      (one) => one !== request.method,
    );
    return { ...request, method: pick(methods, random), what: 'the method' };
  },
  replayed(cast, random) {
    // So far beyond the window that a slow test makes no difference.
    const byMs = (random() < 0.5 ? -1 : 1) * (400_000 + Math.floor(random() ** 4 * 3e11));
    const request = signed(cast, pick(BASES, random), { at: new Date(Date.now() + byMs) });
    return { ...request, what: `signed ${byMs} ms from now` };
  },
  redated(cast, random) {
    const request = signed(cast, pick(BASES, random), { at: new Date(Date.now() - 86_400_000) });
    const now = amzDate(new Date());
    const fresh = { ...request, headers: { ...request.headers, 'x-amz-date': now } };
    return withAuthorization(
      fresh,
      (text) => (random() < 0.5 ? text : text.replace(/\/\d{8}\//, `/${now.slice(0, 8)}/`)),
      'a new date over an old signature',
    );
  },
  wrongKey(cast, random) {
    const { root, other, disabled, unknown } = cast;
    const key = pick(
      [
        { ...root, secretAccessKey: other.secretAccessKey },
        { ...other, secretAccessKey: root.secretAccessKey },
        { ...root, secretAccessKey: root.secretAccessKey.slice(0, -1) },
        { ...root, secretAccessKey: '' },
        disabled,
        unknown,
      ],
      random,
    );
    return { ...signed(cast, pick(BASES, random), key), what: 'another key' };
  },
  token(cast, random) {
    const { session, root } = cast;
    const token = session.sessionToken;
    const forged = replaced(token, Math.floor(random() * (token.length - 2)), SAFE, random);
    const key = random() < 0.5 ? session : root;
    const headers = { host: new URL(cast.url).host, 'x-amz-glacier-version': '2012-06-01' };
    const value = pick([forged, token.slice(0, -8), token.slice(1), 'x', key === root ? token : ''], random);
    const base = { method: 'GET', target: '/-/vaults/v', payloadHash: sha256Hex('') };
    const all = signHeaders(
      { ...base, headers: { ...headers, 'x-amz-security-token': value } },
      { ...key, region: 'us-east-1', at: new Date() },
    );
    // An empty token counts as absent, and root needs no token.
    return { method: 'GET', target: base.target, headers: all, body: '', what: 'a session token' };
  },
  presigned(cast, random) {
    const request = presigned(cast);
    const parameters = [...request.target.matchAll(/(X-Amz-\w+)=([^&]*)/g)];
    const [whole = '', name = '', value = ''] = pick(parameters, random);
    const change = pick(
      ['', `${name}=`, `${name}=${value}0`, `${name}=${value.slice(0, -1)}`, `${whole}&${whole}`],
      random,
    );
    return { ...request, target: request.target.replace(whole, () => change), what: `presigned ${name}` };
  },
  presignedPath(cast, random) {
    const request = presigned(cast);
    const target = pick(
      [
        request.target.replace('/v?', '/w?'),
        request.target.replace('/-/', '/111122223333/'),
        `${request.target}&limit=1`,
        request.target.replace('?', '?limit=1&'),
      ],
      random,
    );
    return { ...request, target, what: 'presigned path or query' };
  },
  presignedLate(cast, random) {
    const late = presigned(cast, { at: new Date(Date.now() - 400_000) }, { expires: '300' });
    const tooLong = presigned(cast, {}, { expires: pick(['604801', '0', '-1', '1e3', 'x', ''], random) });
    return { ...(random() < 0.5 ? late : tooLong), what: 'presigned for another time' };
  },
  unsigned(cast, random) {
    const request = signed(cast, pick(BASES, random));
    const { authorization: _, ...headers } = request.headers;
    const value = pick(
      [undefined, '', 'Basic cm9vdDpyb290', 'Bearer x', 'AWS4-HMAC-SHA256', 'AWS key:signature'],
      random,
    );
    return {
      ...request,
      headers: value === undefined ? headers : { ...headers, authorization: value },
      what: 'no signature',
    };
  },
};

function forge(cast: Cast, random: Random): Forged {
  const [kind, make] = pick(Object.entries(FORGES), random);
  const forged = make(cast, random);
  return { ...forged, what: `${kind}: ${forged.what}` };
}

/** Error codes of refused callers. */
const REFUSED = new Set([
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
]);
/** Refusals of requests that cannot belong to the API, which the server sends before it checks the signature. */
const EARLIER =
  /^(There is no operation |Invalid operation: |Invalid path: |The query parameter .* is given twice|The path or query cannot be decoded|Required parameter missing: x-amz-content-sha256$|The request is not well-formed)/;

/** Whether the request was refused by the check of its signature or before. */
function isRefused({ status, text }: Answer): boolean {
  if (status < 400 || status >= 500) return false;
  const { code, message } = JSON.parse(text) as { code: string; message: string };
  return REFUSED.has(code) || EARLIER.test(message);
}

export interface ForgeryTally {
  sent: number;
  accepted: string[];
  failed: string[];
  /** Number of unchanged requests among them, which must be accepted. */
  controls: number;
  byCode: Record<string, number>;
}

const AT_ONCE = 16;
const CONTROL_EACH = 100;

/** Sends this number of forged requests. */
export async function sendForgeries(cast: Cast, count: number, random: Random): Promise<ForgeryTally> {
  const tally: ForgeryTally = { sent: 0, accepted: [], failed: [], controls: 0, byCode: {} };
  const worker = async (): Promise<void> => {
    while (tally.sent < count) {
      const number = tally.sent++;
      if (number % CONTROL_EACH === 0) await sendGenuine(cast, random, tally);
      await sendForged(cast, forge(cast, random), tally);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return tally;
}

/** Retries, because the server may close a kept-alive connection while the next request is sent. */
async function sendAgain(url: string, request: Request, tries = 3): Promise<Answer> {
  try {
    // Otherwise node:http would send a GET's body without a length.
    const length = { 'content-length': String(Buffer.byteLength(request.body)) };
    const headers = request.body === '' ? request.headers : { ...length, ...request.headers };
    return await sendRaw(url, { ...request, headers });
  } catch (error) {
    if (tries === 0 || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    return sendAgain(url, request, tries - 1);
  }
}

async function sendGenuine(cast: Cast, random: Random, tally: ForgeryTally): Promise<void> {
  const request = genuine(cast, random);
  const { status, text } = await sendAgain(cast.url, request);
  tally.controls++;
  if (status >= 300) tally.failed.push(`an untouched ${request.method} ${request.target}: ${status} ${text}`);
}

async function sendForged(cast: Cast, forged: Forged, tally: ForgeryTally): Promise<void> {
  const answer = await sendAgain(cast.url, forged);
  const { status, text } = answer;
  const shown = `${forged.what}: ${forged.method} ${forged.target} ${JSON.stringify(forged.headers)}: ${status} ${text}`;
  if (status >= 500) tally.failed.push(shown);
  else if (!isRefused(answer)) tally.accepted.push(shown);
  const code = /"code":"(\w+)"/.exec(text)?.[1] ?? 'none';
  tally.byCode[code] = (tally.byCode[code] ?? 0) + 1;
}
