/** Answers whose data is in their headers: the service sends `{}` with 201 and 202, and some clients parse it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { API } from '../../src/operations/table.ts';
import { type Api, apiOf, assertEmpty } from '../support/api.ts';
import { attempt, everyOperation } from '../support/every-operation.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { headText, Wire } from '../support/wire.ts';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
});
after(() => server.stop());

describe('an answer of 201, 202 or 204', () => {
  it('has the body {} with 201 and 202, and no body with 204, for every operation', async () => {
    const quiet = (await everyOperation(api, 'empty')).filter(({ status }) => status !== 200);
    for (const one of quiet) assertEmpty(await attempt(api, one), one.status);
    const expected = API.filter(({ success }) => success !== 200).map(({ name }) => name);
    assert.deepEqual(quiet.map(({ name }) => name).sort(), expected.sort());
  });

  it('ends after the two bytes of its body, where the next answer on the connection begins', async () => {
    const wire = await Wire.open(server.url);
    const create = headText('PUT', '/-/vaults/raw', api.headersOf('PUT', '/-/vaults/raw'));
    const describeIt = headText('GET', '/-/vaults/raw', api.headersOf('GET', '/-/vaults/raw'));
    wire.write(create);
    const created = await wire.answer();
    assert.deepEqual([created.status, created.text], [201, '{}']);
    wire.write(describeIt);
    const { text } = await wire.answer();
    assert.equal(JSON.parse(text).VaultName, 'raw');
    wire.destroy();
  });
});
