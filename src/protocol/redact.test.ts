import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutCredentials, withoutLockId } from './redact.ts';

describe('a target in the log', () => {
  it('does not contain signatures or session tokens, however their names are escaped', () => {
    for (const name of [
      'X-Amz-Signature',
      'x-amz-signature',
      'X%2DAmz%2dSignature',
      '%58-Amz-Security-Token',
    ])
      assert.equal(withoutCredentials(`/-/vaults?a=1&${name}=SECRET&b=2`), `/-/vaults?a=1&${name}=…&b=2`);
    assert.equal(withoutCredentials('/-/vaults?limit=10&marker=%E0'), '/-/vaults?limit=10&marker=%E0');
  });

  it('does not contain lock ids, however their segment is escaped', () => {
    for (const segment of ['lock-policy', 'lock%2dpolicy', '%6cock-policy', 'lock%252dpolicy'])
      assert.equal(withoutCredentials(`/-/vaults/v/${segment}/ID?x=1`), `/-/vaults/v/${segment}/…?x=1`);
    assert.equal(withoutCredentials('/-/vaults/v/lock-policy'), '/-/vaults/v/lock-policy');
  });

  it('keeps the rest of a text that contains a path', () => {
    assert.equal(
      withoutLockId("'POST\n/-/vaults/v/lock-policy/ID\n\nhost:a/b\n"),
      "'POST\n/-/vaults/v/lock-policy/…\n\nhost:a/b\n",
    );
  });
});
