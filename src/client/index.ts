/** A client of archive servers that speak the Glacier API. Published as `moraine/client`. */
export { type ClientOptions, createClient, type GlacierClient } from './client.ts';
export { ConfigError } from './config/config-error.ts';
export { type FindOptions, type FoundConfig, findConfig } from './config/find-config.ts';
export { ConnectionError, GlacierError, HashMismatchError } from './errors.ts';
export type { RetryOptions } from './retry.ts';
export { type Runtime, systemRuntime } from './runtime.ts';
export type * from './shapes.ts';
export type { Credentials } from './sign.ts';
export type { Body, ConnectionOptions } from './transport.ts';
