import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Credentials } from '../sign.ts';
import { ConfigError } from './config-error.ts';

/**
 * Runs a profile's `credential_process` without a shell, as the aws cli does, and takes the credentials that it prints.
 * @throws ConfigError that never includes what it printed to standard output: that may be a secret.
 */
export async function credentialsOfProcess(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials> {
  const [program = '', ...args] = splitWords(command);
  const { stdout } = await promisify(execFile)(program, args, { env: { ...env } }).catch((error: unknown) => {
    const { stderr, code } = error as { stderr?: string; code?: unknown };
    throw new ConfigError(`credential_process failed (${String(code)}): ${program}: ${stderr?.trim() ?? ''}`);
  });
  return parseOutput(program, stdout);
}

function parseOutput(program: string, text: string): Credentials {
  const members = asObject(text);
  if (members['Version'] !== 1)
    throw new ConfigError(`credential_process must print a JSON object with "Version": 1: ${program}`);
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = members;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string')
    throw new ConfigError(`credential_process printed no AccessKeyId or no SecretAccessKey: ${program}`);
  const expiresMs = typeof Expiration === 'string' ? Date.parse(Expiration) : undefined;
  if (Number.isNaN(expiresMs))
    throw new ConfigError(`credential_process printed an Expiration that is no date: ${String(Expiration)}`);
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof SessionToken === 'string' ? SessionToken : undefined,
    expiresMs,
  };
}

function asObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Splits a command into words as a POSIX shell does: quotes and backslashes, but nothing is expanded. */
export function splitWords(command: string): string[] {
  const words = command.matchAll(/(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"\\])+/gs);
  return [...words].map(([word]) =>
    word.replaceAll(
      /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/gs,
      (_, escaped, single, double) => escaped ?? single ?? String(double).replaceAll(/\\(["\\])/g, '$1'),
    ),
  );
}
