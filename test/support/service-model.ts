/** The service's own model of its API, read from the SDK. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as sdk from '@aws-sdk/client-glacier';

/** Where a member of an input or output is sent. */
type Location = 'label' | 'header' | 'query' | 'payload' | 'stream' | 'status' | 'body';

export interface Member {
  readonly location: Location;
  /** Name on the wire: a header in lower case; a member of the JSON body as it is. */
  readonly name: string;
}

export interface ModelOperation {
  readonly name: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string | undefined;
  readonly status: number;
  /** If a structure is the whole body, its members are listed instead. */
  readonly input: readonly Member[];
  readonly output: readonly Member[];
  readonly errors: readonly string[];
}

export interface ModelError {
  readonly name: string;
  readonly status: number;
  readonly fault: string;
  readonly members: readonly string[];
}

/** Schemas are arrays; the first number is the kind. */
type Schema = readonly unknown[];
const [STRUCTURE, ERROR, OPERATION] = [3, -3, 9];
const [LABEL, PAYLOAD, STATUS] = [1, 16, 32];

const exported = Object.values(sdk).filter((value): value is never => Array.isArray(value)) as Schema[];

function resolve(reference: unknown): unknown {
  return typeof reference === 'function' ? (reference as () => unknown)() : reference;
}

function isStructure(schema: unknown): schema is Schema {
  return Array.isArray(schema) && schema[0] === STRUCTURE;
}

function membersOf(reference: unknown): Member[] {
  const schema = resolve(reference);
  if (!isStructure(schema)) return [];
  const [names, types] = [schema[4] as string[], schema[5] as unknown[]];
  return names.flatMap((name, i) => memberOf(name, types[i]));
}

function memberOf(name: string, type: unknown): Member[] {
  const [inner, traits] = Array.isArray(type) && !isStructure(type) ? type : [type, 0];
  if (typeof traits === 'object' && traits !== null) {
    const { httpHeader: header, httpQuery: query } = traits as Record<string, string>;
    if (header !== undefined) return [{ location: 'header', name: header.toLowerCase() }];
    return [{ location: 'query', name: query ?? name }];
  }
  if (traits === LABEL) return [{ location: 'label', name }];
  if (traits === STATUS) return [{ location: 'status', name }];
  if (traits !== PAYLOAD) return [{ location: 'body', name }];
  const whole = resolve(inner);
  return isStructure(whole) ? membersOf(whole) : [{ location: 'stream', name }];
}

const TYPES = join(
  dirname(createRequire(import.meta.url).resolve('@aws-sdk/client-glacier')),
  '..',
  'dist-types',
);

/** Errors by operation, from the documentation of the commands, because the schemas lack them. */
function errorsOf(operation: string): string[] {
  const text = readFileSync(join(TYPES, 'commands', `${operation}Command.d.ts`), 'utf8');
  const names = [...text.matchAll(/@throws \{@link (\w+)\}/g)].map(([, name]) => name ?? '');
  return names.filter((name) => name !== 'GlacierServiceException').sort();
}

export const MODEL_OPERATIONS: readonly ModelOperation[] = exported
  .filter(([kind]) => kind === OPERATION)
  .map((schema) => {
    const [, , name, traits, input, output] = schema as [number, string, string, never, unknown, unknown];
    const [method, target, status] = traits['http'] as [string, string, number];
    const [path = '', query] = target.split('?');
    const members = { input: membersOf(input), output: membersOf(output) };
    return { name, method, path, query, status, ...members, errors: errorsOf(name) };
  });

export const MODEL_ERRORS: readonly ModelError[] = exported
  .filter(([kind, , name]) => kind === ERROR && name !== 'GlacierServiceException')
  .map((schema) => {
    const [, , name, traits, members] = schema as [number, string, string, Record<string, unknown>, string[]];
    return { name, status: Number(traits['httpError']), fault: String(traits['error']), members };
  });
