import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../sign.ts';
import { ConfigError } from './config-error.ts';
import { credentialsOfProcess } from './credential-process.ts';
import { parseSharedFile, type Sections, type Settings } from './shared-file.ts';

/** Where to look. */
export interface FindOptions {
  /** As `--profile` of the aws cli: the profile's key has precedence over the environment's. */
  readonly profile?: string | undefined;
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What was found. It can be spread into the options of `createClient`, once endpoint and region are there. */
export interface FoundConfig {
  readonly profile: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** What names the endpoint: a variable, or a profile. */
  readonly endpointFrom: string | undefined;
  /** @throws ConfigError when there are none. */
  readonly credentials: () => Promise<Credentials>;
  /** Certificates of `AWS_CA_BUNDLE` or `ca_bundle`, in PEM. */
  readonly ca: string | undefined;
  /** The environment, for `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
  readonly proxyEnv: Readonly<Record<string, string | undefined>>;
}

/**
 * Finds endpoint, region and credentials as the aws cli does: in the environment, then in the shared files. Never falls
 * back to an endpoint of Amazon.
 * @throws ConfigError for an unknown profile, an unreadable `ca_bundle`, and an explicit profile whose endpoint is not
 * the environment's.
 */
export async function findConfig(options: FindOptions = {}): Promise<FoundConfig> {
  const env = present(options.env ?? process.env);
  const files = await readFiles(env);
  const profile = options.profile ?? env['AWS_PROFILE'] ?? env['AWS_DEFAULT_PROFILE'] ?? 'default';
  const settings = profileOf(files, profile);
  if (!settings && profile !== 'default')
    throw new ConfigError(
      `The profile ${profile} is in neither ${files.configPath} nor ${files.credentialsPath}.`,
    );
  const of: Profile = {
    name: profile,
    explicit: options.profile !== undefined,
    settings: settings ?? new Map(),
  };
  const [endpoint, endpointFrom] = endpointOf(of, files, env);
  const caPath = env['AWS_CA_BUNDLE'] ?? textOf(of.settings, 'ca_bundle');
  return {
    profile,
    region: env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? textOf(of.settings, 'region'),
    endpoint,
    endpointFrom,
    credentials: () => credentialsOf(of, files, env),
    ca: caPath === undefined ? undefined : await readBundle(caPath, env),
    proxyEnv: env,
  };
}

type Environment = Readonly<Record<string, string>>;

/** An empty variable counts as absent. */
function present(env: Readonly<Record<string, string | undefined>>): Environment {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  return Object.fromEntries(entries);
}

interface Files {
  readonly configPath: string;
  readonly credentialsPath: string;
  readonly config: Sections;
  readonly credentials: Sections;
}

async function readFiles(env: Environment): Promise<Files> {
  const folder = join(homeOf(env), '.aws');
  const configPath = expanded(env['AWS_CONFIG_FILE'] ?? join(folder, 'config'), env);
  const credentialsPath = expanded(env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(folder, 'credentials'), env);
  const [config, credentials] = await Promise.all([configPath, credentialsPath].map(readSections));
  return { configPath, credentialsPath, config: config ?? new Map(), credentials: credentials ?? new Map() };
}

const homeOf = (env: Environment): string => env['HOME'] ?? homedir();

function expanded(path: string, env: Environment): string {
  return path.startsWith('~/') ? join(homeOf(env), path.slice(2)) : path;
}

/** A missing file has no sections. @throws ConfigError for one that cannot be read. */
async function readSections(path: string): Promise<Sections> {
  try {
    return parseSharedFile(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw new ConfigError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

async function readBundle(path: string, env: Environment): Promise<string> {
  try {
    return await readFile(expanded(path, env), 'utf8');
  } catch (error) {
    throw new ConfigError(`The CA bundle ${path} cannot be read: ${(error as Error).message}`);
  }
}

interface Profile {
  readonly name: string;
  /** Whether the caller named it, rather than the environment. */
  readonly explicit: boolean;
  readonly settings: Settings;
}

/** The settings of both files; those of the credentials file have precedence. Undefined if neither has the profile. */
function profileOf({ config, credentials }: Files, name: string): Settings | undefined {
  const own = config.get(`profile ${name}`) ?? (name === 'default' ? config.get('default') : undefined);
  const secret = credentials.get(name);
  return own || secret ? new Map([...(own ?? []), ...(secret ?? [])]) : undefined;
}

function textOf(settings: Settings, name: string): string | undefined {
  const value = settings.get(name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The endpoint, and what names it. */
function endpointOf(of: Profile, files: Files, env: Environment): readonly (string | undefined)[] {
  const ignored =
    env['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] ?? textOf(of.settings, 'ignore_configured_endpoint_urls');
  if (ignored?.toLowerCase() === 'true') return [];
  const variable = ['AWS_ENDPOINT_URL_GLACIER', 'AWS_ENDPOINT_URL'].find((name) => env[name] !== undefined);
  const own = profileEndpoint(of.settings, files.config);
  if (variable === undefined) return own === undefined ? [] : [own, `the profile ${of.name}`];
  if (of.explicit && own !== undefined && own !== env[variable])
    throw new ConfigError(
      `The profile ${of.name} has the endpoint ${own}, but ${variable} is ${env[variable]}: unset ${variable}.`,
    );
  return [env[variable], variable];
}

/** The endpoint of the profile's `services` section, or else the profile's own. */
function profileEndpoint(settings: Settings, config: Sections): string | undefined {
  const services = textOf(settings, 'services');
  const glacier = services === undefined ? undefined : config.get(`services ${services}`)?.get('glacier');
  const special = glacier instanceof Map ? glacier.get('endpoint_url') : undefined;
  return special ?? textOf(settings, 'endpoint_url');
}

async function credentialsOf(of: Profile, files: Files, env: Environment): Promise<Credentials> {
  const variables = of.explicit
    ? undefined
    : keyOf('the environment', {
        accessKeyId: env['AWS_ACCESS_KEY_ID'],
        secretAccessKey: env['AWS_SECRET_ACCESS_KEY'],
        sessionToken: env['AWS_SESSION_TOKEN'],
      });
  const stored = variables ?? keyOf(`the profile ${of.name}`, storedKey(of.settings));
  if (stored) return stored;
  const command = textOf(of.settings, 'credential_process');
  if (command !== undefined) return credentialsOfProcess(command, env);
  const other = ['sso_session', 'sso_start_url', 'role_arn', 'login_session'].find((name) =>
    of.settings.has(name),
  );
  if (other !== undefined)
    throw new ConfigError(
      `The profile ${of.name} uses ${other}, which is not supported here: use credential_process instead.`,
    );
  throw new ConfigError(
    `There is no access key in the environment, nor in the profile ${of.name} of ${files.credentialsPath}: ` +
      'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name another profile.',
  );
}

type Key = { readonly [Name in 'accessKeyId' | 'secretAccessKey' | 'sessionToken']: string | undefined };

const storedKey = (settings: Settings): Key => ({
  accessKeyId: textOf(settings, 'aws_access_key_id'),
  secretAccessKey: textOf(settings, 'aws_secret_access_key'),
  sessionToken: textOf(settings, 'aws_session_token'),
});

/** @returns undefined where there is no key. @throws ConfigError for half of one. */
function keyOf(place: string, { accessKeyId, secretAccessKey, sessionToken }: Key): Credentials | undefined {
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new ConfigError(
      `The access key in ${place} has no ${accessKeyId === undefined ? 'id' : 'secret'}.`,
    );
  return { accessKeyId, secretAccessKey, sessionToken };
}
