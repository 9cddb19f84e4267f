/** A data folder made by the version before form 3: test/fixtures/store-v2. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderFor } from './test-servers.ts';

const FIXTURE = fileURLToPath(new URL('../fixtures/store-v2/', import.meta.url));

/** What the server that made the folder acknowledged. */
export interface MadeStore {
  readonly accountId: string;
  readonly region: string;
  /** The bytes are `repeatedBytes(size, from)`. */
  readonly archives: readonly {
    readonly vault: string;
    readonly id: string;
    readonly size: number;
    readonly from: number;
    readonly description: string;
  }[];
  /** A deleted archive. */
  readonly deleted: string;
  /** An upload in progress, with its first part of one MiB. */
  readonly upload: string;
}

export const OLD_STORE = JSON.parse(readFileSync(`${FIXTURE}made.json`, 'utf8')) as MadeStore;

/** Options that start a server over the copy: with its key, and so that old uploads do not expire. */
export const OLD_STORE_START = {
  env: {
    MORAINE_ROOT_ACCESS_KEY_ID: 'FIXTUREROOTKEY000001',
    MORAINE_ROOT_SECRET_ACCESS_KEY: 'fixture-root-secret-0001',
  },
  flags: ['--upload-expiry', '36500d'],
};

/** A copy of the data folder, removed after the test. */
export async function oldStore(t: TestContext): Promise<string> {
  const data = await folderFor(t);
  const { status, stderr } = spawnSync('tar', ['-xzf', `${FIXTURE}data.tar.gz`, '-C', data]);
  if (status !== 0) throw new Error(`the fixture cannot be unpacked: ${stderr}`);
  return data;
}
