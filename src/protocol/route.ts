import { invalidParameter } from '../domain/errors.ts';
import type { Operation } from '../operations/operation.ts';
import type { Message } from './message.ts';
import { ApiError } from './wire-error.ts';

/** An operation and the values in its path. */
export interface Route {
  readonly operation: Operation;
  readonly account: string;
  /** Empty for account-level operations. */
  readonly vaultName: string;
  /** The archive, upload, job, lock or task id; empty where there is none. */
  readonly id: string;
  /** The id's name in the path: `archiveId`, `uploadId`, `jobId`, `lockId` or `taskId`; undefined where there is none. */
  readonly idName: string | undefined;
}

/** A path of the table. Indices are those of segments, or -1. */
interface Pattern {
  readonly operation: Operation;
  readonly method: string;
  /** The text that each segment must have; undefined for a parameter. */
  readonly pathSegments: readonly (string | undefined)[];
  readonly accountIndex: number;
  readonly vaultNameIndex: number;
  readonly idIndex: number;
  readonly idName: string | undefined;
}

/** Finds the operation of a request. */
export type Router = (message: Message) => Route;

/**
 * A router over the table of operations.
 * It throws 404 `UnknownOperationException` for an unknown method or path, and 400 for a tag request whose `operation` is
 * neither `add` nor `remove`.
 */
export function createRouter(operations: readonly Operation[]): Router {
  const patterns = Map.groupBy(operations.flatMap(patternsOf), ({ method, pathSegments }) =>
    shapeOf(method, pathSegments.length),
  );
  return (message) => {
    const { pathSegments } = message;
    const alike = patterns.get(shapeOf(message.method, pathSegments.length)) ?? [];
    const fitting = alike.filter((pattern) => fits(pattern, pathSegments));
    if (fitting.length === 0) throw unknownOperation(message);
    const found =
      fitting.find(({ operation: { query } }) => query && message.query.get(query.name) === query.value) ??
      fitting.find(({ operation: { query } }) => !query);
    if (!found) {
      const wanted = message.query.get('operation') ?? 'null';
      throw invalidParameter(`Invalid operation: ${wanted}. It must be add or remove.`);
    }
    return toRoute(found, pathSegments);
  };
}

function patternsOf(operation: Operation): readonly Pattern[] {
  const pattern = patternOf(operation);
  return operation.alsoHead ? [pattern, { ...pattern, method: 'HEAD' }] : [pattern];
}

function patternOf(operation: Operation): Pattern {
  const names = operation.path.slice(1).split('/');
  const idIndex = names.findIndex((name) => /^{(?:archive|upload|job|lock|task)Id}$/.test(name));
  return {
    operation,
    method: operation.method,
    pathSegments: names.map((name) => (name.startsWith('{') ? undefined : name)),
    accountIndex: names.indexOf('{accountId}'),
    vaultNameIndex: names.indexOf('{vaultName}'),
    idIndex,
    idName: names[idIndex]?.slice(1, -1),
  };
}

/** A request fits only patterns of its own shape. */
function shapeOf(method: string, segments: number): string {
  return `${segments} ${method}`;
}

function fits({ pathSegments: pattern }: Pattern, segments: readonly string[]): boolean {
  return pattern.every((want, i) => want === undefined || want === segments[i]);
}

function toRoute(
  { operation, accountIndex, vaultNameIndex, idIndex, idName }: Pattern,
  segments: readonly string[],
): Route {
  return {
    operation,
    account: segments[accountIndex] ?? '',
    vaultName: segments[vaultNameIndex] ?? '',
    id: segments[idIndex] ?? '',
    idName,
  };
}

function unknownOperation({ method, path }: Message): Error {
  return new ApiError('UnknownOperationException', `There is no operation ${method} ${path.slice(0, 200)}`);
}
