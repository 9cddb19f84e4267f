import { createHash } from 'node:crypto';
import { treeHash } from '../treehash/index.ts';
import { toOwnName, toWire } from './member-names.ts';
import type { Body } from './transport.ts';
import type { WireOperation } from './wire-table.ts';

/** The inputs of any operation. */
export type Inputs = Readonly<Record<string, unknown>>;

/** Whether the operation may be executed twice with these inputs. */
export function isRepeatable({ repeatable, repeatableWith }: WireOperation, input: Inputs): boolean {
  return repeatable || (repeatableWith !== undefined && isPresent(input[repeatableWith]));
}

/** Adds the hashes of bytes in memory, unless given. */
export function withHashes({ takesBytes }: WireOperation, input: Inputs): Inputs {
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

/** One request, without the account's signature. */
export interface WireRequest {
  readonly method: string;
  /** Every segment is encoded. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body | null;
}

/** @throws TypeError for an input that the path needs and that is missing. */
export function requestOf(operation: WireOperation, input: Inputs): WireRequest {
  const { method, params = [], query = {} } = operation;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(required(input, name)));
  return {
    method,
    path,
    query: { ...query, ...parametersOf(input, params) },
    ...contentOf(operation, input),
  };
}

/** The headers and the body. */
function contentOf(operation: WireOperation, input: Inputs): Pick<WireRequest, 'headers' | 'body'> {
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

function parametersOf(input: Inputs, params: readonly string[]): Record<string, string> {
  const inputOf = (param: string): string =>
    param.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const present = params.filter((param) => isPresent(input[inputOf(param)]));
  return Object.fromEntries(present.map((param) => [param, String(input[inputOf(param)])]));
}

/** A `null` is absent, as in the API: the marker of a last page is one. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The inputs with these names that are present, as texts. */
function texts(input: Inputs, names: readonly string[]): Record<string, string> {
  const present = names.filter((name) => isPresent(input[name]));
  return Object.fromEntries(present.map((name) => [name, String(input[name])]));
}

function required(input: Inputs, name: string): string {
  const value = input[name];
  // An empty segment would name another resource: all vaults instead of one.
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${name} must be a text that is not empty, not ${JSON.stringify(value)}`);
  return value;
}

/** Path and query as sent. */
export function targetOf({ path, query }: WireRequest): string {
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
