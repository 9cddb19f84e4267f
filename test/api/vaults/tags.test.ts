import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import type { Answer } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { sha256Hex } from '../../support/signer.ts';

const INVALID = 'InvalidParameterValueException';
const QUOTA = 'The quota for the number of tags that can be assigned to this resource has been reached.';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
});
after(() => server.stop());

const post = (vault: string, operation: string, body: unknown): Promise<Answer> =>
  api.call('POST', `/-/vaults/${vault}/tags?operation=${operation}`, {
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const add = (vault: string, tags: unknown): Promise<Answer> => post(vault, 'add', { Tags: tags });
const remove = (vault: string, keys: unknown): Promise<Answer> => post(vault, 'remove', { TagKeys: keys });
const tagsOf = async (vault: string): Promise<unknown> =>
  assertJson(await api.call('GET', `/-/vaults/${vault}/tags`))['Tags'];

/** `count` tags with keys from `from` on. */
function tags(count: number, from: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${from + i}`, `v${from + i}`]));
}

describe('tags of a vault', () => {
  it('are empty at first', async () => {
    await api.createVault('fresh');
    assert.equal((await api.call('GET', '/-/vaults/fresh/tags')).text, '{"Tags":{}}');
  });

  it('are added, overwritten and removed; keys are case-sensitive', async () => {
    await api.createVault('v');
    assertEmpty(await add('v', { a: '1', A: '2', empty: '' }), 204);
    assertEmpty(await add('v', { a: '3' }), 204);
    assert.deepEqual(await tagsOf('v'), { A: '2', a: '3', empty: '' });
    assertEmpty(await remove('v', ['a', 'not-there']), 204);
    assertEmpty(await remove('v', ['a']), 204);
    assert.deepEqual(await tagsOf('v'), { A: '2', empty: '' });
  });

  it('may contain letters of every script and the allowed marks', async () => {
    await api.createVault('scripts');
    const given = { 'Ä ö_.:/=+-@9': 'ключ: 値', é: 'x'.repeat(256), ['𐌰'.repeat(128)]: '' };
    assertEmpty(await add('scripts', given), 204);
    assert.deepEqual(await tagsOf('scripts'), given);
  });

  it('may have the names of built-in object members', async () => {
    await api.createVault('names');
    assertEmpty(
      await post('names', 'add', '{"Tags":{"__proto__":"a","constructor":"b","toString":"c"}}'),
      204,
    );
    const answer = await api.call('GET', '/-/vaults/names/tags');
    assert.equal(answer.text, '{"Tags":{"__proto__":"a","constructor":"b","toString":"c"}}');
    assertEmpty(await remove('names', ['__proto__', 'constructor']), 204);
    assert.equal((await api.call('GET', '/-/vaults/names/tags')).text, '{"Tags":{"toString":"c"}}');
  });

  it('are limited to fifty; a request beyond the limit changes nothing', async () => {
    await api.createVault('fifty');
    for (let from = 0; from < 50; from += 10) assertEmpty(await add('fifty', tags(10, from)), 204);
    assertRefusal(await add('fifty', { k0: 'changed', more: '' }), 400, 'LimitExceededException', QUOTA);
    assert.deepEqual(await tagsOf('fifty'), tags(50, 0));
    assertEmpty(await add('fifty', { k0: 'changed' }), 204);
    assertEmpty(await remove('fifty', ['k1']), 204);
    assertEmpty(await add('fifty', { more: '' }), 204);
  });

  it('are all kept when added concurrently', async () => {
    await api.createVault('parallel');
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => add('parallel', tags(1, i))));
    for (const answer of answers) assertEmpty(answer, 204);
    assert.deepEqual(await tagsOf('parallel'), tags(20, 0));
  });
});

describe('refused tag requests', () => {
  before(() => api.createVault('refused'));
  after(async () => assert.deepEqual(await tagsOf('refused'), {}));

  it('without a required member get its name', async () => {
    for (const body of ['', '{}', '{"Tags":null}', '{"tags":{"a":"b"}}', '{"TagKeys":["a"]}']) {
      const answer = await post('refused', 'add', body);
      assertRefusal(answer, 400, 'MissingParameterValueException', 'Required parameter missing: Tags');
    }
    for (const body of ['', '{}', '{"TagKeys":null}', '{"TagsKeys":["a"]}']) {
      const answer = await post('refused', 'remove', body);
      assertRefusal(answer, 400, 'MissingParameterValueException', 'Required parameter missing: TagKeys');
    }
  });

  it('include those with no tags or more than ten', async () => {
    for (const odd of [{}, tags(11, 0)])
      assertRefusal(await add('refused', odd), 400, INVALID, /^Invalid Tags: /);
    for (const odd of [[], Object.keys(tags(11, 0))]) {
      assertRefusal(await remove('refused', odd), 400, INVALID, /^Invalid TagKeys: /);
    }
  });

  it('include those with invalid keys or values', async () => {
    const keys = ['', 'k'.repeat(129), 'aws:x', 'a,b', 'a\nb', 'a\0b', '😀', '\ud800'];
    for (const key of keys) {
      assertRefusal(await add('refused', { [key]: 'v' }), 400, INVALID, /^Invalid tag key: /);
      assertRefusal(await remove('refused', ['ok', key]), 400, INVALID, /^Invalid tag key: /);
    }
    for (const value of ['v'.repeat(257), 'a,b', 'a\0b', 1, null, true, {}, ['v']]) {
      assertRefusal(
        await add('refused', { good: 'v', k: value }),
        400,
        INVALID,
        /^Invalid tag value for k: /,
      );
    }
  });

  it('include those with numbers for strings, however large', async () => {
    for (const number of ['1', '9007199254740993', '99999999999999999999', '1e400', '-0']) {
      const value = await post('refused', 'add', `{"Tags":{"k":${number}}}`);
      assertRefusal(value, 400, INVALID, /^Invalid tag value for k: /);
      assertRefusal(await post('refused', 'add', `{"Tags":${number}}`), 400, INVALID, /^Invalid Tags: /);
      assertRefusal(
        await post('refused', 'remove', `{"TagKeys":[${number}]}`),
        400,
        INVALID,
        /^Invalid tag key: /,
      );
    }
  });

  it('include those with tags of another JSON type', async () => {
    for (const odd of ['a', 1, true, ['a']])
      assertRefusal(await add('refused', odd), 400, INVALID, /^Invalid Tags: /);
    for (const odd of ['a', 1, true, { a: 'b' }]) {
      assertRefusal(await remove('refused', odd), 400, INVALID, /^Invalid TagKeys: /);
    }
  });

  it('include those without a valid operation=add or operation=remove', async () => {
    for (const query of [
      '',
      '?',
      '?operation',
      '?operation=',
      '?operation=Add',
      '?operation=list',
      '?Operation=add',
    ]) {
      const answer = await api.call('POST', `/-/vaults/refused/tags${query}`, { body: '{"Tags":{"a":"b"}}' });
      assertRefusal(answer, 400, INVALID, /^Invalid operation: /);
    }
  });

  it('include those for a missing vault', async () => {
    const message = `Vault not found for ARN: ${api.vaultArn('none')}`;
    for (const answer of [
      await add('none', { a: 'b' }),
      await remove('none', ['a']),
      await api.call('GET', '/-/vaults/none/tags'),
    ]) {
      assertRefusal(answer, 404, 'ResourceNotFoundException', message);
    }
  });
});

describe('JSON bodies', () => {
  before(() => api.createVault('json'));
  const send = (body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Answer> =>
    api.call('POST', '/-/vaults/json/tags?operation=add', { body, headers });

  it('are read whatever their Content-Type', async () => {
    const labels = [
      'application/json',
      'application/x-www-form-urlencoded; charset=utf-8',
      'text/plain',
      'application/octet-stream',
      'nonsense',
    ];
    for (const label of labels) {
      assertEmpty(await send('{"Tags":{"a":"b"}}', { 'content-type': label }), 204);
    }
    const hashes = {
      'x-amz-content-sha256': sha256Hex('{"Tags":{"a":"b"}}'),
      'x-amz-sha256-tree-hash': 'nonsense',
    };
    assertEmpty(await send('{"Tags":{"a":"b"}}', hashes), 204);
  });

  it('may have whitespace, a final line feed, a byte order mark, unknown and null members', async () => {
    const bodies = [
      '{"Tags": {"a": "b"}}',
      '{\r\n\t"Tags" : {"a":"b"} }\n',
      '\ufeff{"Tags":{"a":"b"}}',
      '{"Tags":{"a":"b"},"Unknown":[1,{"x":null}],"TagKeys":null}',
      '{"__proto__":{"Tags":1},"Tags":{"a":"b"},"constructor":0}',
    ];
    for (const body of bodies) assertEmpty(await send(body), 204);
  });

  it('are refused when invalid', async () => {
    const bodies = [
      'x',
      '{',
      '[]',
      'null',
      '1',
      '"Tags"',
      "{'Tags':{}}",
      '{"Tags":{"a":"b"},}',
      '\0',
      '{}{}',
      ' ',
    ];
    for (const body of bodies) {
      assertRefusal(
        await send(body),
        400,
        'SerializationException',
        /^The request body is not a JSON object/,
      );
    }
    const notText = Buffer.from('{"Tags":{"a":"\xff"}}', 'latin1');
    assertRefusal(await send(notText), 400, 'SerializationException', /it is not UTF-8/);
  });

  it('may be nested at most 32 deep', async () => {
    const nested = (depth: number) =>
      `{"Tags":{"a":"b"},"Deep":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    assertEmpty(await send(nested(32)), 204);
    assertRefusal(await send(nested(33)), 400, 'SerializationException', /nested deeper than 32/);
    assertRefusal(await send('['.repeat(500_000)), 400, 'SerializationException', /nested deeper than 32/);
    assertEmpty(await send(`{"Tags":{"a":"b"},"Text":"${'['.repeat(100)}\\"${'{'.repeat(100)}"}`), 204);
  });

  it('may have at most 1 MiB', async () => {
    const long = (length: number) => `{"Tags":{"a":"b"}}`.padEnd(length, ' ');
    assertEmpty(await send(long(1_048_576)), 204);
    for (const headers of [{}, { 'x-amz-content-sha256': sha256Hex(long(1_048_577)) }]) {
      assertRefusal(await send(long(1_048_577), headers), 400, 'BadRequest', /longer than 1048576 bytes/);
    }
  });
});
