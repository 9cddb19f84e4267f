import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { API, OPERATIONS } from '../operations/table.ts';
import { WIRE, type WireOperation } from './wire-table.ts';

/** Headers of the two uploads that the server reads beside its fields. */
const UPLOAD_HEADERS = ['x-amz-content-sha256', 'x-amz-sha256-tree-hash'];
const PART_HEADERS = ['content-range', ...UPLOAD_HEADERS];
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  UploadArchive: UPLOAD_HEADERS,
  UploadMultipartPart: PART_HEADERS,
};

const byName = new Map<string, WireOperation>(
  Object.entries(WIRE).map(([name, operation]) => [name.charAt(0).toUpperCase() + name.slice(1), operation]),
);

const glacierNames = new Set<string>(API.map(({ name }) => name));

/** The client's name of an operation. An extension of a glacier operation, with its prefix, is another operation. */
function ownNameOf(name: string): string {
  const own = name.replace('moraine:', '');
  return glacierNames.has(own) ? name : own;
}

describe("the client's operations", () => {
  it('include all 33 of the API, and nothing that the server does not have', () => {
    assert.equal(API.length, 33);
    assert.deepEqual(
      API.filter(({ name }) => !byName.has(name)),
      [],
    );
    const offered = new Set(OPERATIONS.map(({ name }) => ownNameOf(name)));
    assert.deepEqual(
      [...byName.keys()].filter((name) => !offered.has(name)),
      [],
    );
  });

  for (const { name, method, path, query, body, fields } of OPERATIONS.filter((one) =>
    byName.has(ownNameOf(one.name)),
  )) {
    it(`include ${name} with the same place and inputs`, () => {
      const own = byName.get(ownNameOf(name));
      assert.ok(own);
      assert.deepEqual(
        [own.method, own.path, own.query],
        [method, path, query && { [query.name]: query.value }],
      );
      assert.equal(own.takesBytes === true, body === 'upload');
      assert.equal(own.members !== undefined, body === 'json');
      const named = (location: string) =>
        Object.values(fields)
          .filter((field) => field.location === location)
          .map((field) => field.name);
      // The wrapper of the API guide, which no client sends.
      assert.deepEqual(
        [...(own.members ?? [])].sort(),
        named('member')
          .filter((one) => one !== 'jobParameters')
          .sort(),
      );
      assert.deepEqual([...(own.params ?? [])].sort(), named('query').sort());
      const known = Object.values(own.headers ?? {});
      // The server may read more than the client sends, if it is of Moraine's own.
      const read = named('header').filter((one) => !one.startsWith('x-moraine-') || known.includes(one));
      const headers = new Set([...read, ...(BESIDE[name] ?? [])]);
      assert.deepEqual(known.sort(), [...headers].sort());
    });
  }
});
