import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AccessKey } from '../../../src/domain/access-key-catalog.ts';
import { type Customer, type NewCustomer, unique } from './customer.ts';

export function keysAndSettings(customer: NewCustomer): void {
  const keyOf = (account: string, changes: Partial<AccessKey> = {}): AccessKey => ({
    id: `AKIA${unique()}`,
    account,
    sealedSecret: 'sealed',
    status: 'active',
    origin: 'environment',
    userNo: null,
    ...changes,
  });
  const isKnown = async ({ catalog }: Customer, key: AccessKey) => {
    const found = await catalog.findAccessKey(key.id);
    assert.ok(found, `there is no key ${key.id}`);
    assert.deepEqual({ ...key, ...found }, key);
  };

  it('are returned as last put', async () => {
    const c = customer();
    const key = keyOf(c.account);
    assert.equal(await c.catalog.findAccessKey(key.id), undefined);
    for (const status of ['active', 'disabled'] as const) {
      await c.catalog.putAccessKey({ ...key, status, sealedSecret: status, nowMs: 1 });
      await isKnown(c, { ...key, status, sealedSecret: status });
    }
  });

  it('are dropped by account and origin, except one', async () => {
    const c = customer();
    const dropped = keyOf(c.account);
    const kept = [keyOf(c.account), keyOf(c.account, { origin: 'first-start' }), keyOf(customer().account)];
    for (const key of [dropped, ...kept]) await c.catalog.putAccessKey({ ...key, nowMs: 1 });
    const keepId = kept[0]?.id ?? '';
    await c.catalog.dropAccessKeys({ account: c.account, origin: 'environment', keepId });
    assert.equal(await c.catalog.findAccessKey(dropped.id), undefined);
    for (const key of kept) await isKnown(c, key);
  });

  it('keep the first value when a setting is initialized again', async () => {
    const { catalog } = customer();
    const name = `setting-${unique()}`;
    assert.equal(await catalog.findSetting(name), undefined);
    const given = await Promise.all(['a', 'b', 'c'].map((value) => catalog.initSetting({ name, value })));
    assert.equal(new Set(given).size, 1);
    assert.equal(await catalog.findSetting(name), given[0]);
  });

  it('are listed by prefix', async () => {
    const { catalog } = customer();
    const prefix = `listed-${unique()}-`;
    for (const name of [`${prefix}2`, `${prefix}10`, `${prefix.slice(0, -1)}`, `${prefix}1`])
      await catalog.setSetting({ name, value: `of ${name}` });
    const found = (await catalog.listSettings(prefix)).map(({ name, value }) => [name, value]);
    const expected = ['1', '10', '2'].map((end) => [`${prefix}${end}`, `of ${prefix}${end}`]);
    assert.deepEqual(found, expected);
  });

  it('change when set', async () => {
    const { catalog } = customer();
    const name = `setting-${unique()}`;
    for (const value of ['a', 'b']) {
      await catalog.setSetting({ name, value });
      assert.equal(await catalog.findSetting(name), value);
    }
    assert.equal(await catalog.initSetting({ name, value: 'c' }), 'b');
  });
}
