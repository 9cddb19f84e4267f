import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { API } from '../operations/table.ts';
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

describe("the client's operations", () => {
  it("are those of the server's table", () => {
    assert.deepEqual([...byName.keys()].sort(), API.map(({ name }) => name).sort());
  });

  for (const { name, method, path, query = {}, body, fields } of API) {
    it(`include ${name} with the same place and inputs`, () => {
      const own = byName.get(name);
      assert.ok(own);
      assert.deepEqual([own.method, own.path, own.query ?? {}], [method, path, query]);
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
      const headers = new Set([...named('header'), ...(BESIDE[name] ?? [])]);
      assert.deepEqual(Object.values(own.headers ?? {}).sort(), [...headers].sort());
    });
  }
});
