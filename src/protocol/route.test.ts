import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { incomingOf } from '../../test/support/incoming.ts';
import { refuses } from '../../test/support/refusal.ts';
import { OPERATIONS } from '../operations/table.ts';
import { toMessage } from './message.ts';
import { createRouter, type Route } from './route.ts';

const router = createRouter(OPERATIONS);
const route = (method: string, target: string): Route =>
  router(toMessage(incomingOf(method, target), 'REQUEST', () => {}));

describe('the router', () => {
  it('finds every operation of the table by its path, and the values in the path', () => {
    for (const place of OPERATIONS) {
      const path = place.path
        .replace('{accountId}', '111122223333')
        .replace('{vaultName}', 'photos')
        .replace(/\{\w+Id\}/, 'ID');
      const query = place.query ? `?${place.query.name}=${place.query.value}` : '?anything=else';
      const found = route(place.method, path + query);
      assert.equal(found.operation.name, place.name);
      assert.equal(found.account, '111122223333');
      assert.equal(found.vaultName, place.path.includes('{vaultName}') ? 'photos' : '');
      assert.equal(found.id, /\{(?!account)\w+Id\}/.test(place.path) ? 'ID' : '');
      assert.equal(found.idName, /\{((?!account)\w+Id)\}/.exec(place.path)?.[1]);
    }
  });

  it('decodes values in the path once', () => {
    const found = route('DELETE', '/%2d/vaults/a%2Fb/archives/x%2525%20y');
    assert.deepEqual([found.account, found.vaultName, found.id], ['-', 'a/b', 'x%25 y']);
  });

  it('accepts names of built-in object members as names', () => {
    assert.equal(route('GET', '/-/vaults/__proto__').vaultName, '__proto__');
    assert.equal(route('GET', '/constructor/vaults').account, 'constructor');
  });

  it('ignores doubled slashes, a final slash, and the origin of an absolute form', () => {
    for (const path of [
      '/-/vaults/',
      '//-/vaults',
      '/-//vaults//',
      'http://any.example:1/-/vaults',
      'HTTPS://u@x//-/vaults/?limit=1',
    ]) {
      assert.equal(route('GET', path).operation.name, 'ListVaults', path);
    }
    const { operation, vaultName, id } = route('DELETE', '//-/vaults//v/archives/x//');
    assert.deepEqual([operation.name, vaultName, id], ['DeleteArchive', 'v', 'x']);
  });

  it('refuses unknown methods and paths', () => {
    const odd = [
      ['POST', '/-/vaults/v'],
      ['get', '/-/vaults'],
      ['GET', '/-/VAULTS'],
      ['GET', '*'],
      ['GET', '/'],
      ['GET', '-/vaults'],
      ['GET', 'x-/vaults'],
      ['PUT', '/-/vaults/v/multipart-uploads/x/y'],
    ] as const;
    for (const [method, path] of odd) {
      refuses(
        () => route(method, path),
        'UnknownOperationException',
        `There is no operation ${method} ${path}`,
      );
    }
  });

  it('does not quote a query in its errors, because it may contain a signature', () => {
    const target = '/-/none?X-Amz-Signature=secret';
    refuses(() => route('GET', target), 'UnknownOperationException', 'There is no operation GET /-/none');
  });

  it('requires a tag request to say whether to add or to remove', () => {
    const tags = (query: string) => route('POST', `/-/vaults/v/tags${query}`);
    assert.equal(tags('?operation=add').operation.name, 'AddTagsToVault');
    assert.equal(tags('?x=y&operation=remove').operation.name, 'RemoveTagsFromVault');
    const message = (value: string) => `Invalid operation: ${value}. It must be add or remove.`;
    refuses(() => tags(''), 'invalid', message('null'));
    refuses(() => tags('?operation=ADD'), 'invalid', message('ADD'));
    refuses(() => tags('?operation='), 'invalid', message(''));
  });
});
