import { mkdir } from 'node:fs/promises';
import { AuditLog } from '../audit/audit-log.ts';
import { ChainKey } from '../audit/chain.ts';
import { RenewingLog } from '../audit/renewing-log.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import { type DiskRoom, isDiskFull } from '../domain/disk-room.ts';
import type { Logger } from '../log.ts';
import { type DataFolder, flushFolder } from './data-folder.ts';
import { systemRandom } from './node.ts';

/** What the names of notes that remember audit chains begin with. */
export const AUDIT_NOTES = 'audit-';

interface AuditParts {
  readonly folder: DataFolder;
  readonly blobs: BlobStore;
  readonly masterKey: Buffer;
  /** Of the disk that the log lies on. */
  readonly room: DiskRoom;
  readonly log: Logger;
}

/**
 * This process's audit log. The store remembers each chain, so that a whole one cannot be taken away unseen. Where it
 * cannot be opened for now, the server serves what needs no record, and every change tries again.
 * @throws the I/O error when its folder cannot be made.
 */
export async function openAudit({ folder, blobs, masterKey, room, log }: AuditParts): Promise<RenewingLog> {
  await mkdir(folder.audit, { recursive: true, mode: 0o700 });
  flushFolder(folder.path);
  const key = new ChainKey(masterKey);
  const audit = new RenewingLog({
    begin: () =>
      new AuditLog({
        folder: folder.audit,
        chain: systemRandom(12).toString('hex'),
        key,
        begun: (chain) => blobs.putNote(`${AUDIT_NOTES}${chain}`, '{}'),
      }),
    afterFailure: async (error) => isDiskFull(error) && room.giveUp(),
  });
  await audit
    .ready()
    .catch((err) => log.error({ err }, 'the audit log cannot be written: nothing is changed'));
  return audit;
}
