import { invalidParameter, missingParameter } from '../domain/errors.ts';
import type { FieldSource } from '../operations/fields.ts';
import type { Operation } from '../operations/operation.ts';
import type { Message } from './message.ts';
import { parseJsonObject } from './small-body.ts';

const API_VERSION = '2012-06-01';
const NO_MEMBERS: ReadonlyMap<string, unknown> = new Map();

/**
 * The values of an operation's fields. What is missing is named before any value is judged (order of checks).
 * @throws 400 that names the first missing parameter, or the first bad value.
 */
export function decodeFields(
  operation: Operation,
  message: Message,
  smallBody: Buffer,
): Record<string, unknown> {
  const members = operation.body === 'json' ? parseJsonObject(smallBody) : NO_MEMBERS;
  const source = sourceOf(message, members);
  requireFields(operation, source);
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(operation.fields)) values[name] = field.parse(source);
  return values;
}

/** The request as the fields of an operation see it. */
export function sourceOf(message: Message, members: ReadonlyMap<string, unknown> = NO_MEMBERS): FieldSource {
  return {
    header: (name) => message.header(name),
    query: (name) => message.query.get(name),
    member: (name) => members.get(name) ?? undefined,
  };
}

/** @throws 400 for a request that names no version of the API, or another one. */
export function requireApiVersion(message: Message): void {
  const version = message.header('x-amz-glacier-version');
  if (!version) throw missingParameter('API version');
  if (version !== API_VERSION) {
    throw invalidParameter(`Invalid x-amz-glacier-version: ${version}. This server speaks ${API_VERSION}.`);
  }
}

function requireFields(operation: Operation, source: FieldSource): void {
  for (const { required, location, name } of Object.values(operation.fields)) {
    if (required && !source[location](name)) throw missingParameter(name);
  }
}
