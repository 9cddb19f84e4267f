import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { SecretBox } from './secret-box.ts';

describe('SecretBox', () => {
  const key = randomBytes(32);
  const box = new SecretBox(key);
  const sealed = box.seal('AKIA', 'geheim/schlüssel+=', randomBytes);

  it('opens what it sealed, even in another process with the same key', () => {
    assert.equal(box.open('AKIA', sealed), 'geheim/schlüssel+=');
    assert.equal(new SecretBox(key).open('AKIA', sealed), 'geheim/schlüssel+=');
  });

  it('seals an empty text', () => {
    assert.equal(box.open('a', box.seal('a', '', randomBytes)), '');
  });

  it('does not reveal the secret or that two secrets are equal', () => {
    assert.doesNotMatch(Buffer.from(sealed, 'base64url').toString('latin1'), /geheim/);
    assert.notEqual(box.seal('AKIA', 'geheim/schlüssel+=', randomBytes), sealed);
  });

  it('does not open under another name or another key', () => {
    assert.throws(() => box.open('AKIB', sealed));
    assert.throws(() => box.open('', sealed));
    assert.throws(() => new SecretBox(randomBytes(32)).open('AKIA', sealed));
  });

  it('opens from no other text', () => {
    for (const other of [
      `${sealed}=`,
      ` ${sealed}`,
      `${sealed}\n`,
      `${sealed.slice(0, 9)}!${sealed.slice(9)}`,
    ])
      assert.throws(() => box.open('AKIA', other), JSON.stringify(other));
  });

  it('does not open after any byte was changed or when some are missing', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => box.open('AKIA', changed.toString('base64url')), `byte ${at}`);
      assert.throws(() => box.open('AKIA', bytes.subarray(0, at).toString('base64url')), `${at} bytes`);
    }
  });
});
