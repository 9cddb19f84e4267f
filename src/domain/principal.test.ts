import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuses } from '../../test/support/refusal.ts';
import { resolveAccount } from './principal.ts';

const OWN = '111122223333';
const REACHES = ['own-only', 'may-be-other'] as const;

describe('the account of a path', () => {
  it("is the signer's own for a hyphen and for its account number", () => {
    for (const reach of REACHES) {
      assert.equal(resolveAccount('-', OWN, reach), OWN);
      assert.equal(resolveAccount(OWN, OWN, reach), OWN);
    }
  });

  it('may be another unless the operation is for the owner only', () => {
    assert.equal(resolveAccount('999999999999', OWN, 'may-be-other'), '999999999999');
    const text = 'Access denied for account ID: 999999999999';
    refuses(() => resolveAccount('999999999999', OWN, 'own-only'), 'denied', text);
  });

  it('is refused when it is not an account id', () => {
    const odd = [
      '',
      '--',
      '1111-2222-3333',
      '11112222333',
      '1111222233334',
      '_moraine',
      'me',
      '١١١١٢٢٢٢٣٣٣٣',
      ' -',
    ];
    for (const segment of odd) {
      for (const reach of REACHES) {
        const text = 'No account found for the given parameters';
        refuses(() => resolveAccount(segment, OWN, reach), 'unknown-account', text);
      }
    }
  });
});
