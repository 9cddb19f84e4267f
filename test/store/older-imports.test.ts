/** Ids of imports after an older catalog was put back: what the catalog lost must not be confused with what comes later. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { adminOf } from '../support/admin.ts';
import { apiOf, assertEmpty, assertRefusal } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { importArchive } from '../support/imports.ts';
import { unlessPresent } from '../support/require.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/read-store.py', import.meta.url));
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';
const HAS_PYTHON = spawnSync(PYTHON, ['--version'], { stdio: 'ignore' }).status === 0;

interface FoundVault {
  readonly vault: string;
  readonly archives: Readonly<Record<string, { readonly size: number }>>;
}

/** Ids and sizes of the archives in each vault, as the second reader finds them. */
function found(data: string): Record<string, Record<string, number>> {
  const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, '--json', join(data, 'store')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const sizes = ({ archives }: FoundVault) =>
    Object.fromEntries(Object.entries(archives).map(([id, { size }]) => [id, size]));
  return Object.fromEntries((JSON.parse(stdout) as FoundVault[]).map((one) => [one.vault, sizes(one)]));
}

it('are kept apart from those that the catalog lost', {
  skip: unlessPresent(HAS_PYTHON, PYTHON),
}, async (t) => {
  const data = await folderFor(t);
  const first = await serverFor(t, { data });
  for (const name of ['v', 'w']) await apiOf(first).createVault(name);
  assert.equal(await first.stop(), 0);
  await cp(join(data, 'catalog.sqlite'), join(data, 'copy.sqlite'));

  const second = await serverFor(t, { data });
  const lost = { vault: 'v', body: Buffer.from('lost') };
  for (const id of ['deleted', 'lost']) assertEmpty(await importArchive(apiOf(second), id, lost), 201);
  assertEmpty(await apiOf(second).call('DELETE', '/-/vaults/v/archives/deleted'), 204);
  assert.equal(await second.stop(), 0);
  for (const suffix of ['', '-wal', '-shm']) await rm(join(data, `catalog.sqlite${suffix}`), { force: true });
  await cp(join(data, 'copy.sqlite'), join(data, 'catalog.sqlite'));

  const older = await serverFor(t, { data });
  const later = { vault: 'w', body: Buffer.from('later') };
  const refused = await importArchive(apiOf(older), 'lost', later);
  assert.equal(refused.status, 500);
  assert.match(
    refused.text,
    /restored from a backup .* nothing can be imported until it is rebuilt or accepted/,
  );
  assertEmpty(await apiOf(older).call('PUT', '/-/vaults/x'), 201);
  await adminOf(data).run('catalog', 'accept');
  assert.equal(await older.stop(), 0);

  const accepted = await serverFor(t, { data });
  const text = 'This archive ID cannot be used: deleted';
  const used = await importArchive(apiOf(accepted), 'deleted', later);
  assertRefusal(used, 400, 'InvalidParameterValueException', text);
  assertEmpty(await importArchive(apiOf(accepted), 'lost', later), 201);
  await accepted.kill();
  assert.deepEqual(found(data), { v: {}, w: { lost: 5 }, x: {} });
  const { output, code } = await runMoraine(['rebuild', '--data', data, '--replace']);
  assert.equal(code, 0, output);
  const { accessKeyId, secretAccessKey } = first;
  const rebuilt = apiOf({ ...(await serverFor(t, { data })), accessKeyId, secretAccessKey });
  const status = async (vault: string) =>
    (await rebuilt.call('GET', `/-/vaults/${vault}/archives/lost`)).status;
  assert.deepEqual([await status('v'), await status('w')], [404, 200]);
  assertEmpty(await importArchive(rebuilt, 'lost', later), 201);
});
