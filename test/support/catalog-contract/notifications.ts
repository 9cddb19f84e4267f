import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Notification } from '../../../src/domain/notification.ts';
import type { Paging } from '../../../src/domain/page.ts';
import { allPages, type Customer, type NewCustomer, refused } from './customer.ts';
import { archiveJob, DUE_MS, startJob, storedArchive, TOPIC } from './job-fixtures.ts';

const VAULT_TOPIC = `${TOPIC}-of-the-vault`;
const LEASE_MS = 100;
const listed = (c: Customer) =>
  allPages(
    (page: Paging<number>) => c.catalog.listNotifications(page),
    ({ no }) => no,
    2,
  );
const claim = (c: Customer, nowMs: number, limit = 100) =>
  c.catalog.leaseNotifications({ nowMs, leaseMs: LEASE_MS, limit });

/** Makes this many due messages, each for a different job. */
async function owe(c: Customer, count: number): Promise<readonly Notification[]> {
  const archive = await storedArchive(c, await c.makeVault());
  for (let i = 0; i < count; i++) await startJob(c, archiveJob(archive, { topic: TOPIC }));
  await c.catalog.finishArchiveJobs({ nowMs: DUE_MS, limit: 1000 });
  return listed(c);
}

export function notificationConfigs(customer: NewCustomer): void {
  it('are set, replaced and deleted', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    assert.equal(await c.catalog.findNotificationConfig(vaultNo), undefined);
    for (const events of [
      ['ArchiveRetrievalCompleted'],
      ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'],
    ] as const) {
      const config = { topic: `${TOPIC}${events.length}`, events };
      await c.catalog.setNotificationConfig({ vaultNo, config });
      assert.deepEqual(await c.catalog.findNotificationConfig(vaultNo), config);
    }
    for (let i = 0; i < 2; i++) await c.catalog.deleteNotificationConfig({ vaultNo });
    assert.equal(await c.catalog.findNotificationConfig(vaultNo), undefined);
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const vaultNo = await c.goneVault();
    const config = { topic: TOPIC, events: [] };
    await refused('not-found', c.catalog.setNotificationConfig({ vaultNo, config }));
    await refused('not-found', c.catalog.deleteNotificationConfig({ vaultNo }));
  });
}

export function notifications(customer: NewCustomer): void {
  it('are made for the job’s topic, and for the vault’s if it is configured for the event', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await storedArchive(c, vault);
    const topicsAfter = async (
      events: readonly ('ArchiveRetrievalCompleted' | 'InventoryRetrievalCompleted')[],
    ) => {
      const before = (await listed(c)).length;
      const config = { topic: VAULT_TOPIC, events };
      await c.catalog.setNotificationConfig({ vaultNo: vault.no, config });
      await startJob(c, archiveJob(archive, { topic: TOPIC }));
      await c.catalog.finishArchiveJobs({ nowMs: DUE_MS, limit: 10 });
      return (await listed(c)).slice(before).map(({ topic }) => topic);
    };
    assert.deepEqual(await topicsAfter(['InventoryRetrievalCompleted']), [TOPIC]);
    assert.deepEqual((await topicsAfter(['ArchiveRetrievalCompleted'])).sort(), [TOPIC, VAULT_TOPIC]);
    const [message] = await listed(c);
    assert.equal(JSON.parse(message?.message ?? '{}').StatusCode, 'Succeeded');
    assert.deepEqual([message?.tries, message?.state, message?.reason], [0, 'waiting', null]);
  });

  it('are leased for a time, and each try is counted', async () => {
    const c = customer();
    await owe(c, 3);
    assert.deepEqual(await claim(c, DUE_MS - 1), []);
    const first = await claim(c, DUE_MS, 2);
    assert.deepEqual(
      first.map(({ tries }) => tries),
      [1, 1],
    );
    assert.equal((await claim(c, DUE_MS)).length, 1);
    assert.equal((await claim(c, DUE_MS + LEASE_MS - 1)).length, 0);
    const again = await claim(c, DUE_MS + LEASE_MS);
    assert.deepEqual(
      again.map(({ tries }) => tries),
      [2, 2, 2],
    );
  });

  it('fall due again after a failed try, or stay undeliverable until retried', async () => {
    const c = customer();
    const [one, other] = (await owe(c, 2)) as [Notification, Notification];
    await claim(c, DUE_MS);
    await c.catalog.failNotification({ no: one.no, reason: 'refused', nextTryMs: DUE_MS + 500 });
    await c.catalog.failNotification({ no: other.no, reason: 'gone', nextTryMs: null });
    const state = async () => (await listed(c)).map((each) => [each.state, each.reason]);
    assert.deepEqual(await state(), [
      ['waiting', 'refused'],
      ['undeliverable', 'gone'],
    ]);
    assert.deepEqual(await claim(c, DUE_MS + 499), []);
    assert.deepEqual(
      (await claim(c, DUE_MS + 500)).map(({ no }) => no),
      [one.no],
    );
    assert.equal(await c.catalog.retryNotifications({ no: other.no, nowMs: DUE_MS + 500 }), 1);
    assert.equal(await c.catalog.retryNotifications({ no: 999_999_999, nowMs: DUE_MS }), 0);
    const [retried] = await claim(c, DUE_MS + 500);
    assert.deepEqual([retried?.no, retried?.tries, retried?.id], [other.no, 1, other.id]);
    assert.equal(await c.catalog.retryNotifications({ no: null, nowMs: DUE_MS }), 2);
  });

  it('are removed when delivered', async () => {
    const c = customer();
    const [one, other] = (await owe(c, 2)) as [Notification, Notification];
    for (let i = 0; i < 2; i++) await c.catalog.dropNotification({ no: one.no });
    assert.deepEqual(await listed(c), [other]);
  });

  it('are each leased once by concurrent workers, and added once for each job', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const jobs = Array.from({ length: 30 }, () => startJob(c, archiveJob(archive, { topic: TOPIC })));
    await Promise.all(jobs);
    const finished = Array.from({ length: 6 }, () =>
      c.catalog.finishArchiveJobs({ nowMs: DUE_MS, limit: 10 }),
    );
    const done = (await Promise.all(finished)).reduce((sum, count) => sum + count, 0);
    const rest = await c.catalog.finishArchiveJobs({ nowMs: DUE_MS, limit: 100 });
    assert.equal(done + rest, 30);
    const claimed = await Promise.all(Array.from({ length: 8 }, () => claim(c, DUE_MS, 10)));
    const numbers = claimed.flat().map(({ no }) => no);
    assert.equal(new Set(numbers).size, numbers.length);
    assert.equal(new Set((await listed(c)).map(({ id }) => id)).size, 30);
  });
}
