import type { AuditEvent } from './chain.ts';
import { eventTimeMs } from './events.ts';

/** Selects events. An absent member matches all. */
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

/** Whether the filter selects an event. */
export function matches(event: AuditEvent, { fromMs, toMs, action, caller, vault }: AuditFilter): boolean {
  const atMs = eventTimeMs(event);
  if (atMs < (fromMs ?? Number.NEGATIVE_INFINITY) || atMs >= (toMs ?? Number.POSITIVE_INFINITY)) return false;
  if (action !== undefined && event['eventName'] !== action) return false;
  if (caller !== undefined && !isBy(event, caller)) return false;
  return vault === undefined || isAbout(event, vault);
}

function isBy(event: AuditEvent, caller: string): boolean {
  const identity = membersOf(event['userIdentity']);
  return ['accessKeyId', 'userName', 'arn', 'principalId', 'accountId'].some(
    (name) => identity[name] === caller,
  );
}

function isAbout(event: AuditEvent, vault: string): boolean {
  const name = membersOf(event['requestParameters'])['vaultName'];
  if (typeof name !== 'string') return false;
  if (!vault.startsWith('arn:')) return name === vault;
  const [, , , region, account, resource] = vault.split(':');
  return (
    event['awsRegion'] === region && event['recipientAccountId'] === account && resource === `vaults/${name}`
  );
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
