import { ApiError, invalidParameter } from '../domain/errors.ts';
import type { Operation } from '../operations/operation.ts';
import type { Message } from './message.ts';

/** An operation and what stood in its path. */
export interface Route {
  readonly operation: Operation;
  readonly account: string;
  /** Empty for account-level operations. */
  readonly vaultName: string;
  /** The archive, upload, job or lock id; empty where there is none. */
  readonly id: string;
}

interface Pattern {
  readonly operation: Operation;
  readonly segments: readonly string[];
}

/** Finds the operation of a request. */
export type Router = (message: Message) => Route;

/**
 * A router over the table of operations.
 * The router throws 404 `UnknownOperationException` for a method and path that are none, and 400 for a tag
 * request that says neither `add` nor `remove`.
 */
export function createRouter(operations: readonly Operation[]): Router {
  const patterns = operations.map((operation) => ({
    operation,
    segments: operation.path.slice(1).split('/'),
  }));
  return (message) => {
    const segments = withoutTrailingSlash(message.segments);
    const fitting = patterns.filter((pattern) => fits(pattern, message.method, segments));
    if (fitting.length === 0) throw unknownOperation(message);
    const wanted = message.query.get('operation');
    const found = fitting.find(({ operation }) => !operation.query || operation.query.operation === wanted);
    if (!found) throw invalidParameter(`Invalid operation: ${wanted ?? 'null'}. It must be add or remove.`);
    return toRoute(found, segments);
  };
}

/** `/{account}/vaults/` is ListVaults too. */
function withoutTrailingSlash(segments: readonly string[]): readonly string[] {
  return segments.length === 3 && segments[1] === 'vaults' && segments[2] === ''
    ? segments.slice(0, 2)
    : segments;
}

function fits(
  { operation, segments: pattern }: Pattern,
  method: string,
  segments: readonly string[],
): boolean {
  if (operation.method !== method || pattern.length !== segments.length) return false;
  return pattern.every((want, i) => want.startsWith('{') || want === segments[i]);
}

function toRoute({ operation, segments: pattern }: Pattern, segments: readonly string[]): Route {
  const at = (name: RegExp) => segments[pattern.findIndex((want) => name.test(want))] ?? '';
  return {
    operation,
    account: at(/^{accountId}$/),
    vaultName: at(/^{vaultName}$/),
    id: at(/^{(?:archive|upload|job|lock)Id}$/),
  };
}

function unknownOperation({ method, target }: Message): Error {
  const path = target.split('?', 1)[0]?.slice(0, 200);
  return new ApiError('UnknownOperationException', `There is no operation ${method} ${path}`);
}
