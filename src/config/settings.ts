/** Every setting, once: its flag, its form, its default and what it is for. */
import { z } from 'zod';
import {
  accountId,
  duration,
  flag,
  hostNames,
  inventory,
  jobTimes,
  listen,
  logLevel,
  networks,
  size,
  whole,
  workers,
} from './values.ts';

/** One setting: `value` is undefined for flags that take none. */
export interface Setting {
  readonly schema: z.ZodType;
  readonly value?: string;
  readonly default?: string | boolean;
  /** Said instead of the default in the documentation. */
  readonly defaultText?: string;
  readonly about: string;
  /** Not offered as a flag: command lines show in process lists. */
  readonly secret?: true;
  /** May have a secret in it, so a value that is refused is not shown. */
  readonly holdsSecret?: true;
}

/** By the name of the flag; the environment's name is MORAINE_ and the same in upper snake case. */
export const SETTINGS = {
  data: { schema: z.string().min(1), value: 'FOLDER', default: './moraine-data', about: 'data folder' },
  config: {
    schema: z.string().min(1).optional(),
    value: 'FILE',
    defaultText: 'config.json in the data folder',
    about: 'settings file: a JSON object, members named as the flags',
  },
  listen: {
    schema: listen,
    value: 'HOST:PORT',
    default: '127.0.0.1:4522',
    about: 'listen address; port 0 takes a free one',
  },
  'account-id': {
    schema: accountId.optional(),
    value: 'DIGITS',
    defaultText: 'made at first start',
    about: 'account id, 12 digits',
  },
  'root-access-key-id': {
    schema: z
      .string()
      .regex(/^\w{1,128}$/, 'must be 1 to 128 letters and digits')
      .optional(),
    defaultText: 'made at first start',
    about: "root's access key id; together with the secret, holds at each start",
    secret: true,
  },
  'root-secret-access-key': {
    schema: z.string().min(1).max(256, 'must have at most 256 characters').optional(),
    defaultText: 'made at first start',
    about: "root's secret access key",
    secret: true,
  },
  'allow-weak-root-key': {
    schema: flag,
    default: false,
    about:
      "allow an id or a secret of root's key below 16 characters, such as test, outside the emulator; not with a locked vault",
  },
  'tls-cert': {
    schema: z.string().optional(),
    value: 'FILE',
    defaultText: 'plain HTTP',
    about: 'certificate chain, PEM',
  },
  'tls-key': {
    schema: z.string().optional(),
    value: 'FILE',
    defaultText: 'plain HTTP',
    about: 'private key, PEM',
  },
  'allow-plain-http': {
    schema: flag,
    default: false,
    about: 'allow plain HTTP on an address that is not loopback, behind a proxy that speaks TLS',
  },
  workers: {
    schema: workers.optional(),
    value: 'N',
    defaultText: 'number of cores',
    about: 'serving processes',
  },
  catalog: {
    schema: z
      .string()
      .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
      .optional(),
    value: 'URL',
    defaultText: 'SQLite in the data folder',
    about: 'catalog database: postgres://user:password@host:port/database',
    holdsSecret: true,
  },
  'accept-empty-store': {
    schema: flag,
    default: false,
    about:
      'for one start: serve although the store is not there, lacks folders or is older than the catalog; archives that it lacks cannot be read',
  },
  'accept-catalog': {
    schema: flag,
    default: false,
    about:
      'for one start: serve with a catalog that is not the one that store and data folder belong to, or with an empty one',
  },
  'keep-aside': {
    schema: duration,
    value: 'TIME',
    default: '7d',
    about: 'how long blobs are kept that a start found in the store but not in the catalog',
  },
  'catalog-timeout': {
    schema: duration.refine((ms) => ms >= 100, 'must be at least 100ms'),
    value: 'TIME',
    default: '10s',
    about: 'how long a PostgreSQL catalog may take to connect, and for a statement',
  },
  'complete-memory': {
    schema: duration,
    value: 'TIME',
    default: '24h',
    about: 'how long a Complete or Abort may be repeated',
  },
  'upload-expiry': {
    schema: duration,
    value: 'TIME',
    default: '24h',
    about: 'multipart uploads without activity for this long are removed',
  },
  'request-idle': {
    schema: duration,
    value: 'TIME',
    default: '60s',
    about: 'how long a request body may bring no byte (then 408), or a download move no MiB',
  },
  'connections-per-address': {
    schema: whole,
    value: 'N',
    default: '256',
    about:
      'connections that one IPv4 address or IPv6 /64 may hold to each serving process; 0: any number. Loopback and proxies are not bounded',
  },
  proxies: {
    schema: networks.optional(),
    value: 'LIST',
    defaultText: 'none',
    about: 'addresses of proxies, whose connections are not bounded by address: 10.0.0.7,fd00:1::/64',
  },
  'job-times': {
    schema: jobTimes,
    value: 'TIMES',
    default: 'instant',
    about:
      'how long jobs take: instant, aws (as the service says), or expedited=2s,standard=10s,bulk=30s,inventory=10s',
  },
  inventory: {
    schema: inventory,
    value: 'WHEN',
    default: 'live',
    about:
      'what inventories and counts show: live, or the state of a snapshot taken daily or at an interval such as 6h',
  },
  'expedited-capacity': {
    schema: whole.optional(),
    value: 'N',
    defaultText: 'not scarce',
    about: 'Expedited retrievals in five minutes without provisioned capacity; more are refused',
  },
  'notification-targets': {
    schema: z.string().min(1).optional(),
    value: 'FILE',
    defaultText: 'none',
    about: 'JSON file that maps topic ARNs to webhooks, SNS endpoints or SQS queues',
  },
  'allow-local-webhooks': {
    schema: flag,
    default: false,
    about: 'allow webhooks on link-local, private and loopback addresses',
  },
  reserve: {
    schema: size.optional(),
    value: 'SIZE',
    defaultText: '64MiB, or a sixteenth of the file system if that is less',
    about:
      'room that uploads leave on each disk, for deletions, retrievals and records when it is full; 0 for none',
  },
  emulator: {
    schema: flag,
    default: false,
    about: 'for tests of other software: a clock that can be set, resets and faults under /_moraine/emulator',
  },
  'emulator-hosts': {
    schema: hostNames.optional(),
    value: 'NAMES',
    defaultText: 'none',
    about:
      'names with a dot by which the emulator controls may be reached, separated by commas; others need an IP address, localhost or a name without a dot',
  },
  'emulator-any-key': {
    schema: flag,
    default: false,
    about:
      'in the emulator, let any unknown access key in as root without checking its signature; 12 digits name the account',
  },
  seed: { schema: whole, value: 'N', default: '1', about: 'seed of the spread of job times' },
  'max-stop-leap': {
    schema: duration,
    value: 'TIME',
    default: '366d',
    about: 'a stop longer than this does not age locked archives until `moraine lock confirm-time`',
  },
  'log-level': {
    schema: logLevel,
    value: 'LEVEL',
    default: 'info',
    about: 'trace, debug (each request), info, warn, error, fatal or silent',
  },
} as const satisfies Record<string, Setting>;

export type Name = keyof typeof SETTINGS;

/** `MORAINE_ACCOUNT_ID` of `account-id`. */
export function environmentName(name: string): string {
  return `MORAINE_${name.toUpperCase().replaceAll('-', '_')}`;
}
