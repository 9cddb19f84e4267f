/** The files in the data folder that hold the first key of an account, in a form that AWS tools read. */
import { readFile } from 'node:fs/promises';
import type { AccessKey } from '../domain/access-key-catalog.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import { type DataFolder, writeDurably } from './data-folder.ts';

const NOTE = '#: ';

/** Paths that may hold the first key of an account. The second is used if the first holds another account's key. */
export function credentialFiles({ rootCredentials }: DataFolder, accountId: string): readonly string[] {
  return [rootCredentials, `${rootCredentials}-${accountId}`];
}

/** The text of a credentials file. */
export function credentialsText(accountId: string, id: string, secret: string): string {
  const lines = [
    `# Root of account ${accountId}, in the form of the AWS shared credentials file.`,
    '[default]',
    `aws_access_key_id = ${id}`,
    `aws_secret_access_key = ${secret}`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Updates the file that holds this key, so that no tool signs with a key that does not work. Comments out the lines of a
 * disabled key, removes those of a deleted key, and restores those of a key that is enabled again. Files that do not name
 * the key stay as they are.
 * @param nowMs for a comment in the file, ms since the epoch.
 * @throws the I/O error.
 */
export async function markCredentials(
  folder: DataFolder,
  { id, account, userNo }: AccessKey,
  to: 'active' | 'disabled' | 'deleted',
  nowMs: number,
): Promise<void> {
  if (userNo !== null) return;
  for (const path of credentialFiles(folder, account)) {
    const text = await readFile(path, 'utf8').catch(undefinedIfMissing);
    if (text?.includes(id)) await writeDurably(path, markStatus(text, id, to, nowMs));
  }
}

function markStatus(text: string, id: string, to: 'active' | 'disabled' | 'deleted', nowMs: number): string {
  const lines = text.split('\n').filter((line) => !line.startsWith(NOTE));
  const at = lines.findIndex((line) => line.includes(`aws_access_key_id = ${id}`));
  if (at < 0) return text;
  // The key's profile: its title, if that is the line above, and its secret, if that is the line below.
  const first = /^#?\[.*\]$/.test(lines[at - 1] ?? '') ? at - 1 : at;
  const last = /^#?aws_secret_access_key = /.test(lines[at + 1] ?? '') ? at + 1 : at;
  const own = lines.slice(first, last + 1).map((line) => line.replace(/^#/, ''));
  const on = new Date(nowMs).toISOString();
  const another = 'create another with `key create`';
  const now = {
    active: own,
    disabled: [
      `${NOTE}${id} was disabled on ${on}: enable it with \`key enable\`, or ${another}.`,
      ...own.map((line) => `#${line}`),
    ],
    deleted: [`${NOTE}The key in this file was deleted on ${on}: ${another}.`],
  }[to];
  return [...lines.slice(0, first), ...now, ...lines.slice(last + 1)].join('\n');
}
