import assert from 'node:assert/strict';
import { it } from 'node:test';
import { EXPEDITED_WINDOW_MS } from '../../../src/domain/capacity.ts';
import { type Customer, countDone, MIB, type NewCustomer, refused, START_MS, unique } from './customer.ts';
import { archiveJob, startJob, storedArchive } from './job-fixtures.ts';

const HOURS_IN_PROGRESS = 4;

export function retrievalPolicies(customer: NewCustomer): void {
  it('allow everything until one is set', async () => {
    const c = customer();
    assert.deepEqual(await c.catalog.retrievalPolicy(c.owner), { strategy: 'None' });
  });

  it('are returned as last set, to the last digit', async () => {
    const c = customer();
    for (const policy of [
      { strategy: 'FreeTier' },
      { strategy: 'BytesPerHour', bytesPerHour: 2n ** 63n - 1n },
      { strategy: 'None' },
    ] as const) {
      await c.catalog.setRetrievalPolicy({ owner: c.owner, policy });
      assert.deepEqual(await c.catalog.retrievalPolicy(c.owner), policy);
    }
    assert.deepEqual(await c.catalog.retrievalPolicy({ ...c.owner, region: 'eu-west-1' }), {
      strategy: 'None',
    });
  });

  it('refuse only Standard retrievals beyond the rate', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault(), MIB);
    const policy = { strategy: 'BytesPerHour', bytesPerHour: BigInt(MIB / HOURS_IN_PROGRESS) } as const;
    await c.catalog.setRetrievalPolicy({ owner: c.owner, policy });
    await startJob(c, archiveJob(archive));
    await refused('over-policy', startJob(c, archiveJob(archive)));
    await startJob(c, archiveJob(archive, { tier: 'Bulk' }));
    const laterMs = START_MS + HOURS_IN_PROGRESS * 3_600_000;
    await startJob(c, archiveJob(archive, { createdMs: laterMs }), laterMs);
  });

  it('count direct reads with Standard retrievals', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault(), MIB);
    const read = (bytes: number, nowMs = START_MS) =>
      c.catalog.countDirectRead({ owner: c.owner, bytes, nowMs });
    await read(10 * MIB, START_MS - HOURS_IN_PROGRESS * 3_600_000 - 60_000);
    const policy = { strategy: 'BytesPerHour', bytesPerHour: BigInt(MIB) } as const;
    await c.catalog.setRetrievalPolicy({ owner: c.owner, policy });
    await read(MIB);
    await read(MIB, START_MS + 1);
    await startJob(c, archiveJob(archive));
    await refused('over-policy', read(MIB + 1, START_MS + 90_000));
    await read(MIB, START_MS + 90_000);
    await refused('over-policy', startJob(c, archiveJob(archive)));
    await read(4 * MIB, START_MS + HOURS_IN_PROGRESS * 3_600_000 + 150_000);
  });

  it('hold for direct reads that start concurrently', async () => {
    const c = customer();
    const policy = { strategy: 'BytesPerHour', bytesPerHour: BigInt(MIB) } as const;
    await c.catalog.setRetrievalPolicy({ owner: c.owner, policy });
    const reads = Array.from({ length: 12 }, () =>
      c.catalog.countDirectRead({ owner: c.owner, bytes: MIB, nowMs: START_MS }),
    );
    assert.equal(await countDone('over-policy', reads), HOURS_IN_PROGRESS);
  });

  it('hold for retrievals that start concurrently', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault(), MIB);
    const policy = { strategy: 'BytesPerHour', bytesPerHour: BigInt(MIB) } as const;
    await c.catalog.setRetrievalPolicy({ owner: c.owner, policy });
    const started = Array.from({ length: 12 }, () => startJob(c, archiveJob(archive)));
    assert.equal(await countDone('over-policy', started), HOURS_IN_PROGRESS);
  });
}

export function capacity(customer: NewCustomer): void {
  const unitOf = (startMs: number, expiresMs: number) => ({ id: `unit-${unique()}`, startMs, expiresMs });
  const buy = (c: Customer, unit: ReturnType<typeof unitOf>, nowMs = START_MS) =>
    c.catalog.purchaseCapacity({ owner: c.owner, unit, nowMs });

  it('is listed newest first until it expires', async () => {
    const c = customer();
    const [old, young] = [unitOf(START_MS - 9, START_MS + 10), unitOf(START_MS, START_MS + 20)];
    for (const unit of [old, young]) await buy(c, unit);
    const listed = async (sinceMs: number) =>
      (await c.catalog.listCapacity(c.owner, sinceMs)).map((unit) => ({ ...unit }));
    assert.deepEqual(await listed(START_MS), [young, old]);
    assert.deepEqual(await listed(START_MS + 10), [young]);
    assert.deepEqual(await listed(START_MS + 20), []);
  });

  it('is two units at most, even when bought concurrently', async () => {
    const c = customer();
    const bought = Array.from({ length: 8 }, () => buy(c, unitOf(START_MS, START_MS + 10)));
    assert.equal(await countDone('limit-reached', bought), 2);
    await buy(c, unitOf(START_MS + 10, START_MS + 20), START_MS + 10);
  });

  it('accepts Expedited retrievals beyond the limit of scarce capacity', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const start = (nowMs: number) => {
      const job = archiveJob(archive, { tier: 'Expedited', createdMs: nowMs });
      return c.catalog.startJob({ job, nowMs, expeditedCapacity: 2 });
    };
    for (let i = 0; i < 2; i++) await start(START_MS);
    await refused('no-capacity', start(START_MS));
    await start(START_MS + EXPEDITED_WINDOW_MS + 1);
    await buy(c, unitOf(START_MS, START_MS + 1000));
    await start(START_MS);
  });

  it('for Expedited holds for retrievals that start concurrently', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const started = Array.from({ length: 12 }, () => {
      const job = archiveJob(archive, { tier: 'Expedited' });
      return c.catalog.startJob({ job, nowMs: START_MS, expeditedCapacity: 3 });
    });
    assert.equal(await countDone('no-capacity', started), 3);
  });
}
