import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Api, apiOf, assertJson } from '../support/api.ts';
import { MIB } from '../support/pattern.ts';
import { type Answer, hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { sha256Hex } from '../support/signer.ts';
import { storeFiles, untilBlobsAdded } from '../support/store-files.ts';
import { headText, Wire } from '../support/wire.ts';

const SEED = 20_120_601;
/** Number of concurrent requests: if one hangs, the others still finish. */
const LOT = 8;
const LOTS = 250;
const WIRE_REQUESTS = 300;
const HANG_MS = 120_000;

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

let server: TestServer;
let api: Api;
/** Valid requests of every kind, on existing vaults, archives, uploads and jobs. */
let seeds: readonly Sent[];

before(async () => {
  server = await startServer({ flags: ['--request-idle', '500ms'] });
  api = apiOf(server);
  seeds = await makeSeeds();
});
after(() => server.stop());

async function makeSeeds(): Promise<Sent[]> {
  await api.createVault('v');
  const archive = await api.upload('v', 'kept');
  const upload = await api.initiate('v', MIB);
  const other = await api.initiate('v', MIB);
  const uploads = '/-/vaults/v/multipart-uploads';
  const part = { ...hashHeaders('part'), 'content-range': 'bytes 0-3/*' };
  const whole = { 'x-amz-archive-size': '4', 'x-amz-sha256-tree-hash': sha256Hex('part') };
  const described = { 'x-amz-archive-description': 'a  description' };
  const job = JSON.stringify({ Type: 'archive-retrieval', ArchiveId: archive, Tier: 'Bulk', SNSTopic: null });
  const inventory =
    '{"Type":"inventory-retrieval","Format":"CSV","InventoryRetrievalParameters":{"Limit":"5"}}';
  const make = (method: string, target: string, headers = {}, body = ''): Sent => ({
    method,
    target,
    headers,
    body,
  });
  return [
    make('PUT', '/-/vaults/w'),
    make('GET', '/-/vaults/v'),
    make('DELETE', '/-/vaults/w'),
    make('GET', '/-/vaults?limit=5&marker='),
    make('POST', '/-/vaults/v/tags?operation=add', {}, '{"Tags":{"key":"value","2":""}}'),
    make('POST', '/-/vaults/v/tags?operation=remove', {}, '{"TagKeys":["key"]}'),
    make('GET', '/-/vaults/v/tags'),
    make('POST', '/-/vaults/v/archives', { ...hashHeaders('some bytes'), ...described }, 'some bytes'),
    make('DELETE', `/-/vaults/v/archives/${archive.slice(0, -1)}x`),
    make('POST', uploads, { 'x-amz-part-size': '1048576', ...described }),
    make('GET', `${uploads}?limit=2`),
    make('PUT', `${uploads}/${upload}`, part, 'part'),
    make('GET', `${uploads}/${upload}?limit=1`),
    make('POST', `${uploads}/${upload}`, whole),
    make('DELETE', `${uploads}/${other}`),
    make('POST', '/-/vaults/v/jobs', {}, job),
    make('POST', '/-/vaults/v/jobs', {}, inventory),
    make('GET', '/-/vaults/v/jobs?completed=true&statuscode=Succeeded'),
    make('GET', '/-/vaults/v/jobs/none/output', { range: 'bytes=0-5' }),
    make('PUT', '/-/vaults/v/notification-configuration', {}, '{"SNSTopic":"x","Events":["y"]}'),
    make('PUT', '/-/vaults/v/access-policy', {}, '{"Policy":"{\\"Version\\":\\"2012-10-17\\"}"}'),
    make('POST', '/-/vaults/v/lock-policy', {}, '{"Policy":"{}"}'),
    make('GET', '/-/vaults/v/lock-policy'),
    make('PUT', '/-/policies/data-retrieval', {}, '{"Policy":{"Rules":[{"Strategy":"FreeTier"}]}}'),
    make('GET', '/-/provisioned-capacity'),
  ];
}

const charsUpTo = (min: number, max: number) =>
  fc
    .integer({ min, max })
    .filter((n) => n !== 0x7f)
    .map((n) => String.fromCharCode(n));
const headerChars = fc.string({ unit: charsUpTo(0x20, 0xff), maxLength: 40 });
const ODD_WORDS =
  '- . .. 0 -1 1e9 null NaN true __proto__ constructor 18446744073709551616 %2e%2e %00 %ff %41 \' " \\ { [ ( * ~ + ; , | ` ^'.split(
    ' ',
  );
const odd = fc.constantFrom(
  '',
  ...ODD_WORDS,
  '9'.repeat(30),
  'x'.repeat(300),
  'bytes 0-0/*',
  'bytes 9-1/*',
  '[object Object]',
);
/** Mostly decodable text, because the server refuses other text before all other checks. */
const inTarget = fc.oneof(
  { weight: 6, arbitrary: odd.map((text) => text.replaceAll(' ', '%20')) },
  {
    weight: 6,
    arbitrary: fc.string({ unit: charsUpTo(0x21, 0x7e).filter((char) => char !== '%'), maxLength: 12 }),
  },
  { weight: 1, arbitrary: fc.string({ unit: charsUpTo(0x21, 0xff), maxLength: 12 }) },
);
const names = fc.constantFrom(
  ...[
    'content-range',
    'x-amz-part-size',
    'x-amz-archive-size',
    'x-amz-archive-description',
    'x-amz-sha256-tree-hash',
  ],
  ...[
    'x-amz-content-sha256',
    'x-amz-glacier-version',
    'x-amz-date',
    'date',
    'content-type',
    'range',
    'x-amz-security-token',
  ],
  ...['content-length', 'accept-encoding', 'if-match', 'x-forwarded-for', 'cookie', 'expect', '__proto__'],
);
const anyJson = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value));

/** One change of a request. */
type Mutation = (sent: Sent) => Sent;

const mutations: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS')
    .map((method) => (sent: Sent) => ({ ...sent, method })),
  fc.tuple(fc.nat(6), inTarget).map(([at, text]) => (sent: Sent) => {
    const pieces = sent.target.split('/');
    pieces[at % pieces.length] = text;
    return { ...sent, target: `/${pieces.join('/').replace(/^\//, '')}` };
  }),
  fc
    .tuple(fc.constantFrom('limit', 'marker', 'operation', 'completed', 'statuscode', '__proto__'), inTarget)
    .map(([name, value]) => (sent: Sent) => ({
      ...sent,
      target: `${sent.target}${sent.target.includes('?') ? '&' : '?'}${name}=${value}`,
    })),
  fc
    .tuple(names, fc.option(fc.oneof(odd, headerChars), { nil: undefined }))
    .map(([name, value]) => (sent: Sent) => ({ ...sent, headers: { ...sent.headers, [name]: value } })),
  fc.oneof(anyJson, fc.string({ maxLength: 60 }), odd).map((body) => (sent: Sent) => ({ ...sent, body })),
  fc.tuple(fc.nat(80), fc.oneof(fc.string({ maxLength: 6 }), anyJson)).map(([at, text]) => (sent: Sent) => ({
    ...sent,
    body: sent.body.slice(0, at) + text + sent.body.slice(at + text.length),
  })),
  fc.tuple(fc.nat(5), anyJson).map(([at, json]) => (sent: Sent) => ({
    ...sent,
    body: replaceValue(sent.body, at, json),
  })),
);

/** Replaces the `at`-th JSON value by another. */
function replaceValue(body: string, at: number, json: string): string {
  const places = [...body.matchAll(/(?<=:)(?:"(?:\\.|[^"\\])*"|\[[^\]]*\]|[^,{}\]]+)/g)];
  const place = places[at % Math.max(places.length, 1)];
  if (!place) return json;
  return body.slice(0, place.index) + json + body.slice(place.index + place[0].length);
}

interface Recipe {
  readonly seed: number;
  readonly changes: readonly Mutation[];
  /** Whether to sign after the changes, so that the signature is valid. */
  readonly signAfter: boolean;
  /** Whether to correct the body's length, and its hash if the request has one. */
  readonly honest: boolean;
}

const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.nat(1000),
  changes: fc.array(mutations, { minLength: 1, maxLength: 4 }),
  signAfter: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  honest: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
});

function requestOf({ seed, changes, honest }: Recipe): Sent {
  const good = seeds[seed % seeds.length] as Sent;
  const changed = changes.reduce<Sent>((sent, change) => change(sent), good);
  const told =
    'x-amz-content-sha256' in changed.headers ? { 'x-amz-content-sha256': sha256Hex(changed.body) } : {};
  const length = { 'content-length': String(Buffer.byteLength(changed.body)) };
  return { ...changed, headers: { ...changed.headers, ...length, ...(honest ? told : {}) } };
}

async function send(recipe: Recipe): Promise<void> {
  const { method, target, headers, body } = requestOf(recipe);
  const shown = JSON.stringify({ method, target, headers, body });
  const good = seeds[recipe.seed % seeds.length] as Sent;
  // A wrong length would break the connection for later requests; the test of raw bytes sends those.
  const { 'content-length': _, ...before } = api.headersOf(good.method, good.target, good);
  const signed = recipe.signAfter ? {} : { unsigned: before };
  const hang = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no answer to ${shown}`)), HANG_MS).unref();
  });
  const broken = (error: unknown): never => assert.fail(`${error} instead of an answer to ${shown}`);
  const answer = await Promise.race([
    api.call(method, target, { headers, body, ...signed }).catch(broken),
    hang,
  ]);
  assertSane(answer, shown);
}

/** Asserts an answer in the API's form that is not a server error. */
function assertSane(answer: Answer, shown: string): void {
  assert.ok(answer.status >= 200 && answer.status < 500, `${answer.status} ${answer.text} to ${shown}`);
  assert.match(answer.headers['x-amzn-requestid'] ?? '', /^[A-Za-z0-9_-]{47,48}$/, shown);
  if (answer.status < 400) return;
  const { code, message, type } = answer.json();
  assert.deepEqual(
    [typeof code, typeof message, type],
    ['string', 'string', 'Client'],
    `${answer.text} to ${shown}`,
  );
}

describe('two thousand almost valid requests', () => {
  it('all get an answer, and never a server error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(recipes, { minLength: LOT, maxLength: LOT }), async (batch) => {
        await Promise.all(batch.map(send));
      }),
      { seed: SEED, numRuns: LOTS, endOnFailure: true },
    );
  });
});

describe('bytes that almost form a request', () => {
  it('get an answer or a cut connection, and never hang', async () => {
    const change = fc.record({
      seed: fc.nat(1000),
      edits: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255), fc.nat(3)), {
        minLength: 1,
        maxLength: 5,
      }),
      cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ seed, edits, cut }) => {
        const good = seeds[seed % seeds.length] as Sent;
        const length = { 'content-length': String(good.body.length) };
        const headers = api.headersOf(good.method, good.target, {
          ...good,
          headers: { ...good.headers, ...length },
        });
        const bytes = Buffer.from(headText(good.method, good.target, headers) + good.body, 'latin1');
        for (const [where, byte] of edits) bytes[Math.floor(where * (bytes.length - 1))] = byte;
        await sendBytes(cut === null ? bytes : bytes.subarray(0, Math.floor(cut * bytes.length)));
      }),
      { seed: SEED, numRuns: WIRE_REQUESTS, endOnFailure: true },
    );
  });
});

/** Sends the bytes, then ends; asserts that the answer is not a server error. */
async function sendBytes(bytes: Uint8Array): Promise<void> {
  const wire = await Wire.open(server.url);
  wire.write(bytes);
  wire.socket.end();
  await wire.untilClosed();
  wire.destroy();
  assert.doesNotMatch(wire.received, /^HTTP\/1\.1 5/, Buffer.from(bytes).toString('latin1'));
}

describe('the server after all of these requests', () => {
  it('is healthy, has all data, and left nothing half-written', async () => {
    assert.equal((await api.call('GET', '/_moraine/health')).status, 200);
    assert.ok(Number(assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives']) >= 1);
    await untilBlobsAdded(server.data, await storeFiles(server.data), 0);
    assert.doesNotMatch(server.errors(), /"level":(?:50|60)/);
  });
});
