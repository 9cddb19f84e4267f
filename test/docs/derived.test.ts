import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { derivePages, pagePath } from '../../scripts/derive.ts';
import { API } from '../../src/operations/table.ts';

describe('the derived pages', () => {
  for (const [name, text] of derivePages()) {
    it(`match the code: ${name}`, () => {
      assert.equal(readFileSync(pagePath(name), 'utf8'), text, `stale: run "npm run derive"`);
    });
  }

  it('name all 33 operations of the API, each once', () => {
    assert.equal(API.length, 33);
    assert.equal(new Set(API.map(({ name }) => name)).size, 33);
    const rows = derivePages()
      .get('operations.md')
      ?.match(/^\| [A-Z]\w+ \|/gm);
    assert.equal(rows?.length, 33);
  });
});
