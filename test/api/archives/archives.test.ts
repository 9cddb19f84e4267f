import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal, type CallOptions } from '../../support/api.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { type Answer, hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { sha256Hex } from '../../support/signer.ts';
import { storeFiles, untilBlobsAdded } from '../../support/store-files.ts';

const INVALID = 'InvalidParameterValueException';
const MISSING = 'MissingParameterValueException';
const BODY = 'Hello World!';
const HASH = '7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

const post = (headers: CallOptions['headers'], body: Uint8Array | string = BODY): Promise<Answer> =>
  api.call('POST', '/-/vaults/v/archives', { headers: { ...hashHeaders(body), ...headers }, body });

/** Asserts that `attempt` leaves neither a file nor a count behind. */
async function leavesNothing(attempt: () => Promise<void>): Promise<void> {
  const before = await storeFiles(server.data);
  const counts = (await api.call('GET', '/-/vaults/v')).text;
  await attempt();
  await untilBlobsAdded(server.data, before, 0);
  assert.equal((await api.call('GET', '/-/vaults/v')).text, counts);
}

describe('UploadArchive', () => {
  it('answers 201 with location, id and tree hash, and no body', async () => {
    const answer = await post({ 'x-amz-archive-description': 'a  description' });
    assertEmpty(answer, 201);
    const id = answer.headers['x-amz-archive-id'] ?? '';
    assert.match(id, /^[A-Za-z0-9_-]{138}$/);
    assert.equal(answer.headers['location'], `/${server.accountId}/vaults/v/archives/${id}`);
    assert.equal(answer.headers['x-amz-sha256-tree-hash'], HASH);
  });

  it('makes a new archive each time, even from the same bytes', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => api.upload('v', BODY)));
    assert.equal(new Set(ids).size, 10);
  });

  it('returns the tree hash of bodies with trees of every shape', async () => {
    for (const size of [1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3.5 * MIB]) {
      const body = patternBytes(size);
      const answer = await post({}, body);
      assertEmpty(answer, 201);
      assert.equal(answer.headers['x-amz-sha256-tree-hash'], hashHeaders(body)['x-amz-sha256-tree-hash']);
    }
  });

  it('accepts any or no Content-Type, hashes in either case, and descriptions up to 1,024 characters', async () => {
    for (const type of [
      undefined,
      'application/octet-stream',
      'binary/octet-stream',
      'application/json',
      'x',
    ]) {
      assertEmpty(await post({ 'content-type': type }), 201);
    }
    const upper = {
      'x-amz-content-sha256': HASH.toUpperCase(),
      'x-amz-sha256-tree-hash': HASH.toUpperCase(),
    };
    assertEmpty(await post(upper), 201);
    for (const text of ['', 'd'.repeat(1024), '  leading', '~!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}']) {
      assertEmpty(await post({ 'x-amz-archive-description': text }), 201);
    }
  });

  it('refuses an empty body', async () => {
    const why = /^Invalid Content-Length: 0\. The request has no body/;
    assertRefusal(await post({}, ''), 400, INVALID, why);
    // One SDK sends this: its hash of an empty stream is empty.
    assertRefusal(await post({ 'x-amz-sha256-tree-hash': '' }, ''), 400, INVALID, why);
  });

  it('refuses a body without a length', async () => {
    await leavesNothing(async () => {
      for (const headers of [{ 'content-length': undefined, 'transfer-encoding': 'chunked' }]) {
        const unsigned = { 'transfer-encoding': 'chunked' };
        const signed = { ...hashHeaders(BODY), 'content-length': undefined };
        const answer = await api.call('POST', '/-/vaults/v/archives', {
          headers: signed,
          body: BODY,
          unsigned,
        });
        assertRefusal(answer, 411, MISSING, 'Required parameter missing: Content-Length');
        assertRefusal(await post(headers), 411, MISSING, 'Required parameter missing: Content-Length');
      }
    });
  });

  it('refuses a request without its hashes', async () => {
    for (const name of ['x-amz-sha256-tree-hash', 'x-amz-content-sha256']) {
      const answer = await post({ [name]: undefined });
      assertRefusal(answer, 400, MISSING, `Required parameter missing: ${name}`);
    }
    const empty = await post({ 'x-amz-sha256-tree-hash': '' });
    assertRefusal(empty, 400, MISSING, 'Required parameter missing: x-amz-sha256-tree-hash');
  });

  it('refuses an invalid tree hash, and quotes it as sent', async () => {
    for (const odd of ['000', HASH.slice(1), `${HASH}0`, 'g'.repeat(64), HASH.replace('f', ' ')]) {
      const answer = await post({ 'x-amz-sha256-tree-hash': odd });
      assertRefusal(answer, 400, INVALID, `Invalid x-amz-sha256-tree-hash: ${odd}`);
    }
  });

  it('refuses a wrong tree hash, and keeps nothing', async () => {
    await leavesNothing(async () => {
      const wrong = 'ab'.repeat(32);
      const message = `Checksum mismatch: expected ${wrong}, computed ${HASH}`;
      assertRefusal(await post({ 'x-amz-sha256-tree-hash': wrong }), 400, INVALID, message);
      const zeros = `Checksum mismatch: expected ${'0'.repeat(64)}, computed ${HASH}`;
      assertRefusal(await post({ 'x-amz-sha256-tree-hash': '0'.repeat(32) }), 400, INVALID, zeros);
      const large = patternBytes(2 * MIB + 1);
      assertRefusal(
        await post({ 'x-amz-sha256-tree-hash': wrong }, large),
        400,
        INVALID,
        /^Checksum mismatch/,
      );
    });
  });

  it('checks the linear hash before the tree hash; a wrong one is refused, and nothing is kept', async () => {
    await leavesNothing(async () => {
      const claimed = sha256Hex('another body');
      const message = `The value passed in as x-amz-content-sha256 does not match the computed payload hash. Computed digest: ${HASH} expected hash: ${claimed}`;
      for (const tree of [HASH, 'ab'.repeat(32)]) {
        const answer = await post({ 'x-amz-content-sha256': claimed, 'x-amz-sha256-tree-hash': tree });
        assertRefusal(answer, 403, 'InvalidSignatureException', message);
      }
    });
  });

  it('refuses special payload hashes of other services', async () => {
    for (const literal of [
      'UNSIGNED-PAYLOAD',
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    ]) {
      const answer = await post({ 'x-amz-content-sha256': literal });
      assertRefusal(answer, 403, 'InvalidSignatureException', /^The value passed in as x-amz-content-sha256/);
    }
  });

  it('refuses descriptions that are too long or not printable', async () => {
    for (const text of ['d'.repeat(1025), 'tab\there', 'caf\xe9', '\x80']) {
      const answer = await post({ 'x-amz-archive-description': text });
      assertRefusal(answer, 400, INVALID, /^Invalid x-amz-archive-description: /);
    }
  });

  it('answers 404 for a missing vault', async () => {
    const answer = await api.call('POST', '/-/vaults/none/archives', {
      headers: hashHeaders(BODY),
      body: BODY,
    });
    assertRefusal(
      answer,
      404,
      'ResourceNotFoundException',
      `Vault not found for ARN: ${api.vaultArn('none')}`,
    );
  });
});

describe('DeleteArchive', () => {
  const remove = (vault: string, id: string): Promise<Answer> =>
    api.call('DELETE', `/-/vaults/${vault}/archives/${id}`);

  it('answers 204 each time, and removes the bytes', async () => {
    const before = await storeFiles(server.data);
    const id = await api.upload('v', 'to be deleted');
    await untilBlobsAdded(server.data, before, 1);
    assertEmpty(await remove('v', id), 204);
    for (let i = 0; i < 3; i++) assertEmpty(await remove('v', id), 204);
    await untilBlobsAdded(server.data, before, 0);
  });

  it('answers 404 for an unknown or invalid id', async () => {
    const id = await api.upload('v', BODY);
    const flipped = `${id.slice(0, 70)}${id[70] === 'A' ? 'B' : 'A'}${id.slice(71)}`;
    for (const odd of [flipped, 'x', '-', 'A'.repeat(138), `${id}A`, id.slice(1), 'a%20b', '__proto__']) {
      const message = `The archive ID was not found: ${decodeURIComponent(odd)}`;
      assertRefusal(await remove('v', odd), 404, 'ResourceNotFoundException', message);
    }
  });

  it('names the requested vault when the archive is in another vault', async () => {
    await api.createVault('w');
    const id = await api.upload('v', BODY);
    assertRefusal(await remove('w', id), 400, INVALID, `Invalid vault name: ${api.vaultArn('w')}`);
    await remove('v', id);
    assertRefusal(await remove('w', id), 400, INVALID, `Invalid vault name: ${api.vaultArn('w')}`);
  });

  it('does not find an archive in a vault of the same name in another region', async () => {
    const elsewhere = apiOf(server, 'eu-west-1');
    await elsewhere.createVault('v');
    const id = await elsewhere.upload('v', BODY);
    assertRefusal(await remove('v', id), 400, INVALID, `Invalid vault name: ${api.vaultArn('v')}`);
  });

  it('reports a missing vault before an invalid archive id', async () => {
    const id = await api.upload('v', BODY);
    const message = `Vault not found for ARN: ${api.vaultArn('none')}`;
    assertRefusal(await remove('none', id), 404, 'ResourceNotFoundException', message);
  });
});
