import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { Ids } from './ids.ts';

const NOW = Date.UTC(2012, 2, 20);
const VAULT = { account: '111122223333', region: 'us-east-1', name: 'photos' };
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const ids = new Ids(randomBytes(32), randomBytes);

describe('archive ids', () => {
  it('have 138 characters that are safe in a path', () => {
    for (let i = 0; i < 200; i++) assert.match(ids.archiveId(VAULT, NOW), /^[A-Za-z0-9_-]{138}$/);
  });

  it('are unique, even at the same instant', () => {
    const made = new Set(Array.from({ length: 500 }, () => ids.archiveId(VAULT, NOW)));
    assert.equal(made.size, 500);
  });

  it('are recognized by every process with the same key', () => {
    const key = randomBytes(32);
    const id = new Ids(key, randomBytes).archiveId(VAULT, NOW);
    assert.equal(new Ids(key, randomBytes).classifyArchiveId(id, VAULT), 'of-this-vault');
  });

  it('are recognized as those of another vault, account or region', () => {
    const id = ids.archiveId(VAULT, NOW);
    for (const other of [
      { name: 'photo' },
      { name: 'Photos' },
      { account: '111122223334' },
      { region: 'eu-west-1' },
    ]) {
      assert.equal(
        ids.classifyArchiveId(id, { ...VAULT, ...other }),
        'of-another-vault',
        JSON.stringify(other),
      );
    }
  });

  it('are not ours with any character changed', () => {
    const id = ids.archiveId(VAULT, NOW);
    for (let at = 0; at < id.length; at++) {
      for (const char of ALPHABET) {
        if (char === id[at]) continue;
        const changed = id.slice(0, at) + char + id.slice(at + 1);
        // Fails only on a mismatch, because an assertion for each of nearly nine thousand ids is slow.
        if (ids.classifyArchiveId(changed, VAULT) !== 'not-ours') assert.fail(`${char} at ${at}`);
      }
    }
  });

  it('are not ours under another key', () => {
    const forged = new Ids(randomBytes(32), randomBytes).archiveId(VAULT, NOW);
    assert.equal(ids.classifyArchiveId(forged, VAULT), 'not-ours');
  });

  it('are not ours when malformed', () => {
    const id = ids.archiveId(VAULT, NOW);
    const odd = [
      '',
      'x',
      '-',
      id.slice(1),
      `${id}A`,
      id.replace(/.$/, '='),
      id.replace(/^./, '+'),
      `é${id.slice(1)}`,
    ];
    odd.push('A'.repeat(138), '-'.repeat(138), '\0'.repeat(138), '__proto__', 'é'.repeat(138));
    for (const text of odd)
      assert.equal(ids.classifyArchiveId(text, VAULT), 'not-ours', JSON.stringify(text));
  });
});

describe('other ids', () => {
  it('of uploads have 92 characters that are safe in a path', () => {
    const made = Array.from({ length: 200 }, () => ids.uploadId(NOW));
    for (const id of made) assert.match(id, /^[A-Za-z0-9_-]{92}$/);
    assert.equal(new Set(made).size, made.length);
  });

  it('of requests have 47 characters that are safe in a path', () => {
    for (let i = 0; i < 200; i++) assert.match(ids.requestId(), /^[A-Za-z0-9_-]{47}$/);
  });

  it('of uploads sort by time, which suits the catalog’s index', () => {
    const earlier = Buffer.from(ids.uploadId(NOW), 'base64url');
    const later = Buffer.from(ids.uploadId(NOW + 1), 'base64url');
    assert.ok(earlier.compare(later) < 0);
  });
});
