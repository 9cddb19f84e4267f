/**
 * The pipeline of every request. An earlier step's refusal wins over a later one's:
 * request id, route, authenticate, account, authorize, API version, vault, decode, run, audit, reply.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import { Shortage, withoutPath } from '../domain/errors.ts';
import type { Caller } from '../domain/policy/caller.ts';
import { resolveAccount } from '../domain/principal.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import { type Vault, type VaultKey, vaultNotFound } from '../domain/vault.ts';
import type {
  Operation,
  OperationDeps,
  OperationRequest,
  RequestAuthority,
  UploadBody,
} from '../operations/operation.ts';
import {
  denialKind,
  isAudited,
  isDenied,
  isDownload,
  mustBeAudited,
  type Outcome,
  type RequestTrace,
  toAuditEvent,
  toDownloadEvent,
} from './audit-event.ts';
import { type Authenticated, type AuthenticationDeps, authenticate } from './authenticate.ts';
import { type AuthorizationRequest, authorizeRequest } from './authorize-request.ts';
import { CheckedBody, parseDeclaredBody, requireUploadHeaders } from './checked-body.ts';
import { conditionValuesOf } from './condition-values.ts';
import { decodeFields, requireApiVersion, sourceOf } from './decode.ts';
import { type Faults, runUnderFault } from './faults.ts';
import type { Message } from './message.ts';
import type { PolicyCache } from './policy-cache.ts';
import { withoutCredentials } from './redact.ts';
import { boundDrain, type HttpReply, sendError, sendReply } from './reply.ts';
import { authorityOf } from './request-authority.ts';
import type { Route, Router } from './route.ts';
import { SentByteCounter } from './sent-byte-counter.ts';
import { ClientGone } from './small-body.ts';
import type { UnsignedDenials } from './unsigned-denials.ts';

/** Bytes that precede an event in the audit log: a MAC and a number. */
const EVENT_FRAME_BYTES = 80;

/** What the pipeline works with. */
export interface PipelineDeps {
  readonly router: Router;
  readonly authenticator: AuthenticationDeps;
  readonly operationDeps: OperationDeps;
  readonly trustedTime: TrustedTime;
  readonly policies: PolicyCache;
  /** In the emulator only: faults to inject into operations. */
  readonly faults?: Faults;
  /** Real time, for signatures; `operationDeps.clock` may be the emulator's. */
  readonly wallClock: Clock;
  readonly audit: {
    /** Appends an event, which is durable once this resolves. @throws the I/O error. */
    append(event: Record<string, unknown>): Promise<void>;
    /** Resolves when the log is not known to refuse the next event. @throws the I/O error. */
    ready(): Promise<void>;
  };
  /** @throws Shortage for a change that a full disk has no room for. */
  requireSpace?(operation: Operation): Promise<void>;
  readonly denials: UnsignedDenials;
  /** Called with every request once it is answered. */
  onDone(done: AnsweredRequest): void;
}

/** An answered request for the log: no headers and no body, except what an error's evidence shows. */
export interface AnsweredRequest {
  readonly requestId: string;
  readonly method: string;
  /** A function, because few requests are logged. */
  target(): string;
  readonly operation: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly error: unknown;
  /** The operation's warnings. */
  readonly warnings: readonly string[];
}

/** Answers one request. Never throws. */
export async function handle(message: Message, response: ServerResponse, deps: PipelineDeps): Promise<void> {
  const trace: RequestTrace = { message, atMs: deps.wallClock.now() };
  const outcome = await runAudited(trace, deps);
  let failure = 'error' in outcome ? outcome.error : undefined;
  const sent = new SentByteCounter(response);
  try {
    if ('reply' in outcome)
      await sendReply(response, message.requestId, sent.count(outcome.reply), deps.authenticator.idleMs);
    else if (failure instanceof ClientGone) response.destroy();
    else sendError(response, message.requestId, failure);
  } catch (error) {
    // A stream broke off. Cutting the connection shows the client that the body is not whole.
    failure = error;
    response.destroy();
  }
  if (isDownload(trace, outcome)) auditDownload(trace, outcome, deps, sent, failure);
  boundDrain(message.incoming);
  deps.onDone({
    requestId: message.requestId,
    method: message.method,
    target: () => withoutCredentials(message.target),
    operation: trace.route?.operation.name,
    status: response.statusCode,
    ms: deps.wallClock.now() - trace.atMs,
    error: failure,
    warnings: 'reply' in outcome ? (outcome.reply.warnings ?? []) : [],
  });
}

/**
 * Audits a download that has ended, whole or cut. Reads continue while the log cannot be written, so a failure is
 * dropped here; health reports it.
 */
function auditDownload(
  trace: RequestTrace,
  outcome: Outcome,
  { wallClock, operationDeps, audit }: PipelineDeps,
  sent: SentByteCounter,
  error: unknown,
): void {
  const ended = { eventId: operationDeps.ids.requestId(), atMs: wallClock.now(), sent, error };
  audit.append(toDownloadEvent(trace, outcome, ended)).catch(() => {});
}

/**
 * Runs and audits a request. A change, an extension or a denial whose event cannot be written becomes a Shortage. Other
 * reads and refusals are answered all the same.
 */
async function runAudited(trace: RequestTrace, deps: PipelineDeps): Promise<Outcome> {
  const outcome: Outcome = await runRequest(trace, deps).then(
    (reply) => ({ reply }),
    (error) => ({ error }),
  );
  if (!isAudited(trace, outcome)) return outcome;
  const event = toAuditEvent(trace, outcome, deps.operationDeps.ids.requestId(), deps.wallClock.now());
  if (!trace.signed) {
    const bytes = Buffer.byteLength(JSON.stringify(event)) + EVENT_FRAME_BYTES;
    if (!deps.denials.take(trace.atMs, denialKind(event), bytes)) return outcome;
  }
  try {
    await deps.audit.append(event);
    return outcome;
  } catch (error) {
    const needsEvent = trace.route !== undefined && mustBeAudited(trace.route.operation);
    if (!isDenied(outcome) && ('error' in outcome || !needsEvent)) return outcome;
    const text = 'The request could not be put on record in the audit log';
    return { error: new Shortage(`${text}: ${withoutPath(error)}.`, { cause: error }) };
  }
}

async function runRequest(trace: RequestTrace, deps: PipelineDeps): Promise<HttpReply> {
  const { message, atMs } = trace;
  const { operationDeps, authenticator } = deps;
  const route = deps.router(message);
  trace.route = route;
  const { operation } = route;
  const upload = operation.body === 'upload';
  const signed = await authenticate(message, route, authenticator, atMs);
  trace.signed = signed;
  message.keepConnection();

  const account = resolveAccount(route.account, signed.credential.caller.accountId, operation.account);
  const vaultKey: VaultKey = { account, region: signed.region, name: route.vaultName };
  trace.vaultKey = vaultKey;
  const ask = toAuthorizationRequest(message, route, vaultKey, signed);
  const { trustedTime, policies } = deps;
  const authorizationDeps = { catalog: operationDeps.catalog, trustedTime, policies };
  const found = operation.asksForVaults ? undefined : await authorizeRequest(ask, authorizationDeps);
  requireApiVersion(message);
  if (operation.vault === 'must-exist') requireVault(found, vaultKey);

  if (upload) requireUploadHeaders(message);
  const inputs = decodeFields(operation, message, signed.json);
  const body = upload
    ? new CheckedBody(message, parseDeclaredBody(message, signed.payloadHash), authenticator.idleMs)
    : undefined;
  if (mustBeAudited(operation)) await requireAuditable(deps);
  if (operation.method !== 'GET') await deps.requireSpace?.(operation);
  const run = async (taken: UploadBody | undefined): Promise<HttpReply> => {
    const authority = authorityOf(ask, authorizationDeps);
    const { caller } = signed.credential;
    const request = new PipelineRequest(route.id, vaultKey, caller, found, authority, taken, message);
    const reply = await operation.run(Object.assign(request, inputs), operationDeps);
    return { status: operation.success, ...reply };
  };
  const { faults } = deps;
  const fault = faults?.take(operation.name);
  return faults && fault ? runUnderFault(fault, message, faults.stopping, body, run) : run(body);
}

/** @throws Shortage before a request that must be on record, while its event cannot be written. */
async function requireAuditable({ audit }: PipelineDeps): Promise<void> {
  try {
    await audit.ready();
  } catch (error) {
    const text = 'The audit log cannot be written, so nothing can be changed';
    throw new Shortage(`${text}: ${withoutPath(error)}.`, { cause: error, changedNothing: true });
  }
}

function toAuthorizationRequest(
  message: Message,
  { operation, id }: Route,
  vaultKey: VaultKey,
  { credential, region, json }: Authenticated,
): AuthorizationRequest {
  return {
    caller: credential.caller,
    identity: credential.identity,
    operation,
    alsoNeeds: operation.alsoNeeds?.(sourceOf(message)),
    vaultKey,
    // Read before the body is checked: an invalid one is refused only when the fields are decoded.
    archiveId: operation.archiveId?.(id, json.membersIfValid()),
    conditionValues: conditionValuesOf(message, credential, region),
  };
}

function requireVault(vault: Vault | undefined, key: VaultKey): void {
  if (!vault) throw vaultNotFound(key);
}

/** A class, because an object literal defines its getters for each object again, which is slow. */
class PipelineRequest implements OperationRequest {
  readonly id: string;
  readonly vaultKey: VaultKey;
  readonly callerAccount: string;
  readonly authorized: Vault | undefined;
  readonly authority: RequestAuthority;
  readonly #body: UploadBody | undefined;
  readonly #message: Message;

  constructor(
    id: string,
    vaultKey: VaultKey,
    caller: Caller,
    authorized: Vault | undefined,
    authority: RequestAuthority,
    body: UploadBody | undefined,
    message: Message,
  ) {
    this.id = id;
    this.vaultKey = vaultKey;
    this.callerAccount = caller.accountId;
    this.authorized = authorized;
    this.authority = authority;
    this.#body = body;
    this.#message = message;
  }

  get vault(): Vault {
    return this.authorized ?? never('vault');
  }

  get body(): UploadBody {
    return this.#body ?? never('body');
  }

  get isHead(): boolean {
    return this.#message.method === 'HEAD';
  }

  get clientGone(): AbortSignal {
    return this.#message.clientGone();
  }
}

function never(what: string): never {
  throw new TypeError(`this operation has no ${what}`);
}
