/** Runs commands as an administrator does while a server runs. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../src/config/errors.ts';
import { runMoraine } from './command.ts';
import type { Credentials } from './server.ts';

export interface Admin {
  /** Runs a command that must succeed; returns its output lines. */
  run(...args: string[]): Promise<string[]>;
  /** Runs a command that must print one JSON line; returns the value. */
  json(...args: string[]): Promise<Record<string, string>>;
  /** Runs a command that must fail as wrong usage; returns its message. */
  refused(...args: string[]): Promise<string>;
  /** Runs a command that must fail because it names something unknown; returns its message. */
  notFound(...args: string[]): Promise<string>;
  /** Writes a file for a command; returns its path. */
  file(name: string, content: unknown): Promise<string>;
  /** Makes a key for a user, or for the account's root. */
  key(accountId: string, user?: string): Promise<Credentials>;
}

export function adminOf(data: string): Admin {
  const fails = async (expected: number, args: readonly string[]): Promise<string> => {
    const { code, output, errors } = await runMoraine([...args, '--data', data]);
    assert.equal(code, expected, output + errors);
    assert.match(errors, /^moraine: .*\n$/);
    return errors.slice('moraine: '.length, -1);
  };
  const admin: Admin = {
    async run(...args) {
      const { code, output, errors } = await runMoraine([...args, '--data', data]);
      assert.equal(code, 0, errors);
      return output.split('\n').filter((line) => line !== '');
    },
    async json(...args) {
      const lines = await admin.run(...args);
      assert.equal(lines.length, 1, lines.join('\n'));
      return JSON.parse(lines[0] ?? '');
    },
    refused: (...args) => fails(EXIT.wrongSettings, args),
    notFound: (...args) => fails(EXIT.notFound, args),
    async file(name, content) {
      const path = join(data, name);
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    },
    async key(accountId, user) {
      const made = await admin.json(
        'key',
        'create',
        '--account-id',
        accountId,
        ...(user === undefined ? [] : ['--user', user]),
      );
      const { accessKeyId = '', secretAccessKey = '' } = made;
      return { accountId, accessKeyId, secretAccessKey };
    },
  };
  return admin;
}
