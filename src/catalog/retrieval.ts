import { sql } from 'kysely';
import {
  type CapacityUnit,
  EXPEDITED_WINDOW_MS,
  requireExpeditedCapacity,
  requireUnitAvailable,
} from '../domain/capacity.ts';
import type { NewArchiveJob } from '../domain/job-catalog.ts';
import type {
  CountDirectReadArgs,
  PurchaseCapacityArgs,
  RetrievalReads,
  RetrievalWrites,
  SetRetrievalPolicyArgs,
} from '../domain/retrieval-catalog.ts';
import {
  NO_LIMIT,
  type RetrievalPolicy,
  type RetrievingOperation,
  requireWithinPolicy,
  useWindows,
} from '../domain/retrieval-policy.ts';
import type { VaultOwner } from '../domain/vault.ts';
import { appendEntry } from './journal.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { serializeOwner } from './vaults.ts';

export function retrievalReads(source: Source): RetrievalReads {
  return {
    retrievalPolicy: (owner) => retrievalPolicy(source, owner),
    listCapacity: (owner, sinceMs) => listCapacity(source, owner, sinceMs),
  };
}

export const retrievalWrites: InTransaction<RetrievalWrites> = {
  setRetrievalPolicy,
  countDirectRead,
  purchaseCapacity,
};

async function retrievalPolicy(source: Source, { account, region }: VaultOwner): Promise<RetrievalPolicy> {
  const row = await source.db
    .selectFrom('retrieval_policies')
    .select(['strategy', 'bytes_per_hour'])
    .where('account', '=', account)
    .where('region', '=', region)
    .executeTakeFirst();
  if (!row) return NO_LIMIT;
  if (row.strategy !== 'BytesPerHour') return { strategy: row.strategy as 'None' | 'FreeTier' };
  return { strategy: 'BytesPerHour', bytesPerHour: BigInt(row.bytes_per_hour ?? '0') };
}

async function setRetrievalPolicy(
  tx: Tx,
  { owner: { account, region }, policy }: SetRetrievalPolicyArgs,
): Promise<void> {
  const bytes_per_hour = policy.strategy === 'BytesPerHour' ? String(policy.bytesPerHour) : null;
  const row = { strategy: policy.strategy, bytes_per_hour };
  await tx.db
    .insertInto('retrieval_policies')
    .values({ account, region, ...row })
    .onConflict((c) => c.columns(['account', 'region']).doUpdateSet(row))
    .execute();
  await appendEntry(tx, { type: 'retrieval-policy', account, region, ...row });
}

/** @throws Refusal over-policy, no-capacity for a retrieval that policy or capacity does not allow. */
export async function requireRetrievalAllowed(
  tx: Tx,
  owner: VaultOwner,
  { tier, range }: NewArchiveJob,
  nowMs: number,
  expeditedCapacity: number | null,
): Promise<void> {
  const bytes = range.last - range.first + 1;
  if (tier === 'Standard') await requireStandardAllowed(tx, owner, bytes, nowMs, 'InitiateJob');
  if (tier === 'Expedited' && expeditedCapacity !== null) {
    await serializeOwner(tx, owner);
    const units = await listCapacity(tx, owner, nowMs);
    const started = await startedSince(tx, owner, 'Expedited', nowMs - EXPEDITED_WINDOW_MS);
    requireExpeditedCapacity(expeditedCapacity, started.count, units.length);
  }
}

async function requireStandardAllowed(
  tx: Tx,
  owner: VaultOwner,
  bytes: number,
  nowMs: number,
  operation: RetrievingOperation,
): Promise<void> {
  await lockRetrievalPolicyRow(tx, owner);
  const policy = await retrievalPolicy(tx, owner);
  if (policy.strategy === 'None') return;
  const { inProgressSinceMs, todaySinceMs } = useWindows(nowMs);
  const bytesInProgress = await standardBytesSince(tx, owner, inProgressSinceMs + 1);
  const bytesToday = await standardBytesSince(tx, owner, todaySinceMs);
  requireWithinPolicy(policy, { bytesInProgress, bytesToday }, bytes, operation);
}

/** Bytes of Standard retrievals and of direct reads that count like them. */
async function standardBytesSince(tx: Tx, owner: VaultOwner, sinceMs: number): Promise<number> {
  const jobs = await startedSince(tx, owner, 'Standard', sinceMs);
  return jobs.bytes + (await readSince(tx, owner, sinceMs));
}

const MINUTE_MS = 60_000;

/** Counts the whole minute in which `sinceMs` lies. */
async function readSince({ db }: Source, { account, region }: VaultOwner, sinceMs: number): Promise<number> {
  const { bytes } = await db
    .selectFrom('direct_reads')
    .select(sql<number>`cast(coalesce(sum(bytes), 0) as bigint)`.as('bytes'))
    .where('account', '=', account)
    .where('region', '=', region)
    .where('minute_ms', '>', sinceMs - MINUTE_MS)
    .executeTakeFirstOrThrow();
  return bytes;
}

async function countDirectRead(tx: Tx, { owner, bytes, nowMs }: CountDirectReadArgs): Promise<void> {
  await requireStandardAllowed(tx, owner, bytes, nowMs, 'GetArchive');
  const { account, region } = owner;
  const { inProgressSinceMs, todaySinceMs } = useWindows(nowMs);
  await tx.db
    .deleteFrom('direct_reads')
    .where('account', '=', account)
    .where('region', '=', region)
    .where('minute_ms', '<', Math.min(inProgressSinceMs, todaySinceMs) - MINUTE_MS)
    .execute();
  await tx.db
    .insertInto('direct_reads')
    .values({ account, region, minute_ms: nowMs - (nowMs % MINUTE_MS), bytes })
    .onConflict((c) =>
      c
        .columns(['account', 'region', 'minute_ms'])
        .doUpdateSet({ bytes: sql<number>`direct_reads.bytes + ${bytes}` }),
    )
    .execute();
}

/** Serializes starting jobs, so that two do not both use what is left for one. */
async function lockRetrievalPolicyRow(tx: Tx, { account, region }: VaultOwner): Promise<void> {
  if (!tx.engine.rowLocks) return;
  const row = tx.db.selectFrom('retrieval_policies').select('strategy').where('account', '=', account);
  await row.where('region', '=', region).where('strategy', '!=', 'None').forUpdate().execute();
}

async function startedSince(
  { db }: Source,
  { account, region }: VaultOwner,
  tier: 'Standard' | 'Expedited',
  sinceMs: number,
): Promise<{ count: number; bytes: number }> {
  return db
    .selectFrom('jobs as j')
    .innerJoin('vaults as v', 'v.no', 'j.vault_no')
    .select([
      sql<number>`count(*)`.as('count'),
      sql<number>`cast(coalesce(sum(j.last - j.first + 1), 0) as bigint)`.as('bytes'),
    ])
    .where('j.created_ms', '>=', sinceMs)
    .where('j.tier', '=', tier)
    .where('v.account', '=', account)
    .where('v.region', '=', region)
    .executeTakeFirstOrThrow();
}

async function listCapacity(
  { db }: Source,
  { account, region }: VaultOwner,
  sinceMs: number,
): Promise<readonly CapacityUnit[]> {
  return db
    .selectFrom('capacity_units')
    .select(['id', 'start_ms as startMs', 'expires_ms as expiresMs'])
    .where('account', '=', account)
    .where('region', '=', region)
    .where('expires_ms', '>', sinceMs)
    .orderBy('start_ms', 'desc')
    .execute();
}

async function purchaseCapacity(tx: Tx, { owner, unit, nowMs }: PurchaseCapacityArgs): Promise<void> {
  await serializeOwner(tx, owner);
  requireUnitAvailable((await listCapacity(tx, owner, nowMs)).length);
  const { account, region } = owner;
  const { id, startMs, expiresMs } = unit;
  await tx.db
    .insertInto('capacity_units')
    .values({ id, account, region, start_ms: startMs, expires_ms: expiresMs })
    .execute();
  await appendEntry(tx, capacityEntry(owner, unit));
}

/** The entry of a provisioned capacity unit. */
export function capacityEntry({ account, region }: VaultOwner, { id, startMs, expiresMs }: CapacityUnit) {
  return { type: 'capacity-unit', account, region, id, startMs, expiresMs };
}
