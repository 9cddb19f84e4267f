import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Script } from 'node:vm';
import { loadCompiled } from './compiled.ts';

interface Sample {
  readonly folder: string;
  twice(value: number): number;
  load(): string;
}

const SOURCE = `
  exports.folder = __dirname;
  exports.twice = (value) => 2 * value;
  exports.load = () => require('./other.cjs').name;
`;

describe('a bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'moraine-compiled-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'sample.cjs'), SOURCE);
  writeFileSync(join(folder, 'other.cjs'), `exports.name = 'other';`);

  it('runs without a cache, and loads what it needs later', () => {
    const { exports } = loadCompiled<Sample>(folder, 'sample');
    assert.equal(exports.twice(4), 8);
    assert.equal(exports.folder, folder);
    assert.equal(exports.load(), 'other');
  });

  it('runs with the cache of an earlier run', () => {
    const earlier = loadCompiled<Sample>(folder, 'sample');
    earlier.exports.twice(1);
    const cache = earlier.createCache();
    writeFileSync(join(folder, 'sample.cache'), cache);
    const { exports } = loadCompiled<Sample>(folder, 'sample');
    assert.equal(exports.twice(4), 8);
    assert.equal(exports.load(), 'other');
    // The cache belongs to the very text that is compiled.
    const text = `(function (exports, require, module, __filename, __dirname) {${SOURCE}\n})`;
    assert.equal(new Script(text, { cachedData: cache }).cachedDataRejected, false);
  });

  it('runs with a cache that V8 rejects', () => {
    writeFileSync(join(folder, 'sample.cache'), 'not a cache');
    assert.equal(loadCompiled<Sample>(folder, 'sample').exports.twice(4), 8);
  });
});
