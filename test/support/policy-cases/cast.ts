/** Callers, vaults and shortcuts for policies, shared by the case tables. */
import type { Reason } from '../../../src/domain/policy/authorize.ts';
import type { Caller } from '../../../src/domain/policy/caller.ts';
import type { Action } from '../../../src/domain/policy/extension-actions.ts';
import type { ContextValue } from '../../../src/domain/policy/request-context.ts';

/** A policy document before it becomes JSON. */
export type Document = Readonly<Record<string, unknown>>;

/** One row of the table. */
export interface Case {
  readonly name: string;
  readonly identity?: readonly Document[];
  readonly access?: Document;
  readonly lock?: Document;
  readonly request: CaseRequest;
  readonly expected: Reason;
}

export interface CaseRequest {
  readonly principal: Caller;
  readonly action: Action;
  readonly resource: string;
  /** Condition keys and their values. */
  readonly conditionValues?: Readonly<Record<string, ContextValue>>;
  /** For requests about many archives. */
  readonly denyOnArchive?: 'applies' | 'waits' | undefined;
}

const OWNER = '111122223333';
const OTHER = '444455556666';

export const VAULT = 'arn:aws:glacier:us-east-1:111122223333:vaults/examplevault';
export const VAULT_2 = 'arn:aws:glacier:us-east-1:111122223333:vaults/examplevault2';
export const ALL_VAULTS = 'arn:aws:glacier:us-east-1:111122223333:vaults/';
export const RETRIEVAL_POLICY = 'arn:aws:glacier:us-east-1:111122223333:policies/retrieval-limit-policy';

export const ROOT_ARN = 'arn:aws:iam::111122223333:root';
export const OTHER_ROOT_ARN = 'arn:aws:iam::444455556666:root';
export const ALICE_ARN = 'arn:aws:iam::111122223333:user/alice';
export const BOB_ARN = 'arn:aws:iam::111122223333:user/staff/bob';
const CAROL_ARN = 'arn:aws:iam::444455556666:user/carol';
export const ROLE_ARN = 'arn:aws:iam::111122223333:role/Backup';
export const SESSION_ARN = 'arn:aws:sts::111122223333:assumed-role/Backup/nightly';

export const root: Caller = { kind: 'root', arn: ROOT_ARN, accountId: OWNER };
export const otherRoot: Caller = { kind: 'root', arn: OTHER_ROOT_ARN, accountId: OTHER };
export const alice: Caller = {
  kind: 'user',
  arn: ALICE_ARN,
  accountId: OWNER,
  userName: 'alice',
  userId: 'AIDAALICE',
};
/** The same caller with a session token. */
export const aliceForAnHour: Caller = { ...alice, kind: 'temporary' };
export const bob: Caller = {
  kind: 'user',
  arn: BOB_ARN,
  accountId: OWNER,
  userName: 'bob',
  userId: 'AIDABOB',
};
export const carol: Caller = {
  kind: 'user',
  arn: CAROL_ARN,
  accountId: OTHER,
  userName: 'carol',
  userId: 'AIDACAROL',
};
export const backup: Caller = {
  kind: 'assumed-role',
  arn: SESSION_ARN,
  accountId: OWNER,
  userId: 'AROABACKUP:nightly',
};

/** A document in the current policy language. */
export function policy(...statements: readonly Document[]): Document {
  return { Version: '2012-10-17', Statement: statements };
}

/** A statement of an identity policy. `more` overrides and adds elements. */
export function allow(actions: string | readonly string[], more: Document = {}): Document {
  return { Effect: 'Allow', Action: actions, Resource: '*', ...more };
}

export function deny(actions: string | readonly string[], more: Document = {}): Document {
  return { ...allow(actions, more), Effect: 'Deny' };
}

/** A statement of a vault policy, for everyone unless `more` says otherwise. */
export function grant(actions: string | readonly string[], more: Document = {}): Document {
  return { Effect: 'Allow', Principal: '*', Action: actions, Resource: VAULT, ...more };
}

export function forbid(actions: string | readonly string[], more: Document = {}): Document {
  return { ...grant(actions, more), Effect: 'Deny' };
}

/** A grant to one principal by ARN or account id. */
export function grantTo(aws: string | readonly string[], actions: string | readonly string[]): Document {
  return grant(actions, { Principal: { AWS: aws } });
}

export function forbidTo(aws: string | readonly string[], actions: string | readonly string[]): Document {
  return forbid(actions, { Principal: { AWS: aws } });
}

/** A policy variable. */
export function v(name: string): string {
  return `\${${name}}`;
}
