import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hashHeaders, send } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';

describe('vaults on the wire', () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());
  const call = (method: string, target: string, headers?: Record<string, string>, body?: string) =>
    send(server.url, server, {
      method,
      target,
      ...(headers ? { headers } : {}),
      ...(body === undefined ? {} : { body }),
    });

  it('creates a vault, again with the same answer', async () => {
    for (let i = 0; i < 2; i++) {
      const answer = await call('PUT', '/-/vaults/v1');
      assert.equal(answer.status, 201);
      assert.equal(answer.headers['location'], `/${server.accountId}/vaults/v1`);
      assert.equal(answer.headers['content-type'], undefined);
      assert.equal(answer.headers['x-amzn-errortype'], undefined);
      assert.match(answer.headers['x-amzn-requestid'] ?? '', /^[A-Za-z0-9_-]{47,48}$/);
      assert.equal(answer.text, '');
    }
  });

  it('describes it with six fields in order, and counts what is written', async () => {
    await call('PUT', '/-/vaults/v2');
    const body = 'Hello World!';
    const upload = await call('POST', '/-/vaults/v2/archives', hashHeaders(body), body);
    assert.equal(upload.status, 201);
    const answer = await call('GET', `/${server.accountId}/vaults/v2`);
    assert.deepEqual(Object.keys(answer.json()), [
      'CreationDate',
      'LastInventoryDate',
      'NumberOfArchives',
      'SizeInBytes',
      'VaultARN',
      'VaultName',
    ]);
    assert.equal(answer.json()['NumberOfArchives'], 1);
    assert.equal(answer.json()['SizeInBytes'], 12 + 32_768);
    assert.equal(answer.headers['content-type'], 'application/json');
  });

  it('says which vault is not there', async () => {
    const answer = await call('GET', '/-/vaults/none');
    assert.equal(answer.status, 404);
    assert.equal(
      answer.text,
      `{"code":"ResourceNotFoundException","message":"Vault not found for ARN: arn:aws:glacier:us-east-1:${server.accountId}:vaults/none","type":"Client"}`,
    );
  });
});
