/** The command line as an administrator uses it beside a running server. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../src/config/errors.ts';
import { runMoraine } from './command.ts';
import type { Credentials } from './server.ts';

export interface Admin {
  /** Runs a command that must succeed; gives its lines. */
  run(...args: string[]): Promise<string[]>;
  /** Runs a command that must give one JSON line. */
  json(...args: string[]): Promise<Record<string, string>>;
  /** Runs a command that must fail as wrong usage; gives what it said. */
  refused(...args: string[]): Promise<string>;
  /** Runs a command that must fail because what it names is not there; gives what it said. */
  notFound(...args: string[]): Promise<string>;
  /** Writes a file to give to a command; gives its path. */
  file(name: string, content: unknown): Promise<string>;
  /** A key of a user, or of an account's root. */
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
