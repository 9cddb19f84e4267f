import type { CallOptions } from '../shapes.ts';

/** The options of every call of a transfer. */
export function callOf({ signal, accountId }: CallOptions): CallOptions {
  return { signal, accountId };
}
