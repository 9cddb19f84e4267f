import type { AuditRecord } from './chain.ts';
import { timeOf } from './records.ts';

/** Which records are wanted; what is not given matches all. */
export interface AuditFilter {
  /** Inclusive, ms since the epoch. */
  readonly fromMs?: number;
  /** Exclusive, ms since the epoch. */
  readonly toMs?: number;
  /** `eventName`. */
  readonly action?: string;
  /** Access key id, user name, ARN, user id or account id. */
  readonly caller?: string;
  /** A vault's name or its ARN. */
  readonly vault?: string;
}

/** Whether the record is one of those wanted. */
export function matches(record: AuditRecord, { fromMs, toMs, action, caller, vault }: AuditFilter): boolean {
  const atMs = timeOf(record);
  if (atMs < (fromMs ?? Number.NEGATIVE_INFINITY) || atMs >= (toMs ?? Number.POSITIVE_INFINITY)) return false;
  if (action !== undefined && record['eventName'] !== action) return false;
  if (caller !== undefined && !isBy(record, caller)) return false;
  return vault === undefined || isAbout(record, vault);
}

function isBy(record: AuditRecord, caller: string): boolean {
  const identity = membersOf(record['userIdentity']);
  return ['accessKeyId', 'userName', 'arn', 'principalId', 'accountId'].some(
    (name) => identity[name] === caller,
  );
}

function isAbout(record: AuditRecord, vault: string): boolean {
  const name = membersOf(record['requestParameters'])['vaultName'];
  if (typeof name !== 'string') return false;
  if (!vault.startsWith('arn:')) return name === vault;
  const [, , , region, account, resource] = vault.split(':');
  return (
    record['awsRegion'] === region &&
    record['recipientAccountId'] === account &&
    resource === `vaults/${name}`
  );
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
