import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuses } from '../../test/support/refusal.ts';
import { isVaultName, requireVaultName, vaultArn, vaultNameOfArn, vaultNotFound } from './vault.ts';

const KEY = { account: '111122223333', region: 'us-east-1', name: 'photos' };

describe('vault names', () => {
  it('have 1 to 255 allowed characters', () => {
    for (const name of ['a', '-', '_', '...', '.a', 'A-z_0.9', 'v'.repeat(255), '__proto__']) {
      assert.equal(isVaultName(name), true, name);
      assert.equal(requireVaultName(name), name);
    }
  });

  it('are refused otherwise, and quoted in the error', () => {
    for (const name of [
      '',
      '.',
      '..',
      'v'.repeat(256),
      'a b',
      'a/b',
      'a:b',
      'ä',
      'a\n',
      'a\0',
      '%41',
      'a+b',
      '😀',
    ]) {
      assert.equal(isVaultName(name), false, name);
      refuses(() => requireVaultName(name), 'invalid', `Invalid vault name: ${name}`);
    }
  });
});

describe('vault ARNs', () => {
  it("have the region's partition", () => {
    const arn = (region: string) => vaultArn({ ...KEY, region });
    assert.equal(arn('us-east-1'), 'arn:aws:glacier:us-east-1:111122223333:vaults/photos');
    assert.equal(arn('cn-north-1'), 'arn:aws-cn:glacier:cn-north-1:111122223333:vaults/photos');
    assert.equal(arn('us-gov-west-1'), 'arn:aws-us-gov:glacier:us-gov-west-1:111122223333:vaults/photos');
    assert.equal(arn('home'), 'arn:aws:glacier:home:111122223333:vaults/photos');
  });

  it('yield the name only for the same owner and region', () => {
    assert.equal(vaultNameOfArn(vaultArn(KEY), KEY), 'photos');
    const others = [
      { ...KEY, region: 'eu-west-1' },
      { ...KEY, account: '999999999999' },
    ];
    for (const other of others) assert.equal(vaultNameOfArn(vaultArn(KEY), other), undefined);
    for (const odd of [
      '',
      'photos',
      `${vaultArn(KEY)}/x`,
      vaultArn({ ...KEY, name: '' }),
      ` ${vaultArn(KEY)}`,
    ]) {
      assert.equal(vaultNameOfArn(odd, KEY), undefined, odd);
    }
  });
});

describe('a missing vault', () => {
  it('is named by its ARN, or by its name alone if that is invalid', () => {
    const text = (name: string) => vaultNotFound({ ...KEY, name }).message;
    assert.equal(
      text('photos'),
      'Vault not found for ARN: arn:aws:glacier:us-east-1:111122223333:vaults/photos',
    );
    assert.equal(text('testz:z'), 'Vault not found for ARN: testz:z');
  });
});
