/** Reads all settings from flags, environment and settings file, and checks them. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import * as z from 'zod';
import { SettingError } from './errors.ts';
import { environmentName, type Name, SETTINGS, type Setting } from './settings.ts';
import {
  type JobTimeSetting,
  type ListenAddress,
  LONGEST_TIMER_MS,
  type logLevel,
  notificationTargets,
  SHORTEST_STRONG,
} from './values.ts';

/** A certificate chain and its private key as PEM texts, with the paths of their files. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
  readonly files: { readonly cert: string; readonly key: string };
}

/** Root's key from the environment. */
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
  /** Number of processes that serve. */
  readonly workers: number;
  /** Whether that is the most: one serves, and others only while the load asks for them. */
  readonly growing: boolean;
  readonly catalogUrl: string | undefined;
  readonly acceptEmptyStore: boolean;
  readonly acceptCatalog: boolean;
  readonly keepAsideMs: number;
  /** How often every stored byte is read and compared with its hashes. */
  readonly scrubPeriodMs: number;
  readonly catalogTimeoutMs: number;
  readonly completeMemoryMs: number;
  readonly uploadExpiryMs: number;
  readonly requestIdleMs: number;
  /** Limit for one address to one serving process; 0: none. */
  readonly connectionsPerAddress: number;
  /** Addresses and networks in CIDR form to which that limit does not apply. */
  readonly proxies: readonly string[];
  readonly jobTimes: JobTimeSetting;
  /** Null: live. */
  readonly inventoryIntervalMs: number | null;
  readonly directReads: 'on' | 'off' | 'counted';
  /** Null: unlimited. */
  readonly expeditedCapacity: number | null;
  /** Targets by topic ARN; `*` for all other topics. */
  readonly notificationTargets: z.infer<typeof notificationTargets>;
  readonly allowLocalWebhooks: boolean;
  /** Gets messages about damaged bytes; null: no topic does. */
  readonly damageTopic: string | null;
  /** Bytes; undefined: depends on the size of the file system. */
  readonly reserveBytes: number | undefined;
  readonly emulator: boolean;
  /** Host names with a dot that may be used to reach the emulator's controls, in lower case. */
  readonly emulatorHosts: readonly string[];
  /** The emulator accepts any unknown access key as root. */
  readonly emulatorAnyKey: boolean;
  readonly seed: number;
  readonly maxStopLeapMs: number;
  readonly logLevel: z.infer<typeof logLevel>;
  /** Whether npm or npx started this process; it then ends when they do. */
  readonly startedByNpm: boolean;
}

/**
 * Reads the settings. Flags override the environment, and the environment overrides the file.
 * @param flags the given flags, by name. @param readPair reads the certificate and its key.
 * @throws SettingError that names the setting, its source and what it must be.
 */
export function readConfig(flags: Readonly<Record<string, unknown>>, readPair = readTlsPair): Config {
  const environment = fromEnvironment(process.env);
  const early = { ...environment, ...flags } as Partial<Record<Name, string>>;
  const file = fromFile(early.config, dataPath(flags));
  const read = <N extends Name>(name: N) => readSetting(name, [flags, environment, file]);
  // The emulator's clock is set in one process only.
  const workers = read('emulator') ? 1 : read('workers');
  const config = {
    data: read('data'),
    listen: read('listen'),
    accountId: read('account-id'),
    rootKey: rootKeyOf(read('root-access-key-id'), read('root-secret-access-key')),
    allowWeakRootKey: read('allow-weak-root-key'),
    tls: readTls(read('tls-cert'), read('tls-key'), readPair),
    workers: workers ?? availableParallelism(),
    // Elsewhere one process would have to distribute the connections of all.
    growing: workers === undefined && process.platform === 'linux',
    catalogUrl: read('catalog'),
    acceptEmptyStore: read('accept-empty-store'),
    acceptCatalog: read('accept-catalog'),
    keepAsideMs: read('keep-aside'),
    scrubPeriodMs: read('scrub-period'),
    catalogTimeoutMs: Math.min(read('catalog-timeout'), LONGEST_TIMER_MS),
    completeMemoryMs: read('complete-memory'),
    uploadExpiryMs: read('upload-expiry'),
    requestIdleMs: Math.min(read('request-idle'), LONGEST_TIMER_MS),
    connectionsPerAddress: read('connections-per-address'),
    proxies: read('proxies') ?? [],
    jobTimes: read('job-times'),
    inventoryIntervalMs: read('inventory'),
    directReads: read('direct-reads'),
    expeditedCapacity: read('expedited-capacity') ?? null,
    notificationTargets: readNotificationTargets(read('notification-targets')),
    allowLocalWebhooks: read('allow-local-webhooks'),
    damageTopic: read('damage-topic') ?? null,
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

/** The path of the data folder. A settings file cannot set it. @param flags as for `readConfig`. */
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

/** Reads the settings file. The default file may be missing; a named one must exist. */
function fromFile(named: string | undefined, data: string): Source {
  const path = named ?? join(data, 'config.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (named === undefined) return {};
    throw new SettingError(`cannot read the settings file: ${(error as Error).message}`);
  }
  const found = parseFile(path, text);
  const unknown = Object.keys(found).find(
    (name) => !Object.hasOwn(SETTINGS, name) || name === 'data' || name === 'config',
  );
  if (unknown !== undefined)
    throw new SettingError(`${path}: ${unknown} is not a setting that a file can have`);
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

function readTls(
  cert: string | undefined,
  key: string | undefined,
  readPair: typeof readTlsPair,
): Config['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new SettingError('--tls-cert and --tls-key must be given together');
  return readPair(cert, key);
}

/**
 * Reads a certificate chain and its private key.
 * @param cert path of the chain. @param key path of the key.
 * @throws SettingError when a file cannot be read, or the two do not belong together.
 */
export function readTlsPair(cert: string, key: string): TlsPair {
  try {
    const tls = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    createSecureContext(tls);
    return { ...tls, files: { cert, key } };
  } catch (error) {
    throw new SettingError(`cannot use the files of --tls-cert and --tls-key: ${(error as Error).message}`);
  }
}

function readNotificationTargets(path: string | undefined): z.infer<typeof notificationTargets> {
  if (path === undefined) return {};
  try {
    return notificationTargets.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const why =
      error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : (error as Error).message;
    throw new SettingError(`cannot use the file of --notification-targets: ${path}: ${why}`);
  }
}

function requireSafeListen({ host }: ListenAddress, tls: boolean, allowed: boolean): void {
  if (tls || allowed || host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)) return;
  throw new SettingError(
    `--listen ${host} is not loopback, so it needs TLS: give --tls-cert and --tls-key, or --allow-plain-http behind a TLS proxy`,
  );
}
