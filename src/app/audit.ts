import { mkdir } from 'node:fs/promises';
import { AuditLog } from '../audit/audit-log.ts';
import { ChainKey } from '../audit/chain.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import { type DataFolder, flushFolder } from './data-folder.ts';
import { systemRandom } from './node.ts';

/** What the names of notes that remember audit chains begin with. */
export const AUDIT_NOTES = 'audit-';

/** This process's audit log. The store remembers each chain, so that a whole one cannot be taken away unseen. */
export async function openAudit(folder: DataFolder, blobs: BlobStore, masterKey: Buffer): Promise<AuditLog> {
  await mkdir(folder.audit, { recursive: true, mode: 0o700 });
  flushFolder(folder.path);
  const log = new AuditLog({
    folder: folder.audit,
    chain: systemRandom(12).toString('hex'),
    key: new ChainKey(masterKey),
    begun: (chain) => blobs.putNote(`${AUDIT_NOTES}${chain}`, '{}'),
  });
  await log.open();
  return log;
}
