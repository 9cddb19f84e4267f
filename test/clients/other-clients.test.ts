/**
 * Requests of clients that the tests cannot run: older SDKs and tools in other languages. Requests and expectations are
 * taken from their sources. They are signed by hand, because each signs other headers than an SDK's signer would: some
 * only host and x-amz-*, some everything, and one its Date beside x-amz-date.
 */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../src/treehash/index.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { type Answer, hashHeaders, sendRaw } from '../support/request.ts';
import { type Credentials, startServer, type TestServer } from '../support/server.ts';

const SIZE = 6.5 * MIB;
const TREE_HASH = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';

type Headers = Readonly<Record<string, string>>;

interface WireRequest {
  readonly method: string;
  /** Path and query, the query in canonical form. */
  readonly target: string;
  readonly headers?: Headers;
  readonly body?: Uint8Array | string;
}

/** What the client adds to every request. */
interface Habits {
  /** The client's own headers for this time and body. */
  headers(host: string, now: Date, bodyLength: number): Headers;
  signs(name: string): boolean;
  /** The separator in its Authorization header. */
  readonly separator: ', ' | ',';
  readonly region: string;
}

const VERSION = { 'x-amz-glacier-version': '2012-06-01' };
const isAmazonHeader = (name: string) => name === 'host' || name.startsWith('x-amz-');

const BOTO_2: Habits = {
  headers: (host, now, length) => ({
    Host: host,
    ...VERSION,
    'X-Amz-Date': isoBasic(now),
    'User-Agent': 'Boto/2.49.0 Python/3.11.2 Linux/6.1.0',
    'Accept-Encoding': 'identity',
    'Content-Length': String(length),
  }),
  signs: isAmazonHeader,
  separator: ',',
  region: 'us-east-1',
};

const FOG: Habits = {
  headers: (host, now, length) => ({
    // The Host header omits the port.
    Host: host.replace(/:\d+$/, ''),
    ...VERSION,
    Date: now.toUTCString(),
    'x-amz-date': isoBasic(now),
    'Content-Length': String(length),
  }),
  signs: () => true,
  separator: ', ',
  region: 'us-east-1',
};

const MT_AWS_GLACIER: Habits = {
  headers: (_, now, length) => ({
    // Host names Amazon's server even when the client is pointed at another one.
    Host: 'glacier.eu-west-1.amazonaws.com',
    ...VERSION,
    'x-amz-date': isoBasic(now),
    'User-Agent': 'mt-aws-glacier/1.120 (http://mt-aws.com/) libwww-perl/6.68',
    TE: 'deflate,gzip;q=0.3',
    Connection: 'TE',
    ...(length === 0 ? {} : { 'content-length': String(length) }),
  }),
  signs: (name) => isAmazonHeader(name) || name.startsWith('content-'),
  separator: ', ',
  region: 'eu-west-1',
};

const GO_V2: Habits = {
  headers: (host, now, length) => ({
    Host: host,
    'User-Agent':
      'aws-sdk-go-v2/1.36.3 os/linux lang/go#1.24.2 md/GOOS#linux md/GOARCH#amd64 api/glacier#1.27.3',
    'Amz-Sdk-Invocation-Id': '4e5f2d4e-6d1c-4f5d-9a43-9d6b2c1f0e77',
    'Amz-Sdk-Request': 'attempt=1; max=3',
    'X-Amz-Date': isoBasic(now),
    'X-Amz-Glacier-Version': '2012-06-01',
    'Accept-Encoding': 'gzip',
    'Content-Length': String(length),
  }),
  signs: (name) => isAmazonHeader(name) || name.startsWith('content-') || name.startsWith('amz-sdk-'),
  separator: ', ',
  region: 'us-east-1',
};

const PHP: Habits = {
  headers: (host, now, length) => ({
    Host: host,
    'X-Amz-Date': isoBasic(now),
    ...VERSION,
    'aws-sdk-invocation-id': '8f5b7c2b1d9a4f6e8c3d2b1a0f9e8d7c',
    'aws-sdk-retry': '0/0',
    'User-Agent': 'aws-sdk-php/3.337.3 ua/2.1 OS/Linux#6.1.0 lang/php#8.2.28 GuzzleHttp/7',
    'Content-Length': String(length),
    // Guzzle adds this for bodies of more than 1 MiB.
    ...(length > MIB ? { Expect: '100-Continue' } : {}),
  }),
  signs: (name) => isAmazonHeader(name) || name.startsWith('aws-sdk-'),
  separator: ', ',
  region: 'us-east-1',
};

const JAVA_V1: Habits = {
  headers: (host, now, length) => ({
    Host: host,
    'X-Amz-Date': isoBasic(now),
    ...VERSION,
    Accept: 'application/json',
    'amz-sdk-invocation-id': '1d3c5b7a-0f2e-4d6c-8b9a-7f5e3d1c0b2a',
    'amz-sdk-retry': '0/0/500',
    'User-Agent': 'aws-sdk-java/1.12.780 Linux/6.1.0 OpenJDK_64-Bit_Server_VM/17.0.14',
    'Content-Length': String(length),
    Connection: 'Keep-Alive',
    ...(length > 0 ? { Expect: '100-continue' } : {}),
  }),
  signs: (name) => name !== 'connection' && name !== 'expect',
  separator: ', ',
  region: 'us-east-1',
};

describe('clients of the past and of other languages', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const sendAs = (habits: Habits, wire: WireRequest) =>
    sendRaw(server.url, { ...wire, headers: signedHeaders(server, habits, wire) });

  /** Whether the client waits for 100 Continue before it sends the body. */
  const sendExpecting = (habits: Habits, wire: WireRequest, changed: Headers = {}) =>
    sendWaiting(server.url, { ...wire, headers: { ...signedHeaders(server, habits, wire), ...changed } });

  /** Asserts the status that the client expects; it treats any other as an error. */
  async function expectStatus(status: number, answer: Promise<Answer>): Promise<Answer> {
    const found = await answer;
    assert.equal(found.status, status, found.text);
    return found;
  }

  describe('boto 2', () => {
    const boto = (status: number, wire: WireRequest) => expectStatus(status, sendAs(BOTO_2, wire));

    it('creates a vault, and can parse each answer of type JSON', async () => {
      const created = await boto(201, { method: 'PUT', target: '/-/vaults/boto' });
      assert.deepEqual([created.headers['content-type'], created.json()], ['application/json', {}]);
      assert.equal(created.headers['location'], `/${server.accountId}/vaults/boto`);
      assert.ok(created.headers['x-amzn-requestid']);
      const removed = await boto(204, { method: 'DELETE', target: '/-/vaults/boto' });
      assert.equal(removed.headers['content-type'], undefined);
    });

    it('lists vaults with the old limit, and finds every key that it reads', async () => {
      await boto(201, { method: 'PUT', target: '/-/vaults/boto-listed' });
      const listed = await boto(200, { method: 'GET', target: '/-/vaults?limit=1000' });
      assert.equal(listed.headers['content-type'], 'application/json');
      assert.deepEqual(Object.keys(listed.json()).sort(), ['Marker', 'VaultList']);
      const [vault] = listed.json()['VaultList'] as [Record<string, unknown>];
      assert.deepEqual(Object.keys(vault).sort(), [
        'CreationDate',
        'LastInventoryDate',
        'NumberOfArchives',
        'SizeInBytes',
        'VaultARN',
        'VaultName',
      ]);
    });

    it('follows the marker to the last vault', async () => {
      const names = Array.from({ length: 12 }, (_, i) => `boto-page-${String(i).padStart(2, '0')}`);
      for (const name of names) await boto(201, { method: 'PUT', target: `/-/vaults/${name}` });
      const found: string[] = [];
      let target = '/-/vaults?limit=1000';
      for (;;) {
        const page = (await boto(200, { method: 'GET', target })).json();
        for (const vault of page['VaultList'] as { VaultName: string }[]) found.push(vault.VaultName);
        if (page['Marker'] === null) break;
        target = `/-/vaults?limit=1000&marker=${encodeURIComponent(String(page['Marker']))}`;
      }
      assert.deepEqual(
        found.filter((name) => name.startsWith('boto-page-')),
        names,
      );
    });

    it('uploads an archive and reads its id from the headers', async () => {
      await boto(201, { method: 'PUT', target: '/-/vaults/boto-archive' });
      const body = patternBytes(SIZE);
      const headers = { ...hashesOf(body), 'x-amz-archive-description': 'by boto 2' };
      const target = '/-/vaults/boto-archive/archives';
      const uploaded = await boto(201, { method: 'POST', target, headers, body });
      assert.equal(uploaded.headers['x-amz-sha256-tree-hash'], TREE_HASH);
      assert.match(uploaded.headers['x-amz-archive-id'] ?? '', /^[A-Za-z0-9_-]{138}$/);
      assert.deepEqual(uploaded.json(), {});
      await boto(204, { method: 'DELETE', target: `${target}/${uploaded.headers['x-amz-archive-id']}` });
    });

    it('resumes an upload from the list of its parts', async () => {
      await boto(201, { method: 'PUT', target: '/-/vaults/boto-resumed' });
      const uploads = '/-/vaults/boto-resumed/multipart-uploads';
      const initiated = await boto(201, {
        method: 'POST',
        target: uploads,
        headers: { 'x-amz-part-size': String(4 * MIB), 'x-amz-archive-description': 'resumed' },
      });
      const target = `${uploads}/${initiated.headers['x-amz-multipart-upload-id']}`;
      const whole = patternBytes(SIZE);
      const sendPart = (first: number, end: number) => {
        const body = whole.subarray(first, end);
        const headers = { ...hashesOf(body), 'Content-Range': `bytes ${first}-${end - 1}/*` };
        return boto(204, { method: 'PUT', target, headers, body });
      };
      await sendPart(4 * MIB, SIZE);
      const listed = (await boto(200, { method: 'GET', target })).json();
      assert.equal(listed['Marker'], null);
      assert.equal(listed['PartSizeInBytes'], 4 * MIB);
      const last = whole.subarray(4 * MIB);
      assert.deepEqual(listed['Parts'], [
        { RangeInBytes: `${4 * MIB}-${SIZE - 1}`, SHA256TreeHash: treeHash(last) },
      ]);
      await sendPart(0, 4 * MIB);
      const headers = { 'x-amz-sha256-tree-hash': TREE_HASH, 'x-amz-archive-size': String(SIZE) };
      const done = await boto(201, { method: 'POST', target, headers });
      assert.deepEqual(done.json(), {});
      assert.equal(
        done.headers['location'],
        `/${server.accountId}/vaults/boto-resumed/archives/${done.headers['x-amz-archive-id']}`,
      );
    });
  });

  describe('fog', () => {
    const fog = (status: number, wire: WireRequest) => expectStatus(status, sendAs(FOG, wire));

    it('creates, describes, lists and deletes a vault at once, with Date beside x-amz-date and no port', async () => {
      const target = `/${server.accountId}/vaults/fog`;
      await fog(201, { method: 'PUT', target });
      const described = await fog(200, { method: 'GET', target });
      assert.equal(described.headers['content-type'], 'application/json');
      assert.equal(described.json()['VaultName'], 'fog');
      await fog(200, { method: 'GET', target: `/${server.accountId}/vaults` });
      await fog(204, { method: 'DELETE', target });
      await fog(404, { method: 'GET', target });
    });

    it('gets the escapes of its descriptions back, and no longer lists an aborted upload', async () => {
      await fog(201, { method: 'PUT', target: '/-/vaults/fog-aborted' });
      const uploads = '/-/vaults/fog-aborted/multipart-uploads';
      const description = 'caf%C3%A9%20%2F%20archive';
      const headers = { 'x-amz-part-size': '1048576', 'x-amz-archive-description': description };
      const initiated = await fog(201, { method: 'POST', target: uploads, headers });
      const listed = (await fog(200, { method: 'GET', target: uploads })).json();
      const [upload] = listed['UploadsList'] as [Record<string, unknown>];
      assert.equal(upload['ArchiveDescription'], description);
      const id = initiated.headers['x-amz-multipart-upload-id'];
      await fog(204, { method: 'DELETE', target: `${uploads}/${id}` });
      const left = (await fog(200, { method: 'GET', target: uploads })).json();
      assert.deepEqual(left, { Marker: null, UploadsList: [] });
    });

    it('uploads two parts of 1 MiB and completes them', async () => {
      await fog(201, { method: 'PUT', target: '/-/vaults/fog-parts' });
      const uploads = '/-/vaults/fog-parts/multipart-uploads';
      const size = { 'x-amz-part-size': '1048576' };
      const initiated = await fog(201, { method: 'POST', target: uploads, headers: size });
      const target = `${uploads}/${initiated.headers['x-amz-multipart-upload-id']}`;
      const whole = patternBytes(2 * MIB);
      for (const first of [0, MIB]) {
        const body = whole.subarray(first, first + MIB);
        const headers = { ...hashesOf(body), 'Content-Range': `bytes ${first}-${first + MIB - 1}/*` };
        await fog(204, { method: 'PUT', target, headers, body });
      }
      const headers = { 'x-amz-archive-size': String(2 * MIB), 'x-amz-sha256-tree-hash': treeHash(whole) };
      const done = await fog(201, { method: 'POST', target, headers });
      assert.ok(done.headers['x-amz-archive-id']);
    });
  });

  describe('mt-aws-glacier', () => {
    const mt = (status: number, wire: WireRequest) => expectStatus(status, sendAs(MT_AWS_GLACIER, wire));

    it("sends Amazon's host name and gets a request id", async () => {
      const created = await mt(201, { method: 'PUT', target: '/-/vaults/mt' });
      assert.ok(created.headers['x-amzn-requestid']);
      const described = await mt(200, { method: 'GET', target: '/-/vaults/mt' });
      assert.equal(described.json()['VaultARN'], `arn:aws:glacier:eu-west-1:${server.accountId}:vaults/mt`);
      const deleted = await mt(204, { method: 'DELETE', target: '/-/vaults/mt' });
      assert.ok(deleted.headers['x-amzn-requestid']);
    });

    it('uploads parts with signed type, length and range', async () => {
      await mt(201, { method: 'PUT', target: '/-/vaults/mt-parts' });
      const uploads = '/-/vaults/mt-parts/multipart-uploads';
      const description = 'mt2 eyJmaWxlbmFtZSI6ImRpci9maWxlIiwibXRpbWUiOiIyMDEyMDEwMVQwMDAwMDBaIn0';
      const start = { 'x-amz-part-size': String(4 * MIB), 'x-amz-archive-description': description };
      const initiated = await mt(201, { method: 'POST', target: uploads, headers: start });
      const target = `${uploads}/${initiated.headers['x-amz-multipart-upload-id']}`;
      const whole = patternBytes(SIZE);
      for (const [first, end] of [
        [4 * MIB, SIZE],
        [0, 4 * MIB],
      ] as const) {
        const body = whole.subarray(first, end);
        const headers = {
          ...hashesOf(body),
          'content-type': 'application/octet-stream',
          'content-range': `bytes ${first}-${end - 1}/*`,
        };
        await mt(204, { method: 'PUT', target, headers, body });
      }
      const listed = (await mt(200, { method: 'GET', target })).json();
      assert.equal(listed['ArchiveDescription'], description);
      const headers = { 'x-amz-archive-size': String(SIZE), 'x-amz-sha256-tree-hash': TREE_HASH };
      const done = await mt(201, { method: 'POST', target, headers });
      assert.match(done.headers['x-amz-archive-id'] ?? '', /^[A-Za-z0-9_-]{138}$/);
    });

    it('sends indented JSON with the type of a form', async () => {
      await mt(201, { method: 'PUT', target: '/-/vaults/mt-json' });
      const target = '/-/vaults/mt-json/tags';
      await mt(204, {
        method: 'POST',
        target: `${target}?operation=add`,
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body: '{\n   "Tags" : {\n      "journal" : "a=b+c"\n   },\n   "Unknown" : null\n}\n',
      });
      assert.deepEqual((await mt(200, { method: 'GET', target })).json(), { Tags: { journal: 'a=b+c' } });
    });
  });

  describe('the Go SDK, version 2', () => {
    const go = (status: number, wire: WireRequest) => expectStatus(status, sendAs(GO_V2, wire));

    for (const [what, hash] of [
      ['an empty tree hash', ''],
      ['the tree hash of the JSON', treeHash(Buffer.from('{"Tags":{"k":"v"}}'))],
    ] as const) {
      it(`sends ${what} with a JSON request`, async () => {
        await go(201, { method: 'PUT', target: '/-/vaults/go', headers: { 'X-Amz-Sha256-Tree-Hash': '' } });
        const body = '{"Tags":{"k":"v"}}';
        const headers = {
          'Content-Type': 'application/json',
          'X-Amz-Content-Sha256': sha256(body),
          'X-Amz-Sha256-Tree-Hash': hash,
        };
        await go(204, { method: 'POST', target: '/-/vaults/go/tags?operation=add', headers, body });
        const listed = await go(200, { method: 'GET', target: '/-/vaults/go/tags' });
        assert.equal(listed.text, '{"Tags":{"k":"v"}}');
      });
    }

    it('gets an uncompressed answer although it accepts compression', async () => {
      const listed = await go(200, { method: 'GET', target: '/-/vaults' });
      assert.equal(listed.headers['content-encoding'], undefined);
    });
  });

  for (const [name, habits] of [
    ['the PHP SDK', PHP],
    ['the Java SDK, version 1', JAVA_V1],
  ] as const) {
    describe(`${name}, which expects 100 Continue`, () => {
      const vault = `/-/vaults/expecting-${habits === PHP ? 'php' : 'java'}`;
      const body = patternBytes(2 * MIB);
      const headers = { ...hashesOf(body), 'Content-Type': 'application/octet-stream' };
      const upload = { method: 'POST', target: `${vault}/archives`, headers, body };
      const missing = { ...upload, target: '/-/vaults/none/archives' };
      before(() => expectStatus(201, sendAs(habits, { method: 'PUT', target: vault })));

      async function refusedUnsent(
        wire: WireRequest,
        status: number,
        message: string | RegExp,
        changed = {},
      ) {
        const { continued, answer } = await sendExpecting(habits, wire, changed);
        assert.equal(continued, false, 'the server asked for the body');
        assert.equal(answer.status, status, answer.text);
        const text = String(answer.json()['message']);
        if (typeof message === 'string') assert.equal(text, message);
        else assert.match(text, message);
      }

      it('is asked for its body, and stores it', async () => {
        const { continued, answer } = await sendExpecting(habits, upload);
        assert.equal(continued, true);
        assert.equal(answer.status, 201, answer.text);
        assert.equal(answer.headers['x-amz-sha256-tree-hash'], treeHash(body));
      });

      it('is not asked for its body when the vault is missing', () =>
        refusedUnsent(
          missing,
          404,
          `Vault not found for ARN: arn:aws:glacier:us-east-1:${server.accountId}:vaults/none`,
        ));

      it('is not asked for its body when the signature is wrong', () =>
        refusedUnsent(upload, 403, /^The request signature we calculated does not match/, {
          'x-amz-content-sha256': sha256('another body'),
        }));

      it('is not asked for its body when the archive is too large', () =>
        refusedUnsent(
          upload,
          400,
          /^Invalid Content-Length: 38505164800\. One request carries at most/,
          tooLong(habits),
        ));

      it('is not asked for its body when the tree hash is invalid', () =>
        refusedUnsent(
          { ...upload, headers: { ...headers, 'x-amz-sha256-tree-hash': '000' } },
          400,
          'Invalid x-amz-sha256-tree-hash: 000',
        ));

      it('is not asked for a part when the upload is unknown', () =>
        refusedUnsent(
          {
            ...upload,
            method: 'PUT',
            target: `${vault}/multipart-uploads/unknown`,
            headers: { ...headers, 'Content-Range': `bytes 0-${body.length - 1}/*` },
          },
          404,
          'The upload ID was not found: unknown',
        ));

      /** Headers with a length beyond the limit. Java's signature covers the length, so they are signed again. */
      function tooLong({ signs }: Habits): Headers {
        const length = { 'Content-Length': '38505164800' };
        if (!signs('content-length')) return length;
        return signedHeaders(server, habits, { ...upload, headers: { ...headers, ...length } });
      }
    });
  }

  describe('mistakes of early clients', () => {
    it('get an error that names a forgotten version header', async () => {
      const { 'x-amz-glacier-version': _, ...withoutVersion } = BOTO_2.headers(hostOf(server), new Date(), 0);
      const forgetful = { ...BOTO_2, headers: () => withoutVersion };
      const answer = await sendAs(forgetful, { method: 'GET', target: '/-/vaults' });
      assert.equal(answer.status, 400);
      assert.equal(
        answer.text,
        '{"code":"MissingParameterValueException","message":"Required parameter missing: API version","type":"Client"}',
      );
    });

    it("get an explanation after the service's text for the hash of no data at Complete", async () => {
      await expectStatus(201, sendAs(BOTO_2, { method: 'PUT', target: '/-/vaults/ruby' }));
      const uploads = '/-/vaults/ruby/multipart-uploads';
      const size = { 'x-amz-part-size': '1048576' };
      const initiated = await sendAs(BOTO_2, { method: 'POST', target: uploads, headers: size });
      const target = `${uploads}/${initiated.headers['x-amz-multipart-upload-id']}`;
      const body = 'Hello World!';
      const part = { ...hashesOf(body), 'Content-Range': 'bytes 0-11/*' };
      await expectStatus(204, sendAs(BOTO_2, { method: 'PUT', target, headers: part, body }));
      const complete = (hash: string) => {
        const headers = { 'x-amz-archive-size': '12', 'x-amz-sha256-tree-hash': hash };
        return sendAs(BOTO_2, { method: 'POST', target, headers });
      };
      const refused = await expectStatus(400, complete(sha256('')));
      const text = `Invalid x-amz-sha256-tree-hash: ${sha256('')} `;
      assert.ok(String(refused.json()['message']).startsWith(text), refused.text);
      assert.match(String(refused.json()['message']), /SHA-256 of no data/);
      await expectStatus(201, complete(treeHash(Buffer.from(body))));
    });
  });

  describe('the Terraform provider', () => {
    const terraform = (status: number, wire: WireRequest) => expectStatus(status, sendAs(GO_V2, wire));
    const vault = '/-/vaults/terraform';

    it('creates a vault with tags, reads both, and deletes both twice', async () => {
      await terraform(201, { method: 'PUT', target: vault });
      const body = '{"Tags":{"Environment":"test","Name":"terraform"}}';
      await terraform(204, { method: 'POST', target: `${vault}/tags?operation=add`, body });
      await terraform(200, { method: 'GET', target: vault });
      const tags = await terraform(200, { method: 'GET', target: `${vault}/tags` });
      assert.deepEqual(tags.json(), JSON.parse(body));
      const keys = '{"TagKeys":["Environment"]}';
      await terraform(204, { method: 'POST', target: `${vault}/tags?operation=remove`, body: keys });
      await terraform(204, { method: 'DELETE', target: vault });
      const gone = await terraform(404, { method: 'GET', target: vault });
      assert.equal(gone.json()['code'], 'ResourceNotFoundException');
      // The provider fails on any error of a delete, so a repeated delete must succeed.
      await terraform(204, { method: 'DELETE', target: vault });
    });
  });
});

const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const isoBasic = (date: Date) => date.toISOString().replace(/[-:]|\.\d{3}/g, '');
const hostOf = (server: TestServer) => new URL(server.url).host;

/** Both hash headers of an upload; each client sends the length in its own way. */
function hashesOf(body: Uint8Array | string): Headers {
  const { 'content-length': _, ...hashes } = hashHeaders(body);
  return hashes;
}

/** All headers of a request, signed as the client does. */
function signedHeaders(
  server: Credentials & { readonly url: string },
  habits: Habits,
  { method, target, headers = {}, body = '' }: WireRequest,
): Headers {
  const now = new Date();
  const all = { ...habits.headers(new URL(server.url).host, now, Buffer.byteLength(body)), ...headers };
  const signed = Object.entries(all)
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')] as const)
    .filter(([name]) => habits.signs(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const names = signed.map(([name]) => name).join(';');
  const payloadHash = signed.find(([name]) => name === 'x-amz-content-sha256')?.[1] ?? sha256(body);
  const [path, query = ''] = target.split('?');
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('');
  const canonical = [method, path, query, lines, names, payloadHash].join('\n');
  const [date, scope] = [isoBasic(now), `${isoBasic(now).slice(0, 8)}/${habits.region}/glacier/aws4_request`];
  const key = scope.split('/').reduce(hmac, `AWS4${server.secretAccessKey}` as string | Buffer) as Buffer;
  const signature = hmac(key, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString(
    'hex',
  );
  const pieces = [
    `AWS4-HMAC-SHA256 Credential=${server.accessKeyId}/${scope}`,
    `SignedHeaders=${names}`,
    `Signature=${signature}`,
  ];
  return { ...all, Authorization: pieces.join(habits.separator) };
}

interface Waited {
  /** Whether the server asked for the body. */
  readonly continued: boolean;
  readonly answer: Answer;
}

/** Sends the head alone, and the body only when the server asks for it. */
function sendWaiting(url: string, { method, target, headers = {}, body = '' }: WireRequest): Promise<Waited> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let continued = false;
    const outgoing = request({ hostname, port, method, path: target, headers, agent: false });
    outgoing.on('continue', () => {
      continued = true;
      outgoing.end(body);
    });
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      const answered = response.headers as Record<string, string>;
      const status = response.statusCode ?? 0;
      resolve({ continued, answer: { status, headers: answered, text, json: () => JSON.parse(text) } });
      // The client never sends the announced body unless the server asks for it.
      outgoing.destroy();
    });
    outgoing.flushHeaders();
  });
}
