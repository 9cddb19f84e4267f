import assert from 'node:assert/strict';
import { it } from 'node:test';
import { groupOf } from './btrfs-quota.ts';

it('finds the quota of a subvolume by the id of its file system', () => {
  const uuid = '4c2e2b22-039f-4a50-a9da-accea9286479';
  const others = ['features', '0c2e2b22-039f-4a50-a9da-accea9286479'];
  assert.equal(groupOf('e5f487ecaab72f29', [...others, uuid]), `${uuid}/qgroups/0_256`);
  assert.equal(groupOf('e5f487ecaab72e2c', [uuid]), `${uuid}/qgroups/0_5`);
  assert.equal(groupOf('e5f487ecaab72f29', others), undefined);
});
