/**
 * The way of every request, step by step, in the order in which its refusals win:
 * request id, route, authenticate, account, authorize, API version, vault, decode, run, reply.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import { ApiError, invalidParameter, missingParameter } from '../domain/errors.ts';
import { authorize, resolveAccount } from '../domain/principal.ts';
import { isVaultName, type Vault, type VaultKey, vaultNotFound } from '../domain/vault.ts';
import type {
  Operation,
  OperationContext,
  Place,
  Reply,
  RequestFacts,
  UploadBody,
} from '../operations/operation.ts';
import { isBuilt } from '../operations/table.ts';
import { type Authenticator, authenticate } from './authenticate.ts';
import { CheckedBody, parseBodyClaim, requireUploadHeaders } from './checked-body.ts';
import { decodeFields } from './decode.ts';
import type { Message } from './message.ts';
import { boundDrain, sendError, sendReply } from './reply.ts';
import type { Route, Router } from './route.ts';
import type { Slabs } from './slabs.ts';
import { ClientGone } from './small-body.ts';

const API_VERSION = '2012-06-01';

/** What the pipeline needs of the world. */
export interface Pipeline {
  readonly router: Router;
  readonly authenticator: Authenticator;
  readonly slabs: Slabs;
  readonly context: OperationContext;
  /** Called when an operation is about to run; the emulator makes some fail here. @throws ApiError. */
  beforeRun?(operation: string): void;
  /** Real time, which signatures are judged by; the context's clock may be a turned one. */
  readonly wallClock: Clock;
  /** Told of every request that was answered. */
  onDone(done: RequestLog): void;
}

/** One line of the log: no header and no body, so no secret. */
export interface RequestLog {
  readonly requestId: string;
  readonly method: string;
  readonly target: string;
  readonly operation: string | undefined;
  readonly status: number;
  readonly ms: number;
  readonly error: unknown;
}

/** Answers one request. Never throws. */
export async function handle(message: Message, response: ServerResponse, pipeline: Pipeline): Promise<void> {
  const { requestId, method, target } = message;
  const arrivedMs = pipeline.wallClock.now();
  let operation: string | undefined;
  let failure: unknown;
  try {
    const route = pipeline.router(message);
    operation = route.operation.name;
    await sendReply(response, requestId, await answer(message, route, pipeline, arrivedMs));
  } catch (error) {
    failure = error;
    if (error instanceof ClientGone) response.destroy();
    else sendError(response, requestId, error);
  }
  boundDrain(message.incoming);
  const ms = pipeline.wallClock.now() - arrivedMs;
  pipeline.onDone({ requestId, method, target, operation, status: response.statusCode, ms, error: failure });
}

async function answer(message: Message, route: Route, pipeline: Pipeline, arrivedMs: number): Promise<Reply> {
  const { context, authenticator } = pipeline;
  const { operation } = route;
  const upload = isBuilt(operation) && operation.body === 'upload';
  const { principal, region, payloadHash, smallBody } = await authenticate(
    message,
    upload,
    authenticator,
    arrivedMs,
  );

  const account = resolveAccount(route.account, principal, operation.account);
  const vaultKey: VaultKey = { account, region, name: route.vaultName };
  authorize(principal, operation.name, vaultKey);
  requireApiVersion(message);
  const built = requireBuilt(operation);
  const vault = built.vault === 'must-exist' ? await requireVault(context, vaultKey) : undefined;

  if (upload) requireUploadHeaders(message);
  const inputs = decodeFields(built, message, smallBody);
  const body = upload
    ? new CheckedBody(message, parseBodyClaim(message, payloadHash), pipeline.slabs, authenticator.idleMs)
    : undefined;
  pipeline.beforeRun?.(built.name);
  return built.run(Object.assign(factsOf(route, vaultKey, vault, body), inputs), context);
}

function requireApiVersion(message: Message): void {
  const version = message.header('x-amz-glacier-version');
  if (!version) throw missingParameter('API version');
  if (version !== API_VERSION) {
    throw invalidParameter(`Invalid x-amz-glacier-version: ${version}. This server speaks ${API_VERSION}.`);
  }
}

function requireBuilt(operation: Operation | Place): Operation {
  if (isBuilt(operation)) return operation;
  throw new ApiError('BadRequest', `${operation.name} is not offered yet`);
}

async function requireVault({ catalog }: OperationContext, key: VaultKey): Promise<Vault> {
  const vault = isVaultName(key.name) ? await catalog.findVault(key) : undefined;
  if (!vault) throw vaultNotFound(key);
  return vault;
}

function factsOf(
  { id }: Route,
  vaultKey: VaultKey,
  vault: Vault | undefined,
  body: UploadBody | undefined,
): RequestFacts {
  return {
    id,
    vaultKey,
    get vault() {
      return vault ?? never('vault');
    },
    get body() {
      return body ?? never('body');
    },
  };
}

function never(what: string): never {
  throw new TypeError(`this operation has no ${what}`);
}
