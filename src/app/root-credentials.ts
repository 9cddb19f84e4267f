/** The files in the data folder that hold the first key of an account, in the form that AWS tools read. */
import { readFile } from 'node:fs/promises';
import type { AccessKey } from '../domain/access-key-catalog.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import { type DataFolder, writeDurably } from './data-folder.ts';

const NOTE = '#: ';

/** Where the first key of an account may be: the second where the first has that of another account. */
export function credentialFiles({ rootCredentials }: DataFolder, accountId: string): readonly string[] {
  return [rootCredentials, `${rootCredentials}-${accountId}`];
}

/** The text of such a file. */
export function credentialsText(accountId: string, id: string, secret: string): string {
  const lines = [
    `# Root of account ${accountId}. Form of the shared credentials file of AWS tools.`,
    '[default]',
    `aws_access_key_id = ${id}`,
    `aws_secret_access_key = ${secret}`,
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Brings the file that holds this key in line with what was done to it, so that no tool signs with a key that does not
 * work: the lines of a disabled key are commented out, those of a deleted key are removed with its secret, and those of a
 * key that is enabled again come back. A file that does not name the key is left alone.
 * @param nowMs for the remark in the file, ms since the epoch.
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
  // The profile that names the key: its title, if it is the line above, and its secret, if it is the line below.
  const first = /^#?\[.*\]$/.test(lines[at - 1] ?? '') ? at - 1 : at;
  const last = /^#?aws_secret_access_key = /.test(lines[at + 1] ?? '') ? at + 1 : at;
  const own = lines.slice(first, last + 1).map((line) => line.replace(/^#/, ''));
  const on = new Date(nowMs).toISOString();
  const another = 'make another with `key create`';
  const now = {
    active: own,
    disabled: [
      `${NOTE}${id} was disabled on ${on}: enable it with \`key enable\`, or ${another}.`,
      ...own.map((line) => `#${line}`),
    ],
    deleted: [`${NOTE}The key that was here was deleted on ${on}: ${another}.`],
  }[to];
  return [...lines.slice(0, first), ...now, ...lines.slice(last + 1)].join('\n');
}
