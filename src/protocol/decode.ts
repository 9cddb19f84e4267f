import { missingParameter } from '../domain/errors.ts';
import type { FieldSource } from '../operations/fields.ts';
import type { Operation } from '../operations/operation.ts';
import type { Message } from './message.ts';
import { parseJsonObject } from './small-body.ts';

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
  const source: FieldSource = {
    header: (name) => message.header(name),
    query: (name) => message.query.get(name),
    member: (name) => members.get(name) ?? undefined,
  };
  requireFields(operation, source);
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(operation.fields)) values[name] = field.parse(source);
  return values;
}

function requireFields(operation: Operation, source: FieldSource): void {
  for (const { required, place, name } of Object.values(operation.fields)) {
    if (required && !source[place](name)) throw missingParameter(name);
  }
}
