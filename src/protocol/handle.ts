/**
 * The way of every request, step by step, in the order in which its refusals win:
 * request id, route, authenticate, account, authorize, API version, vault, decode, run, reply.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import { Shortage, withoutPath } from '../domain/errors.ts';
import { jobMembers } from '../domain/job.ts';
import type { LockTime } from '../domain/lock-time.ts';
import type { GlacierAction } from '../domain/policy/actions.ts';
import { resolveAccount } from '../domain/principal.ts';
import { type Vault, type VaultKey, vaultNotFound } from '../domain/vault.ts';
import type {
  Operation,
  OperationContext,
  Reply,
  RequestFacts,
  UploadBody,
} from '../operations/operation.ts';
import {
  auditRecord,
  denialKind,
  downloadRecord,
  isAudited,
  isDenied,
  isDownload,
  type Outcome,
  type RequestTrace,
} from './audit-record.ts';
import { type Authenticated, type Authenticator, authenticate } from './authenticate.ts';
import { type Ask, authorizeRequest } from './authorize-request.ts';
import { CheckedBody, parseBodyClaim, requireUploadHeaders } from './checked-body.ts';
import { decodeFields, requireApiVersion } from './decode.ts';
import { type Faults, underFault } from './faults.ts';
import type { Message } from './message.ts';
import type { PolicyShelf } from './policy-shelf.ts';
import { withoutCredentials } from './redact.ts';
import { boundDrain, sendError, sendReply } from './reply.ts';
import { requestFacts } from './request-facts.ts';
import type { Route, Router } from './route.ts';
import { SentBytes } from './sent-bytes.ts';
import { ClientGone, parseJsonObject } from './small-body.ts';
import type { UnsignedDenials } from './unsigned-denials.ts';

/** What stands before a record in the audit log: a MAC and a number. */
const RECORD_FRAME_BYTES = 80;

/** What the pipeline needs of the world. */
export interface Pipeline {
  readonly router: Router;
  readonly authenticator: Authenticator;
  readonly context: OperationContext;
  readonly lockTime: LockTime;
  readonly shelf: PolicyShelf;
  /** In the emulator only: asked when an operation is about to run. */
  readonly faults?: Faults;
  /** Real time, which signatures are judged by; the context's clock may be a turned one. */
  readonly wallClock: Clock;
  readonly audit: {
    /** Puts an event on record; durable when it resolves. @throws the I/O error. */
    append(record: Record<string, unknown>): Promise<void>;
    /** Resolves when the next event can be put on record, as far as that is known. @throws the I/O error. */
    ready(): Promise<void>;
  };
  /** Refuses a change that a full disk has no room for. @throws Shortage. */
  requireRoom?(operation: Operation): Promise<void>;
  readonly denials: UnsignedDenials;
  /** Told of every request that was answered. */
  onDone(done: RequestLog): void;
}

/** A request that was answered, as the log sees it: no header and no body, but what an error's evidence shows. */
export interface RequestLog {
  readonly requestId: string;
  readonly method: string;
  /** Made when it is asked for: few requests are logged. */
  target(): string;
  readonly operation: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly error: unknown;
  /** Remarks of the operation. */
  readonly warnings: readonly string[];
}

/** Answers one request. Never throws. */
export async function handle(message: Message, response: ServerResponse, pipeline: Pipeline): Promise<void> {
  const trace: RequestTrace = { message, atMs: pipeline.wallClock.now() };
  const outcome = await settle(trace, pipeline);
  let failure = 'error' in outcome ? outcome.error : undefined;
  const sent = new SentBytes(response);
  try {
    if ('reply' in outcome)
      await sendReply(
        response,
        message.requestId,
        sent.counted(outcome.reply),
        pipeline.authenticator.idleMs,
      );
    else if (failure instanceof ClientGone) response.destroy();
    else sendError(response, message.requestId, failure);
  } catch (error) {
    // A stream broke off: what was announced cannot come, and the client must notice.
    failure = error;
    response.destroy();
  }
  if (isDownload(trace, outcome)) recordDownload(trace, outcome, pipeline, sent, failure);
  boundDrain(message.incoming);
  pipeline.onDone({
    requestId: message.requestId,
    method: message.method,
    target: () => withoutCredentials(message.target),
    operation: trace.route?.operation.name,
    status: response.statusCode,
    ms: pipeline.wallClock.now() - trace.atMs,
    error: failure,
    warnings: 'reply' in outcome ? (outcome.reply.warnings ?? []) : [],
  });
}

/**
 * Puts a download on record when it has ended, whole or broken off. The answer does not wait for it: the client has its bytes, and
 * reads go on while the log cannot be written, which health tells.
 */
function recordDownload(
  trace: RequestTrace,
  outcome: Outcome,
  { wallClock, context, audit }: Pipeline,
  sent: SentBytes,
  error: unknown,
): void {
  const ended = { eventId: context.ids.requestId(), atMs: wallClock.now(), sent, error };
  audit.append(downloadRecord(trace, outcome, ended)).catch(() => {});
}

/**
 * What the request comes to. A change or a denial that could not be put on record is not acknowledged. What was only read
 * is, and so is a refusal for another reason.
 */
async function settle(trace: RequestTrace, pipeline: Pipeline): Promise<Outcome> {
  const outcome: Outcome = await answer(trace, pipeline).then(
    (reply) => ({ reply }),
    (error) => ({ error }),
  );
  if (!isAudited(trace, outcome)) return outcome;
  const record = auditRecord(trace, outcome, pipeline.context.ids.requestId(), pipeline.wallClock.now());
  if (!trace.signed) {
    const bytes = Buffer.byteLength(JSON.stringify(record)) + RECORD_FRAME_BYTES;
    if (!pipeline.denials.take(trace.atMs, denialKind(record), bytes)) return outcome;
  }
  try {
    await pipeline.audit.append(record);
    return outcome;
  } catch (error) {
    const isRead = trace.route?.operation.method === 'GET';
    if (!isDenied(outcome) && ('error' in outcome || isRead)) return outcome;
    const text = 'The request could not be put on record in the audit log';
    return { error: new Shortage(`${text}: ${withoutPath(error)}.`, { cause: error }) };
  }
}

async function answer(trace: RequestTrace, pipeline: Pipeline): Promise<Reply> {
  const { message, atMs } = trace;
  const { context, authenticator } = pipeline;
  const route = pipeline.router(message);
  trace.route = route;
  const { operation } = route;
  const upload = operation.body === 'upload';
  const signed = await authenticate(message, route, authenticator, atMs);
  trace.signed = signed;
  message.keepConnection();

  const account = resolveAccount(route.account, signed.credential.caller.accountId, operation.account);
  const vaultKey: VaultKey = { account, region: signed.region, name: route.vaultName };
  trace.vaultKey = vaultKey;
  const ask = askOf(message, route, vaultKey, signed);
  const { lockTime, shelf } = pipeline;
  const found = await authorizeRequest(ask, { catalog: context.catalog, lockTime, shelf });
  requireApiVersion(message);
  if (operation.vault === 'must-exist') requireVault(found, vaultKey);

  if (upload) requireUploadHeaders(message);
  const inputs = decodeFields(operation, message, signed.smallBody);
  const body = upload
    ? new CheckedBody(message, parseBodyClaim(message, signed.payloadHash), authenticator.idleMs)
    : undefined;
  if (operation.method !== 'GET') {
    await requireRecordable(pipeline);
    await pipeline.requireRoom?.(operation);
  }
  const run = (taken: UploadBody | undefined): Promise<Reply> =>
    operation.run(Object.assign(new Facts(route.id, vaultKey, found, taken, message), inputs), context);
  const { faults } = pipeline;
  const fault = faults?.take(operation.name);
  return faults && fault ? underFault(fault, message, faults.stopping, body, run) : run(body);
}

/** What cannot be put on record is not done. @throws Shortage. */
async function requireRecordable({ audit }: Pipeline): Promise<void> {
  try {
    await audit.ready();
  } catch (error) {
    const text = 'The audit log cannot be written, so nothing can be changed';
    throw new Shortage(`${text}: ${withoutPath(error)}.`, { cause: error, changedNothing: true });
  }
}

function askOf(message: Message, { operation, id }: Route, vaultKey: VaultKey, signed: Authenticated): Ask {
  const { credential, region, smallBody } = signed;
  const action = operation.name as GlacierAction;
  return {
    caller: credential.caller,
    identity: credential.identity,
    action,
    vaultKey,
    archiveId:
      action === 'DeleteArchive' ? id : action === 'InitiateJob' ? archiveIdOf(smallBody) : undefined,
    facts: requestFacts(message, credential, region),
  };
}

/** The archive that a job is about: a policy may judge its age before the operation looks at the body. */
function archiveIdOf(body: Buffer): string | undefined {
  try {
    const id = jobMembers(parseJsonObject(body)).get('ArchiveId');
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

function requireVault(vault: Vault | undefined, key: VaultKey): void {
  if (!vault) throw vaultNotFound(key);
}

/** A class, because getters of an object literal are defined anew for each object, which is slow. */
class Facts implements RequestFacts {
  readonly id: string;
  readonly vaultKey: VaultKey;
  readonly judged: Vault | undefined;
  readonly #body: UploadBody | undefined;
  readonly #message: Message;

  constructor(
    id: string,
    vaultKey: VaultKey,
    judged: Vault | undefined,
    body: UploadBody | undefined,
    message: Message,
  ) {
    this.id = id;
    this.vaultKey = vaultKey;
    this.judged = judged;
    this.#body = body;
    this.#message = message;
  }

  get vault(): Vault {
    return this.judged ?? never('vault');
  }

  get body(): UploadBody {
    return this.#body ?? never('body');
  }

  get clientGone(): AbortSignal {
    return this.#message.clientGone();
  }
}

function never(what: string): never {
  throw new TypeError(`this operation has no ${what}`);
}
