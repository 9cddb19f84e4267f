/** Imports of every kind in one vault, and what must be true of their ids ever after. */
import assert from 'node:assert/strict';
import { treeHash } from '../../src/treehash/index.ts';
import { type Api, assertEmpty, assertRefusal } from './api.ts';
import { MIB } from './pattern.ts';
import { type Answer, hashHeaders } from './request.ts';

const VAULT = 'imports';
const BYTES = Buffer.from('the bytes of an import');
const DATE = { 'x-moraine-creation-date': '2013-03-20T17:03:43.221Z' };

export function importArchive(
  api: Api,
  id: string,
  { vault = VAULT, body = BYTES, headers = {} }: { vault?: string; body?: Buffer; headers?: object } = {},
): Promise<Answer> {
  const all = { ...hashHeaders(body), 'x-moraine-archive-id': id, ...headers };
  return api.call('POST', `/-/vaults/${vault}/archives`, { headers: all, body });
}

async function startImport(api: Api, id: string): Promise<string> {
  const headers = { 'x-amz-part-size': String(MIB), 'x-moraine-archive-id': id, ...DATE };
  const answer = await api.call('POST', `/-/vaults/${VAULT}/multipart-uploads`, { headers });
  assertEmpty(answer, 201);
  return answer.headers['x-amz-multipart-upload-id'] ?? '';
}

/**
 * Makes the vault `imports` with two archives and an open upload; two archives more are deleted, and one upload is aborted.
 * @returns a check that all ids are still used as they are now.
 */
export async function useImports(api: Api): Promise<(api: Api) => Promise<void>> {
  await api.createVault(VAULT);
  for (const id of ['single', 'single-deleted'])
    assertEmpty(await importArchive(api, id, { headers: DATE }), 201);
  for (const id of ['parts', 'parts-deleted']) {
    const uploadId = await startImport(api, id);
    assertEmpty(await api.putPart(VAULT, uploadId, 0, BYTES), 204);
    assertEmpty(await api.complete(VAULT, uploadId, BYTES.length, treeHash(BYTES)), 201);
  }
  for (const id of ['single-deleted', 'parts-deleted'])
    assertEmpty(await api.call('DELETE', `/-/vaults/${VAULT}/archives/${id}`), 204);
  const aborted = await startImport(api, 'aborted');
  assertEmpty(await api.call('DELETE', `/-/vaults/${VAULT}/multipart-uploads/${aborted}`), 204);
  const open = await startImport(api, 'open');
  return (again) => assertIds(again, open);
}

async function assertIds(api: Api, open: string): Promise<void> {
  const unusable = (answer: Answer) =>
    assertRefusal(answer, 400, 'InvalidParameterValueException', /^This archive ID cannot be used: /);
  for (const id of ['single', 'parts']) {
    assertEmpty(await importArchive(api, id), 201);
    unusable(await importArchive(api, id, { body: Buffer.from('others') }));
  }
  for (const id of ['single-deleted', 'parts-deleted', 'open']) unusable(await importArchive(api, id));
  assert.equal(await startImport(api, 'open'), open);
  for (const id of ['single-deleted', 'parts-deleted'])
    assertEmpty(await api.call('DELETE', `/-/vaults/${VAULT}/archives/${id}`), 204);
  // Its upload reserved it, and is over.
  assertEmpty(await importArchive(api, 'aborted'), 201);
}
