import type { IncomingMessage } from 'node:http';
import { rootCertificates } from 'node:tls';
import { answerOf, errorOf } from './answer.ts';
import { type Inputs, isRepeatable, requestOf, targetOf, withHashes } from './request.ts';
import { isWorthRetrying, type RetryOptions, withRetries } from './retry.ts';
import { type Runtime, systemRuntime } from './runtime.ts';
import type { CallOptions, Operations } from './shapes.ts';
import { type Credentials, sign } from './sign.ts';
import { type ConnectionOptions, type Outgoing, Transport } from './transport.ts';
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

/** How long before their end credentials are asked for anew, ms. */
const EARLY_MS = 60_000;
const VERSION = '2012-06-01';

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
      async () =>
        answerOf(title, this.endpoint, operation, await this.#attempt(title, operation, input, call)),
      (error) => isWorthRetrying(error, isRepeatable(operation, input)),
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
