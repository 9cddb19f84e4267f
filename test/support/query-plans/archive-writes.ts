import { policyVersionOf } from '../../../src/domain/vault.ts';
import { START_MS } from '../catalog-contract/customer.ts';
import { type CallsOf, each, mainVault } from './call.ts';
import { BIG_UPLOAD_NO, IDLE_BEFORE_MS, IDLE_UPLOAD_NO, TWENTY } from './crowd.ts';

/** Writes of archives, uploads and parts, and of the sweeper. */
export const ARCHIVE_WRITES: CallsOf<
  | 'addArchive'
  | 'deleteArchive'
  | 'claimArchiveId'
  | 'releaseArchiveId'
  | 'importArchive'
  | 'startImport'
  | 'noteUsedIds'
  | 'recordDamage'
  | 'healDamage'
  | 'startUpload'
  | 'putPart'
  | 'completeUpload'
  | 'abortUpload'
  | 'expireUpload'
  | 'forgetUploads'
  | 'dropGarbage'
  | 'dropParts'
  | 'dropFromOutbox'
  | 'skipEntrySeqs'
> = {
  addArchive: async (c) => c.addArchive(await mainVault(c)),
  async deleteArchive(c) {
    for (const mode of ['live', 'periodic'] as const) {
      const { no: vaultNo, policies } = await mainVault(c);
      const { id } = await c.addArchive(await mainVault(c));
      const decided = { mode, policyVersion: policies?.version ?? 0 };
      await c.catalog.deleteArchive({ vaultNo, id, nowMs: START_MS, ...decided });
    }
  },
  async claimArchiveId(c) {
    const archive = c.newImport((await mainVault(c)).no);
    for (const token of ['one', 'two']) await c.claim(archive, token);
    await c.catalog.importArchive(archive);
    await c.claim(archive);
  },
  async releaseArchiveId(c) {
    const archive = c.newImport((await mainVault(c)).no);
    await c.claim(archive, 'one');
    await c.catalog.releaseArchiveId({ archiveId: archive.id, token: 'one' });
  },
  async importArchive(c) {
    const archive = c.newImport((await mainVault(c)).no);
    await c.claim(archive);
    for (let i = 0; i < 2; i++) await c.catalog.importArchive(archive);
  },
  async startImport(c) {
    const start = c.newImportUpload(await mainVault(c));
    for (let i = 0; i < 2; i++) await c.catalog.startImport(start);
  },
  noteUsedIds: ({ catalog }) => catalog.noteUsedIds({ archiveIds: ['used', 'used too'] }),
  recordDamage: ({ catalog }) =>
    catalog.recordDamage({
      found: ['blob-17', 'part-17'].map((ref) => ({ ref, leaf: 1, kind: 'data' })),
      nowMs: START_MS,
      topic: 'arn:aws:sns:us-east-1:000000000001:damage',
    }),
  healDamage: ({ catalog }) =>
    each(
      () => catalog.healDamage({ beforeMs: START_MS, archiveNo: 17, limit: 20 }),
      () => catalog.healDamage({ beforeMs: START_MS - 1, archiveNo: null, limit: 20 }),
    ),
  startUpload: async (c) => c.startUpload(await mainVault(c)),
  async putPart(c) {
    const upload = await c.startUpload(await mainVault(c));
    const older = await c.putPart(upload, 0);
    await c.putPart(upload, 0);
    await c.putPart(upload, 0, { sequence: older.sequence });
  },
  async completeUpload(c) {
    const { upload, declared } = await c.uploadOf(await mainVault(c), 3);
    await c.complete(upload, declared);
    await c.complete(upload, declared);
  },
  async abortUpload(c) {
    const vault = await mainVault(c);
    const { id: uploadId } = await c.startUpload(vault);
    const ended = { nowMs: START_MS, rememberedSinceMs: 0, policyVersion: policyVersionOf(vault) };
    for (let i = 0; i < 2; i++) await c.catalog.abortUpload({ vaultNo: vault.no, uploadId, ...ended });
  },
  expireUpload: ({ catalog }) =>
    each(
      () => catalog.expireUpload({ uploadNo: 17, beforeMs: IDLE_BEFORE_MS, nowMs: START_MS }),
      () => catalog.expireUpload({ uploadNo: IDLE_UPLOAD_NO, beforeMs: IDLE_BEFORE_MS, nowMs: START_MS }),
    ),
  forgetUploads: ({ catalog }) => catalog.forgetUploads({ endedBeforeMs: START_MS - 1 }),
  dropGarbage: ({ catalog }) => catalog.dropGarbage({ nos: TWENTY }),
  dropParts: ({ catalog }) =>
    catalog.dropParts({ uploadNo: BIG_UPLOAD_NO, refs: TWENTY.map((i) => `part-${i}`) }),
  dropFromOutbox: ({ catalog }) => catalog.dropFromOutbox({ seqs: TWENTY }),
  skipEntrySeqs: ({ catalog }) => catalog.skipEntrySeqs({ beyond: 1_000_000 }),
};
