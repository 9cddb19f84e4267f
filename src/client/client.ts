import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { rootCertificates } from 'node:tls';
import { treeHash } from '../treehash/index.ts';
import { ConnectionError, GlacierError } from './errors.ts';
import { fromWire, toOwnName, toWire } from './member-names.ts';
import { isWorthRetrying, type RetryOptions, withRetries } from './retry.ts';
import { type Runtime, systemRuntime } from './runtime.ts';
import type { CallOptions, JobOutput, Operations } from './shapes.ts';
import { type Credentials, sign } from './sign.ts';
import { type Body, type ConnectionOptions, type Outgoing, Transport } from './transport.ts';
import { WIRE, type WireOperation } from './wire-table.ts';

/** What a client needs, and how it behaves. */
export interface ClientOptions extends ConnectionOptions {
  /** `https://archive.example:4522`, without a path: signatures cover the path that the server sees. */
  readonly endpoint: string;
  readonly region: string;
  /** An access key, or where to get one; a function is called again when the key has expired. */
  readonly credentials: Credentials | (() => Promise<Credentials>);
  /** The account in each path. Default: `-`, the account of the key. */
  readonly accountId?: string | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Clock, randomness and timers; those of the process by default. */
  readonly runtime?: Runtime | undefined;
}

/** A client of one server. It may be shared: calls are independent of each other. */
export interface GlacierClient extends Operations {
  /** Clock, randomness and timers, for what is built on the client. */
  readonly runtime: Runtime;
  /** Where requests go: scheme, host and port. */
  readonly endpoint: string;
  /** Ends the kept connections. The client cannot be used afterwards. */
  close(): void;
}

/** Makes a client. Nothing is sent before the first call. @throws TypeError for an unusable endpoint or region. */
export function createClient(options: ClientOptions): GlacierClient {
  const caller = new Caller(options);
  const methods = Object.entries(WIRE).map(([name, operation]) => [
    name,
    (input: object = {}, call: CallOptions = {}) => caller.call(name, operation, input, call),
  ]);
  const { runtime, endpoint } = caller;
  return { ...Object.fromEntries(methods), runtime, endpoint: endpoint.origin, close: () => caller.close() };
}

type Inputs = Readonly<Record<string, unknown>>;

/** How long before their end credentials are asked for anew, ms. */
const EARLY_MS = 60_000;
const VERSION = '2012-06-01';
/** The most of an error's body that is read, bytes: a proxy may send a page of any length. */
const ERROR_BYTES = 64 * 1024;

class Caller {
  readonly runtime: Runtime;
  readonly endpoint: URL;
  readonly #options: ClientOptions;
  readonly #transport: Transport;
  #credentials: Credentials | undefined;
  #renewal: Promise<Credentials> | undefined;

  constructor(options: ClientOptions) {
    this.endpoint = parseEndpoint(options.endpoint);
    if (options.region === '') throw new TypeError('region must not be empty: the signature names it');
    this.runtime = options.runtime ?? systemRuntime;
    this.#options = options;
    this.#transport = new Transport(this.endpoint, options, rootCertificates, this.runtime);
  }

  close(): void {
    this.#transport.close();
  }

  async call(name: string, operation: WireOperation, given: object, call: CallOptions): Promise<unknown> {
    const { retry = {} } = this.#options;
    const input = withHashes(operation, given as Inputs);
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    return withRetries(
      async () => this.#answerOf(title, operation, await this.#attempt(title, operation, input, call)),
      (error) => isWorthRetrying(error, operation.repeatable),
      retry,
      this.runtime,
      call.signal,
    );
  }

  /** Signs and sends the request once. @throws GlacierError for any answer but a success. */
  async #attempt(
    title: string,
    operation: WireOperation,
    input: Inputs,
    { signal, accountId = this.#options.accountId ?? '-' }: CallOptions,
  ): Promise<IncomingMessage> {
    const request = requestOf(operation, { ...input, accountId });
    const headers = {
      ...request.headers,
      host: this.endpoint.host,
      'x-amz-glacier-version': VERSION,
    };
    const credentials = await this.#currentCredentials();
    const signed = await sign({ ...request, headers }, credentials, this.#options.region, this.runtime.now());
    const { method, body } = request;
    const outgoing: Outgoing = {
      operation: title,
      method,
      target: targetOf(request),
      headers: signed,
      body,
      signal,
    };
    const response = await this.#transport.send(outgoing);
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return response;
    throw await errorOf(title, response);
  }

  async #answerOf(title: string, operation: WireOperation, response: IncomingMessage): Promise<unknown> {
    const { answerHeaders, answerBody } = operation;
    const members = Object.entries(answerHeaders ?? {}).map(([name, header]) => [
      name,
      response.headers[header] ?? null,
    ]);
    if (answerBody === 'stream') return { ...Object.fromEntries(members), ...streamOf(response) };
    if (answerBody === 'json') return fromWire(JSON.parse(await this.#bodyOf(title, response)));
    // The headers say that the operation is done, so the rest does not matter.
    await textOf(response).catch(() => '');
    return answerHeaders ? Object.fromEntries(members) : undefined;
  }

  async #bodyOf(title: string, response: IncomingMessage): Promise<string> {
    try {
      return await textOf(response);
    } catch (error) {
      throw new ConnectionError(title, this.endpoint.origin, true, error);
    }
  }

  /** Asks for credentials once, although many calls need them at a time. */
  async #currentCredentials(): Promise<Credentials> {
    const { credentials } = this.#options;
    if (typeof credentials !== 'function') return credentials;
    const known = this.#credentials;
    if (known && (known.expiresMs ?? Infinity) - EARLY_MS > this.runtime.now()) return known;
    this.#renewal ??= credentials().finally(() => {
      this.#renewal = undefined;
    });
    this.#credentials = await this.#renewal;
    return this.#credentials;
  }
}

function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new TypeError(`endpoint must be a URL that begins with http:// or https://, not "${text}"`);
  if (url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new TypeError(`endpoint must have no path, query or user: "${text}"`);
  return url;
}

/** Adds the hashes of bytes in memory, unless given. */
function withHashes({ takesBytes }: WireOperation, input: Inputs): Inputs {
  const { body } = input;
  if (takesBytes === undefined || !(body instanceof Uint8Array)) return input;
  const hashes = {
    contentHash: input['contentHash'] ?? sha256Hex(body),
    treeHash: input['treeHash'] ?? treeHash(body),
  };
  return { ...input, ...hashes, body: { length: body.length, open: () => [body] } };
}

function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body | null;
}

function requestOf(operation: WireOperation, input: Inputs): Request {
  const { method, params = [], query = {} } = operation;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(required(input, name)));
  return { method, path, query: { ...query, ...texts(input, params) }, ...contentOf(operation, input) };
}

/** The headers and the body. */
function contentOf(operation: WireOperation, input: Inputs): Pick<Request, 'headers' | 'body'> {
  const named = texts(input, Object.keys(operation.headers ?? {}));
  const headers = Object.fromEntries(
    Object.entries(named).map(([name, value]) => [operation.headers?.[name] ?? name, value]),
  );
  if (operation.takesBytes) {
    const body = input['body'] as Body;
    return { headers: { ...headers, 'content-length': String(body.length) }, body };
  }
  const text = operation.members ? jsonOf(operation.members, input) : '';
  const hash = { 'x-amz-content-sha256': sha256Hex(text) };
  if (text === '')
    return {
      headers: {
        ...headers,
        ...hash,
        ...(operation.method === 'GET' || operation.method === 'DELETE' ? {} : { 'content-length': '0' }),
      },
      body: null,
    };
  const bytes = Buffer.from(text);
  const json = { 'content-type': 'application/json', 'content-length': String(bytes.length) };
  return { headers: { ...headers, ...hash, ...json }, body: { length: bytes.length, open: () => [bytes] } };
}

function jsonOf(members: readonly string[], input: Inputs): string {
  return JSON.stringify(
    Object.fromEntries(members.map((member) => [member, memberOf(member, input[toOwnName(member)])])),
  );
}

function memberOf(member: string, value: unknown): unknown {
  return member === 'Tags' ? value : toWire(value);
}

/** The inputs with these names that are present, as texts. */
function texts(input: Inputs, names: readonly string[]): Record<string, string> {
  const present = names.filter((name) => input[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, String(input[name])]));
}

function required(input: Inputs, name: string): string {
  const value = input[name];
  // An empty segment would name another resource: all vaults instead of one.
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${name} must be a text that is not empty, not ${JSON.stringify(value)}`);
  return value;
}

function targetOf({ path, query }: Request): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

/** Encodes as signatures demand: everything but letters, digits, `-`, `.`, `_` and `~`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function streamOf(response: IncomingMessage): Pick<JobOutput, 'status' | 'contentLength' | 'body'> {
  const { 'content-length': length } = response.headers;
  const contentLength = length === undefined ? null : Number(length);
  return { status: response.statusCode ?? 0, contentLength, body: response };
}

async function textOf(response: IncomingMessage, most = Infinity): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > most) break;
  }
  return Buffer.concat(chunks).toString();
}

async function errorOf(operation: string, response: IncomingMessage): Promise<GlacierError> {
  const { statusCode: status = 0, headers } = response;
  const text = await textOf(response, ERROR_BYTES).catch(() => '');
  const { code, message, type } = parseError(text);
  const requestId = headers['x-amzn-requestid'];
  return new GlacierError({
    operation,
    status,
    code: typeof code === 'string' ? code : `HTTP ${status}`,
    message:
      typeof message === 'string' ? message : `${operation}: HTTP ${status}: ${text.slice(0, 200).trim()}`,
    fault: type === 'Server' || (type === undefined && status >= 500) ? 'Server' : 'Client',
    requestId: typeof requestId === 'string' ? requestId : null,
  });
}

function parseError(text: string): Inputs {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Inputs) : {};
  } catch {
    return {};
  }
}
