import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal } from '../../support/api.ts';
import {
  fold,
  foldDoublingOdd,
  foldHexText,
  foldRehashingOdd,
  HASH_OF_NOTHING,
  leavesOf,
} from '../../support/hash-mistakes.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { type Answer, hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const INVALID = 'InvalidParameterValueException';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** Asserts the API's own text, followed by a space and a sentence with these words, or by nothing. */
function assertHint(answer: Answer, text: string, words: RegExp | undefined): void {
  const { message } = answer.json() as { message: string };
  assertRefusal(answer, 400, INVALID, message);
  assert.equal(message.slice(0, text.length), text);
  const hint = message.slice(text.length);
  if (words === undefined) assert.equal(hint, '');
  else assert.match(hint, new RegExp(`^ [A-Z][^\\n]*${words.source}[^\\n]*\\.$`));
}

describe('a wrong tree hash of one body', () => {
  const body = patternBytes(2.5 * MIB);
  const leaves = leavesOf(body);
  const linear = createHash('sha256').update(body).digest('hex');
  const cases: Record<string, readonly [string, RegExp | undefined]> = {
    'that is the hash of no data': [HASH_OF_NOTHING, /SHA-256 of no data/],
    'that is the plain SHA-256': [linear, /plain SHA-256/],
    'that joins hex digits': [foldHexText(leaves), /hexadecimal text/],
    'that hashes an odd leaf again': [foldRehashingOdd(leaves), /odd leaf again/],
    'that pairs an odd leaf with itself': [foldDoublingOdd(leaves), /odd leaf with itself/],
    'that is any other': [randomBytes(32).toString('hex'), undefined],
    'that has half the digits': ['0'.repeat(32), undefined],
  };

  for (const [name, [sent, words]] of Object.entries(cases)) {
    it(`${name} gets an error ${words ? 'that names the mistake' : 'without an explanation'}, for an archive and a part`, async () => {
      const headers = { ...hashHeaders(body), 'x-amz-sha256-tree-hash': sent };
      const text = `Checksum mismatch: expected ${sent.padStart(64, '0')}, computed ${fold(leaves)}`;
      assertHint(await api.call('POST', '/-/vaults/v/archives', { headers, body }), text, words);
      const id = await api.initiate('v', 4 * MIB);
      const range = { 'content-range': `bytes 0-${body.length - 1}/*` };
      const target = `/-/vaults/v/multipart-uploads/${id}`;
      assertHint(await api.call('PUT', target, { headers: { ...headers, ...range }, body }), text, words);
    });
  }
});

describe('a wrong tree hash at Complete', () => {
  const partSize = 2 * MIB;
  const numbers = Array.from({ length: 11 }, (_, i) => i);
  const bodies = numbers.map((i) => patternBytes(i === 10 ? 9 : partSize, i * partSize));
  const roots = bodies.map((body) => Buffer.from(fold(leavesOf(body)), 'hex'));
  const linear = bodies.map((body) => createHash('sha256').update(body).digest());
  const size = 10 * partSize + 9;
  /** An upload order that matches no other order that the server tries. */
  const uploadOrder = [4, 9, 1, 10, 0, 7, 3, 8, 2, 6, 5];
  let id: string;

  before(async () => {
    id = await api.initiate('v', partSize);
    for (const i of uploadOrder) {
      assertEmpty(await api.putPart('v', id, i * partSize, bodies[i] ?? Buffer.alloc(0)), 204);
    }
  });

  const foldBy = (order: readonly number[]) => fold(order.map((i) => roots[i] as Buffer));
  const asText = (text: (i: number) => string) => [...numbers].sort((a, b) => (text(a) < text(b) ? -1 : 1));
  const cases: Record<string, readonly [string, RegExp | undefined]> = {
    'that is the hash of no data': [HASH_OF_NOTHING, /SHA-256 of no data/],
    'that joins hex digits': [foldHexText(roots), /hexadecimal text/],
    'that hashes an odd part again': [foldRehashingOdd(roots), /odd part again/],
    'that pairs an odd part with itself': [foldDoublingOdd(roots), /odd part with itself/],
    'that folds the parts in reverse': [foldBy([...numbers].reverse()), /reverse order/],
    'that folds the parts sorted as text': [foldBy(asText((i) => String(i + 1))), /sorted as text/],
    'that folds the parts sorted by range as text': [
      foldBy(asText((i) => `${i * partSize}-`)),
      /sorted as text/,
    ],
    'that folds the parts in order of upload': [foldBy(uploadOrder), /order in which they were uploaded/],
    "that folds the parts' plain hashes": [fold(linear), /plain SHA-256 hashes/],
    'that is the plain SHA-256 of the whole': [
      createHash('sha256').update(Buffer.concat(bodies)).digest('hex'),
      /The plain SHA-256 of the whole archive is another value/,
    ],
    'that is any other': [
      randomBytes(32).toString('hex'),
      /he tree hash of the uploaded parts is [0-9a-f]{64}\. /,
    ],
    'that is malformed': ['000', undefined],
    'that has half the digits': ['0'.repeat(32), /he tree hash of the uploaded parts is /],
  };

  it("of a single part gets UploadArchive's explanation if it is the plain SHA-256", async () => {
    const body = patternBytes(MIB + 1);
    const single = await api.initiate('v', partSize);
    assertEmpty(await api.putPart('v', single, 0, body), 204);
    const sent = createHash('sha256').update(body).digest('hex');
    const refused = await api.complete('v', single, body.length, sent);
    assertHint(
      refused,
      `Invalid x-amz-sha256-tree-hash: ${sent}`,
      /plain SHA-256 of the whole archive: a tree hash is/,
    );
    const right = fold(leavesOf(body));
    assertEmpty(await api.complete('v', single, body.length, right), 201);
    const repeated = await api.complete('v', single, body.length, sent);
    assertHint(
      repeated,
      `Invalid x-amz-sha256-tree-hash: ${sent}`,
      /he upload was completed with the tree hash /,
    );
  });

  for (const [name, [sent, words]] of Object.entries(cases)) {
    it(`${name} gets an error ${words ? 'with' : 'without'} an explanation`, async () => {
      const answer = await api.complete('v', id, size, sent);
      assertHint(answer, `Invalid x-amz-sha256-tree-hash: ${sent}`, words);
    });
  }

  it('is explained in upper case too, and the right hash still completes the upload', async () => {
    const sent = HASH_OF_NOTHING.toUpperCase();
    assertHint(await api.complete('v', id, size, sent), `Invalid x-amz-sha256-tree-hash: ${sent}`, /no data/);
    assertEmpty(await api.complete('v', id, size, fold(roots)), 201);
  });
});
