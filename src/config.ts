/** Every setting, once: its flag, its environment variable, its member in the file, its default, its meaning. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';

/** Exit codes of the command, stated in docs/operating.md. */
export const EXIT = { failed: 1, wrongSettings: 2, notNow: 3, notFound: 4, damaged: 6 } as const;

/** A setting that cannot be used. One clear line for the user. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

/** Something that a command was asked about is not there. One clear line for the user. */
export class NotFound extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotFound';
  }
}

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A timer that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof UNIT_MS;

const duration = z.string().transform((text, check) => {
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * UNIT_MS[unit as Unit];
  check.addIssue('must be a duration such as 10s, 5m, 24h or 7d');
  return z.NEVER;
});

const listen = z.string().transform((text, check): ListenAddress => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  check.addIssue('must be HOST:PORT, such as 127.0.0.1:4522 or [::1]:4522');
  return z.NEVER;
});

const SIZE_UNITS = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

const size = z.string().transform((text, check) => {
  const [, number, unit = ''] = /^(\d{1,12})(KiB|MiB|GiB)?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * SIZE_UNITS[unit as keyof typeof SIZE_UNITS];
  check.addIssue('must be a size such as 64MiB or 1GiB, or 0');
  return z.NEVER;
});

const workers = z.coerce.number('must be a whole number of at least 1').int().min(1).max(256);
const flag = z.union([z.boolean(), z.stringbool()], 'must be true or false');
const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** One setting: `value` is undefined for flags that take none. */
interface Setting {
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

/** `instant`, `aws`, or times for each tier: a tier that is not named takes no time. */
const jobTimes = z.string().transform((text, check): JobTimeSetting => {
  if (text === 'instant' || text === 'aws') return text;
  const times: Partial<Record<(typeof PACES)[number], number>> = {};
  for (const piece of text.split(',')) {
    const [, pace, time] = /^([a-z]+)=(.+)$/.exec(piece.trim()) ?? [];
    const ms = duration.safeParse(time ?? '');
    if (!PACES.includes(pace as never) || !ms.success) {
      check.addIssue(
        'must be instant, aws, or a list such as expedited=2s,standard=10s,bulk=30s,inventory=10s',
      );
      return z.NEVER;
    }
    times[pace as (typeof PACES)[number]] = ms.data;
  }
  return times;
});
const PACES = ['expedited', 'standard', 'bulk', 'inventory'] as const;

/** How long jobs take, as the settings say it; explicit times in ms. */
export type JobTimeSetting = 'instant' | 'aws' | Partial<Record<(typeof PACES)[number], number>>;

/** `live` becomes null, everything else an interval in ms. */
const inventory = z.string().transform((text, check): number | null => {
  if (text === 'live') return null;
  const ms = duration.safeParse(text === 'daily' ? '24h' : text);
  if (ms.success && ms.data > 0) return ms.data;
  check.addIssue('must be live, daily, or an interval such as 6h');
  return z.NEVER;
});

const webhookUrl = z.url({ protocol: /^https?$/, error: 'must be an http: or https: URL' });
const notificationTarget = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('webhook'),
    url: webhookUrl,
    secret: z.string().regex(/^whsec_[A-Za-z0-9+/=]{24,}$/),
  }),
  z.strictObject({ type: z.literal('sns'), endpoint: z.url().optional(), region: z.string().optional() }),
  z.strictObject({
    type: z.literal('sqs'),
    queueUrl: z.url(),
    endpoint: z.url().optional(),
    region: z.string().optional(),
  }),
]);
const notificationTargets = z.record(z.string(), notificationTarget);

const whole = z.coerce
  .number('must be a whole number of at least 0')
  .int()
  .min(0)
  .max(2 ** 31);

/** Names of hosts, separated by commas, in lower case. */
const hostNames = z.string().transform((text, check): readonly string[] => {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  if (names.every((name) => /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name))) return names;
  check.addIssue(
    'must be names of hosts without ports, separated by commas, such as moraine.test,ci.internal',
  );
  return z.NEVER;
});

/** Addresses and networks, separated by commas. */
const networks = z.string().transform((text, check): readonly string[] => {
  const given = text.split(',').map((piece) => piece.trim());
  if (given.every(isNetwork)) return given;
  check.addIssue('must be addresses or networks such as 10.0.0.7,10.1.0.0/16,fd00:1::/64');
  return z.NEVER;
});

function isNetwork(text: string): boolean {
  const [, address = '', prefix = '0'] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 6 ? 128 : 32);
}

/** Shorter ids and secrets of root's key are weak: they can be guessed. Characters. */
export const SHORTEST_STRONG = 16;

const accountId = z.string().regex(/^\d{12}$/, 'must be 12 digits');

/** A certificate chain and its private key, PEM texts that belong together, and the paths of the files they come from. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  readonly files: { readonly cert: string; readonly key: string };
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

type Name = keyof typeof SETTINGS;

/** Root's key as the environment gives it. */
export interface RootKey {
  readonly id: string;
  readonly secret: string;
  /** Its id or its secret has fewer than 16 characters. */
  readonly weak: boolean;
}

/** All settings, checked. Durations in ms. */
export interface Config {
  readonly data: string;
  readonly listen: ListenAddress;
  readonly accountId: string | undefined;
  /** Root's key from the environment. */
  readonly rootKey: RootKey | undefined;
  /** Whether root's key may be weak outside the emulator. */
  readonly allowWeakRootKey: boolean;
  readonly tls: TlsPair | undefined;
  readonly workers: number;
  readonly catalogUrl: string | undefined;
  readonly acceptEmptyStore: boolean;
  readonly acceptCatalog: boolean;
  readonly keepAsideMs: number;
  readonly catalogTimeoutMs: number;
  readonly completeMemoryMs: number;
  readonly uploadExpiryMs: number;
  readonly requestIdleMs: number;
  /** Of one address to one serving process; 0: not bounded. */
  readonly connectionsPerAddress: number;
  /** Addresses and networks in CIDR form that are not bounded so. */
  readonly proxies: readonly string[];
  readonly jobTimes: JobTimeSetting;
  /** Null: live. */
  readonly inventoryIntervalMs: number | null;
  /** Null: not scarce. */
  readonly expeditedCapacity: number | null;
  /** By topic ARN; `*` for all others. */
  readonly notificationTargets: z.infer<typeof notificationTargets>;
  readonly allowLocalWebhooks: boolean;
  /** Bytes; undefined: by the size of the file system. */
  readonly reserveBytes: number | undefined;
  readonly emulator: boolean;
  /** Names with a dot by which the emulator's controls may be reached, in lower case. */
  readonly emulatorHosts: readonly string[];
  /** The emulator lets any unknown access key in as root. */
  readonly emulatorAnyKey: boolean;
  readonly seed: number;
  readonly maxStopLeapMs: number;
  readonly logLevel: z.infer<typeof logLevel>;
  /** npm or npx started this process: it ends when they do. */
  readonly startedByNpm: boolean;
}

/** `MORAINE_ACCOUNT_ID` of `account-id`. */
export function environmentName(name: string): string {
  return `MORAINE_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Puts the settings together: flags win over the environment, the environment over the file.
 * @param flags by flag name; only those that were given.
 * @throws SettingError with one line that names the setting, where it came from and what it must be.
 */
export function readConfig(flags: Readonly<Record<string, unknown>>): Config {
  const environment = fromEnvironment(process.env);
  const early = { ...environment, ...flags } as Partial<Record<Name, string>>;
  const file = fromFile(early.config, dataPath(flags));
  const read = <N extends Name>(name: N) => readSetting(name, [flags, environment, file]);
  const config = {
    data: read('data'),
    listen: read('listen'),
    accountId: read('account-id'),
    rootKey: rootKeyOf(read('root-access-key-id'), read('root-secret-access-key')),
    allowWeakRootKey: read('allow-weak-root-key'),
    tls: readTls(read('tls-cert'), read('tls-key')),
    // The emulator's clock is turned in one process.
    workers: read('emulator') ? 1 : (read('workers') ?? availableParallelism()),
    catalogUrl: read('catalog'),
    acceptEmptyStore: read('accept-empty-store'),
    acceptCatalog: read('accept-catalog'),
    keepAsideMs: read('keep-aside'),
    catalogTimeoutMs: Math.min(read('catalog-timeout'), LONGEST_TIMER_MS),
    completeMemoryMs: read('complete-memory'),
    uploadExpiryMs: read('upload-expiry'),
    requestIdleMs: Math.min(read('request-idle'), LONGEST_TIMER_MS),
    connectionsPerAddress: read('connections-per-address'),
    proxies: read('proxies') ?? [],
    jobTimes: read('job-times'),
    inventoryIntervalMs: read('inventory'),
    expeditedCapacity: read('expedited-capacity') ?? null,
    notificationTargets: readTargets(read('notification-targets')),
    allowLocalWebhooks: read('allow-local-webhooks'),
    reserveBytes: read('reserve'),
    emulator: read('emulator'),
    emulatorHosts: read('emulator-hosts') ?? [],
    emulatorAnyKey: read('emulator-any-key'),
    seed: read('seed'),
    maxStopLeapMs: read('max-stop-leap'),
    logLevel: read('log-level'),
    startedByNpm: process.env['npm_lifecycle_event'] !== undefined,
  };
  requireSafeListen(config.listen, config.tls !== undefined, read('allow-plain-http'));
  return config;
}

/** The path of the data folder, which no settings file can name. @param flags as for `readConfig`. */
export function dataPath(flags: Readonly<Record<string, unknown>>): string {
  const early = { ...fromEnvironment(process.env), ...flags };
  return String(early['data'] ?? SETTINGS.data.default);
}

type Source = Readonly<Record<string, unknown>>;

function readSetting<N extends Name>(
  name: N,
  sources: readonly Source[],
): z.output<(typeof SETTINGS)[N]['schema']> {
  const setting: Setting = SETTINGS[name];
  const found = sources.find((source) => source[name] !== undefined);
  const result = setting.schema.safeParse(found ? found[name] : setting.default);
  if (result.success) return result.data as z.output<(typeof SETTINGS)[N]['schema']>;
  const where = ['--', environmentName(name), 'settings file: '][found ? sources.indexOf(found) : 0];
  const label = where === '--' ? `--${name}` : where === environmentName(name) ? where : `${where}${name}`;
  const shown = setting.secret || setting.holdsSecret ? '' : ` (${JSON.stringify(found?.[name])})`;
  throw new SettingError(`${label} ${result.error.issues[0]?.message ?? 'is wrong'}${shown}`);
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Source {
  const given = Object.keys(SETTINGS).map((name) => [name, environment[environmentName(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== ''));
}

/** The default file may be missing; one that was named must be there. */
function fromFile(named: string | undefined, data: string): Source {
  const path = named ?? join(data, 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (named === undefined) return {};
    throw new SettingError(`the settings file cannot be read: ${(error as Error).message}`);
  }
  const found = parseFile(path, text);
  const unknown = Object.keys(found).find(
    (name) => !Object.hasOwn(SETTINGS, name) || name === 'data' || name === 'config',
  );
  if (unknown !== undefined) throw new SettingError(`${path}: there is no setting ${unknown} for a file`);
  return Object.fromEntries(
    Object.entries(found).map(([name, value]) => [name, typeof value === 'number' ? String(value) : value]),
  );
}

function parseFile(path: string, text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new SettingError(`${path} is not a JSON object of settings`);
  }
}

function rootKeyOf(id: string | undefined, secret: string | undefined): Config['rootKey'] {
  if (id === undefined && secret === undefined) return undefined;
  if (id !== undefined && secret !== undefined)
    return { id, secret, weak: id.length < SHORTEST_STRONG || secret.length < SHORTEST_STRONG };
  throw new SettingError(
    `${environmentName('root-access-key-id')} and ${environmentName('root-secret-access-key')} must be given together`,
  );
}

function readTls(cert: string | undefined, key: string | undefined): Config['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new SettingError('--tls-cert and --tls-key must be given together');
  return readTlsPair(cert, key);
}

/**
 * @param cert path of the certificate chain. @param key path of the private key.
 * @throws SettingError when they cannot be read, or do not belong together.
 */
export function readTlsPair(cert: string, key: string): TlsPair {
  try {
    const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    createSecureContext(tls);
    return { ...tls, files: { cert, key } };
  } catch (error) {
    throw new SettingError(
      `the files of --tls-cert and --tls-key cannot be used: ${(error as Error).message}`,
    );
  }
}

function readTargets(path: string | undefined): z.infer<typeof notificationTargets> {
  if (path === undefined) return {};
  try {
    return notificationTargets.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const why =
      error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : (error as Error).message;
    throw new SettingError(`the file of --notification-targets cannot be used: ${path}: ${why}`);
  }
}

function requireSafeListen({ host }: ListenAddress, tls: boolean, allowed: boolean): void {
  if (tls || allowed || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)) return;
  throw new SettingError(
    `--listen ${host} is not loopback and there is no TLS: give --tls-cert and --tls-key, or --allow-plain-http behind a proxy`,
  );
}
