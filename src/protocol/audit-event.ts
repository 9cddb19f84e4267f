/** Requests as audit events, in CloudTrail's form. */
import { isExtensionAction } from '../domain/policy/extension-actions.ts';
import type { VaultKey } from '../domain/vault.ts';
import type { Operation } from '../operations/operation.ts';
import type { Authenticated } from './authenticate.ts';
import { peerOf } from './connections.ts';
import { sourceOf } from './decode.ts';
import type { JsonBody } from './json-body.ts';
import type { Message } from './message.ts';
import type { HttpReply } from './reply.ts';
import type { Route } from './route.ts';
import type { CountedDenials } from './unsigned-denials.ts';
import { type ApiError, toApiError } from './wire-error.ts';

/** What is known of a request when it ends. */
export interface RequestTrace {
  readonly message: Message;
  readonly atMs: number;
  route?: Route;
  signed?: Authenticated;
  vaultKey?: VaultKey;
}

/** How a request ended: with a reply, or with an error. */
export type Outcome = { readonly reply: HttpReply } | { readonly error: unknown };

/** Texts of a request are cut to this length, which leaves policies whole. */
const MAX_TEXT = 32_768;
/** The same for requests without a valid signature, which anyone can send. */
const UNSIGNED_TEXT = 200;

/** How many header names `shownNames` keeps. The operations use fewer. */
const NAMES_KEPT = 100;

/** Denials that the service answers with 400: no signature, or an unknown or disabled key. */
const DENIED_BY_400: ReadonlySet<string> = new Set([
  'MissingAuthenticationTokenException',
  'UnrecognizedClientException',
]);

/** The kind of a denial: its error code and its sender. */
export function denialKind(event: Record<string, unknown>): string {
  return `${event['errorCode']} from ${peerOf(String(event['sourceIPAddress']))}`;
}

/** The event for denials that were counted instead of being written one by one. */
export function toCountingEvent(
  { count, sinceMs, kinds }: CountedDenials,
  nowMs: number,
  eventId: string,
): Record<string, unknown> {
  return {
    eventVersion: '1.08',
    userIdentity: { type: 'Unknown' },
    eventTime: new Date(nowMs).toISOString(),
    eventSource: 'glacier.amazonaws.com',
    eventName: 'UnsignedDenialsCounted',
    additionalEventData: { count, since: new Date(sinceMs).toISOString(), kinds },
    eventID: eventId,
    readOnly: true,
    eventType: 'AwsServiceEvent',
  };
}

/** Whether a request was refused because its sender is unknown or lacks the permission. */
export function isDenied(outcome: Outcome): boolean {
  if (!('error' in outcome)) return false;
  const { status, code } = toApiError(outcome.error);
  return status === 403 || DENIED_BY_400.has(code);
}

/**
 * Whether a request is audited when it is decided: it may have changed something, it is an extension, or it was denied.
 */
export function isAudited(trace: RequestTrace, outcome: Outcome): boolean {
  if (isDenied(outcome)) return true;
  const { route, signed } = trace;
  if (signed === undefined || route === undefined || isDownload(trace, outcome)) return false;
  return mustBeAudited(route.operation);
}

/** Whether the operation is refused while the log cannot be written. */
export function mustBeAudited({ name, method }: Pick<Operation, 'name' | 'method'>): boolean {
  return method !== 'GET' || isExtensionAction(name);
}

function isExtension(route: Route | undefined): boolean {
  return route !== undefined && isExtensionAction(route.operation.name);
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** How much of a download was sent. */
export interface DownloadProgress {
  /** Bytes that the connection has taken. */
  readonly bytes: number;
  /** Whether that is the whole reply. */
  readonly complete: boolean;
}

/** Whether the reply streams stored bytes. Such a request is audited when its reply has ended. */
export function isDownload({ route }: RequestTrace, outcome: Outcome): boolean {
  return route?.operation.isDownload === true && 'reply' in outcome;
}

/** The event of a download, with how much of it was sent. */
export function toDownloadEvent(
  trace: RequestTrace,
  outcome: Outcome,
  ended: {
    readonly eventId: string;
    readonly atMs: number;
    readonly sent: DownloadProgress;
    readonly error: unknown;
  },
): Record<string, unknown> {
  const { eventId, atMs, sent, error } = ended;
  const event = toAuditEvent(trace, outcome, eventId, atMs);
  const auditData = 'reply' in outcome ? (outcome.reply.auditData ?? {}) : {};
  const additionalEventData = { ...auditData, bytesTransferredOut: sent.bytes, complete: sent.complete };
  return { ...event, ...(error === undefined ? {} : errorOf({ error })), additionalEventData };
}

/**
 * The event of a request. It holds no secret, no signature and no archive bytes.
 * @param endedMs when the request was decided, ms since the epoch: as in CloudTrail, `eventTime` is a request's end.
 */
export function toAuditEvent(
  trace: RequestTrace,
  outcome: Outcome,
  eventId: string,
  endedMs: number,
): Record<string, unknown> {
  const { message, route, signed, vaultKey } = trace;
  return {
    eventVersion: '1.08',
    userIdentity: identityOf(signed),
    eventTime: new Date(endedMs).toISOString(),
    eventSource: isExtension(route) ? 'moraine.api' : 'glacier.amazonaws.com',
    eventName: route?.operation.name ?? `${message.method} ${message.target.slice(0, 200)}`,
    awsRegion: signed?.region ?? null,
    sourceIPAddress: message.sourceAddress,
    userAgent: message.header('user-agent')?.slice(0, signed ? 1000 : UNSIGNED_TEXT) ?? null,
    ...errorOf(outcome, signed ? MAX_TEXT : UNSIGNED_TEXT),
    // Omitted for a request without a valid signature, because anyone can send one.
    requestParameters: route && signed ? parametersOf(message, route, signed) : null,
    responseElements: 'reply' in outcome ? elementsOf(outcome.reply) : null,
    requestID: message.requestId,
    eventID: eventId,
    readOnly: isRead(message.method),
    eventType: 'AwsApiCall',
    recipientAccountId: vaultKey?.account ?? signed?.credential.caller.accountId ?? null,
  };
}

const TYPES = { root: 'Root', user: 'IAMUser', temporary: 'IAMUser', 'assumed-role': 'AssumedRole' } as const;

function identityOf(signed: Authenticated | undefined): Record<string, unknown> {
  if (!signed) return { type: 'Unknown' };
  const { caller } = signed.credential;
  return {
    type: TYPES[caller.kind],
    principalId: caller.userId ?? caller.accountId,
    arn: caller.arn,
    accountId: caller.accountId,
    accessKeyId: signed.accessKeyId,
    ...(caller.userName === undefined ? {} : { userName: caller.userName }),
  };
}

function errorOf(outcome: Outcome, maxText = MAX_TEXT): Record<string, unknown> {
  if (!('error' in outcome)) return {};
  const error = toApiError(outcome.error);
  return { errorCode: error.code, errorMessage: withoutQuotes(error).slice(0, maxText) };
}

/** Removes what a refused signature's message quotes: it may be a signature. */
function withoutQuotes({ code, message }: ApiError): string {
  return code === 'InvalidSignatureException' ? message.replace(/,? (?:got|not) '.*$/is, '.') : message;
}

/** The parameters of the path, then the operation's fields as they were sent. */
function parametersOf(message: Message, route: Route, { json }: Authenticated): Record<string, unknown> {
  const { account, vaultName, id, idName, operation } = route;
  return {
    accountId: account,
    ...(vaultName === '' ? {} : { vaultName }),
    // A reader of the log must not be able to complete the lock.
    ...(idName === undefined || idName === 'lockId' ? {} : { [idName]: id }),
    ...fieldsAsSent(message, operation, json),
  };
}

function fieldsAsSent(message: Message, { fields }: Operation, json: JsonBody): Record<string, unknown> {
  const source = sourceOf(message, json.membersIfValid());
  const sent: Record<string, unknown> = {};
  for (const { location, name } of Object.values(fields)) {
    const value = source[location](name);
    if (value !== undefined) sent[name] = plain(value);
  }
  return sent;
}

/** The value with bigints, which JSON cannot hold, as text. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, MAX_TEXT);
  return JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));
}

/** The headers, without `x-amz-lock-id`: with it a reader of the log could complete the lock. */
function elementsOf({ headers = {} }: HttpReply): Record<string, string> | null {
  const shown = Object.entries(headers).filter(([name]) => name !== 'x-amz-lock-id');
  return shown.length === 0
    ? null
    : Object.fromEntries(shown.map(([name, value]) => [shownName(name), value]));
}

const shownNames = new Map<string, string>();

/** The name of a reply's header in the event. */
function shownName(header: string): string {
  const known = shownNames.get(header);
  if (known !== undefined) return known;
  const name = camel(header);
  if (shownNames.size >= NAMES_KEPT) shownNames.clear();
  shownNames.set(header, name);
  return name;
}

/** `x-amz-archive-id` → `archiveId`. */
function camel(name: string): string {
  const plainName = name.toLowerCase().replace(/^x-amz-/, '');
  return plainName.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
