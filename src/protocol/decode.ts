import { invalidParameter, missingParameter } from '../domain/errors.ts';
import type { FieldSource } from '../operations/fields.ts';
import type { Members, Operation } from '../operations/operation.ts';
import { JsonBody } from './json-body.ts';
import type { Message } from './message.ts';

const API_VERSION = '2012-06-01';

/**
 * The values of an operation's fields. Missing ones are reported before bad ones (order of checks).
 * @throws 400 that names the first missing parameter, or the first bad value; 400 for a body that is not a JSON object.
 */
export function decodeFields(
  operation: Operation,
  message: Message,
  json: JsonBody,
): Record<string, unknown> {
  const source = sourceOf(message, json.members());
  requireFields(operation, source);
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(operation.fields)) values[name] = field.parse(source);
  return values;
}

/** The parts of a request that an operation's fields read. */
export function sourceOf(message: Message, members: Members = JsonBody.NONE.members()): FieldSource {
  return {
    header: (name) => message.header(name),
    query: (name) => message.query.get(name),
    member: (name) => members.get(name) ?? undefined,
  };
}

/** @throws 400 for a request with no API version, or another one. */
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
