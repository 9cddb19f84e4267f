/** All settings: flag, form, default and help text of each. */
import * as z from 'zod';
import {
  accountId,
  directReads,
  duration,
  flag,
  hostNames,
  inventory,
  jobTimes,
  listen,
  logLevel,
  networks,
  size,
  topic,
  whole,
  workers,
} from './values.ts';

/** One setting. `value` is undefined for flags without a value. */
export interface Setting {
  readonly schema: z.ZodType;
  readonly value?: string;
  readonly default?: string | boolean;
  /** Shown in place of the default. */
  readonly defaultText?: string;
  readonly about: string;
  /** Has no flag, because process lists show command lines. */
  readonly secret?: true;
  /** May contain a secret, so error messages do not show the value. */
  readonly holdsSecret?: true;
}

/** Settings by the name of their flag. `environmentName` gives the environment variable. */
export const SETTINGS = {
  data: { schema: z.string().min(1), value: 'FOLDER', default: './moraine-data', about: 'data folder' },
  config: {
    schema: z.string().min(1).optional(),
    value: 'FILE',
    defaultText: 'config.json in the data folder',
    about: 'settings file: a JSON object whose members are named like the flags',
  },
  listen: {
    schema: listen,
    value: 'HOST:PORT',
    default: '127.0.0.1:4522',
    about: 'listen address; port 0 picks a free port',
  },
  'account-id': {
    schema: accountId.optional(),
    value: 'DIGITS',
    defaultText: 'generated at first start',
    about: 'account id, 12 digits',
  },
  'root-access-key-id': {
    schema: z
      .string()
      .regex(/^\w{1,128}$/, 'must be 1 to 128 letters and digits')
      .optional(),
    defaultText: 'generated at first start',
    about: "root's access key id; if it and the secret are given, each start uses them",
    secret: true,
  },
  'root-secret-access-key': {
    schema: z.string().min(1).max(256, 'must have at most 256 characters').optional(),
    defaultText: 'generated at first start',
    about: "root's secret access key",
    secret: true,
  },
  'allow-weak-root-key': {
    schema: flag,
    default: false,
    about:
      "allow an id or secret of root's key shorter than 16 characters, such as test, outside the emulator; never with a locked vault",
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
    about: 'allow plain HTTP on an address that is not loopback; meant for a server behind a TLS proxy',
  },
  workers: {
    schema: workers.optional(),
    value: 'N',
    defaultText: '1, and up to the number of cores while the load asks for them',
    about: 'fixed number of serving processes',
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
      'for one start: serve even if the store is missing, lacks folders, or is older than the catalog; archives that it lacks cannot be read',
  },
  'accept-catalog': {
    schema: flag,
    default: false,
    about:
      'for one start: serve even if the catalog is empty, or is not the one that the store and the data folder belong to',
  },
  'keep-aside': {
    schema: duration,
    value: 'TIME',
    default: '7d',
    about: 'how long to keep blobs that a start found in the store but not in the catalog',
  },
  'scrub-period': {
    schema: duration.refine((ms) => ms >= 3_600_000, 'must be at least 1h'),
    value: 'TIME',
    default: '7d',
    about: 'how often to read every stored byte and compare it with its hashes',
  },
  'catalog-timeout': {
    schema: duration.refine((ms) => ms >= 100, 'must be at least 100ms'),
    value: 'TIME',
    default: '10s',
    about: 'time limit for connecting to a PostgreSQL catalog, and for each statement',
  },
  'complete-memory': {
    schema: duration,
    value: 'TIME',
    default: '24h',
    about: 'how long a repeated Complete or Abort gets the same answer',
  },
  'upload-expiry': {
    schema: duration,
    value: 'TIME',
    default: '24h',
    about: 'multipart uploads are removed after this long without activity',
  },
  'request-idle': {
    schema: duration,
    value: 'TIME',
    default: '60s',
    about: 'how long a request body may send no byte (then 408), or a download may take for each MiB',
  },
  'connections-per-address': {
    schema: whole,
    value: 'N',
    default: '256',
    about:
      'connections that one IPv4 address or IPv6 /64 may hold to each serving process; 0 for no limit. Loopback and proxies have no limit',
  },
  proxies: {
    schema: networks.optional(),
    value: 'LIST',
    defaultText: 'none',
    about: 'addresses of proxies, which may hold any number of connections: 10.0.0.7,fd00:1::/64',
  },
  'job-times': {
    schema: jobTimes,
    value: 'TIMES',
    default: 'instant',
    about:
      'how long jobs take: instant, aws (as on Amazon Glacier), or expedited=2s,standard=10s,bulk=30s,inventory=10s',
  },
  inventory: {
    schema: inventory,
    value: 'WHEN',
    default: 'live',
    about:
      'what inventories and counts show: the live state, or a snapshot taken daily or at an interval such as 6h',
  },
  'direct-reads': {
    schema: directReads,
    value: 'HOW',
    default: 'on',
    about:
      'GetArchive, which reads archives without a job: on, off (refused), or counted against data retrieval policies',
  },
  'expedited-capacity': {
    schema: whole.optional(),
    value: 'N',
    defaultText: 'unlimited',
    about:
      'Expedited retrievals allowed in five minutes without provisioned capacity; further ones are refused',
  },
  'notification-targets': {
    schema: z.string().min(1).optional(),
    value: 'FILE',
    defaultText: 'none',
    about: 'JSON file that maps topic ARNs to webhooks, SNS endpoints or SQS queues',
  },
  'damage-topic': {
    schema: topic.optional(),
    value: 'ARN',
    defaultText: 'none',
    about:
      'topic that gets a message when stored bytes are found damaged; --notification-targets says where it goes',
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
      'room that uploads leave free on each disk for deletions, retrievals and the audit log; 0 for none',
  },
  emulator: {
    schema: flag,
    default: false,
    about:
      'for testing other software: controls under /_moraine/emulator set the clock, reset the data and cause faults',
  },
  'emulator-hosts': {
    schema: hostNames.optional(),
    value: 'NAMES',
    defaultText: 'none',
    about:
      'host names with a dot that may be used to reach the emulator controls, separated by commas; IP addresses, localhost and names without a dot always may',
  },
  'emulator-any-key': {
    schema: flag,
    default: false,
    about:
      'in the emulator, accept any unknown access key as root without checking its signature; a key of 12 digits names the account',
  },
  seed: { schema: whole, value: 'N', default: '1', about: 'seed for the random part of job times' },
  'max-stop-leap': {
    schema: duration,
    value: 'TIME',
    default: '366d',
    about: 'a stop longer than this does not age locked archives until `moraine lock confirm-time` runs',
  },
  'log-level': {
    schema: logLevel,
    value: 'LEVEL',
    default: 'info',
    about: 'trace, debug (each request), info, warn, error, fatal or silent',
  },
} as const satisfies Record<string, Setting>;

export type Name = keyof typeof SETTINGS;

/** The environment variable of a setting: `MORAINE_ACCOUNT_ID` for `account-id`. */
export function environmentName(name: string): string {
  return `MORAINE_${name.toUpperCase().replaceAll('-', '_')}`;
}
