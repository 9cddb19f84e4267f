/** `moraine/client` and `moraine/tree-hash` as the package publishes them: their types in a program of a user. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderFor } from '../support/test-servers.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

const PROGRAM = `
import { createClient, download, findConfig, GlacierError, inventory, upload, type Uploaded } from 'moraine/client';
import { treeHash } from 'moraine/tree-hash';

const client = createClient({ ...(await findConfig()), endpoint: 'http://127.0.0.1:4522', region: 'r' });
const stored: Uploaded = await upload(client, { vaultName: 'v', source: { path: 'p' } });
const description: string | null = (await download(client, { vaultName: 'v', archiveId: stored.archiveId, path: 'q' })).description;
for await (const { size } of inventory(client, { vaultName: 'v' })) console.log(size.toFixed(), description);
await client.listVaults().catch((error: unknown) => error instanceof GlacierError && error.status.toFixed());
console.log(treeHash(new Uint8Array(1)).length);
// @ts-expect-error: a job has a type.
await client.initiateJob({ vaultName: 'v' });
// @ts-expect-error: a stream needs its hashes.
await client.uploadArchive({ vaultName: 'v', body: { length: 1, open: () => [] } });
`;

function tsc(args: readonly string[], cwd: string): void {
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...args], { cwd, encoding: 'utf8' });
  assert.equal(status, 0, stdout);
}

describe('the published types', () => {
  it('compile strictly in a program outside of the project', async (t) => {
    const folder = await folderFor(t);
    const installed = join(folder, 'node_modules/moraine');
    await mkdir(installed, { recursive: true });
    await cp(join(ROOT, 'package.json'), join(installed, 'package.json'));
    tsc(['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(installed, 'dist/types')], ROOT);
    // All that a program needs beside the package.
    await symlink(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'));
    await symlink(join(ROOT, 'node_modules/undici-types'), join(folder, 'node_modules/undici-types'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'program.ts'), PROGRAM);
    const settings = [
      '--strict',
      '--noEmit',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--types',
      'node',
    ];
    tsc([...settings, 'program.ts'], folder);
  });
});
