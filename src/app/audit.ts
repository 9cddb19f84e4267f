/** The audit log of one serving process: its chain, and the chore that anchors it. */
import { mkdir } from 'node:fs/promises';
import { AuditLog } from '../audit/audit-log.ts';
import { ChainKey } from '../audit/chain.ts';
import { RenewingLog } from '../audit/renewing-log.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { type DiskSpace, isDiskFull } from '../domain/disk-space.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { flushFolder } from '../durable/folder-flusher.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { AuditAnchors } from './audit-anchors.ts';
import type { DataFolder } from './data-folder.ts';

/** A chain that grows is anchored this often: an earlier copy may pass if it is not older than this. */
const ANCHOR_PAUSE_MS = 10_000;
/** Chains of earlier runs that are closed in one go: each costs a few flushes. */
const CLOSED_AT_ONCE = 20;

/** What the audit log and its anchors need. */
export interface AuditDeps {
  readonly folder: DataFolder;
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly masterKey: Buffer;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** An open audit log that is anchored at intervals. */
export interface OpenAudit {
  readonly log: RenewingLog;
  /** Anchors what was written and closes the log. Never throws: a missing last anchor is made good by the next start. */
  close(): Promise<void>;
}

/** The anchors of an installation. */
export function anchorsOf({
  folder,
  blobs,
  catalog,
  masterKey,
  clock,
}: Omit<AuditDeps, 'random'>): AuditAnchors {
  return new AuditAnchors({ folder: folder.audit, blobs, catalog, key: new ChainKey(masterKey), clock });
}

/** Makes the folder of the audit log. @throws the I/O error. */
export async function makeAuditFolder(folder: DataFolder): Promise<void> {
  await mkdir(folder.audit, { recursive: true, mode: 0o700 });
  await flushFolder(realFileSystem, folder.path);
}

interface OpenAuditDeps extends AuditDeps {
  /** Of the disk that the log lies on. */
  readonly space: DiskSpace;
}

/**
 * This process's audit log, with a chain of its own. Where it cannot be opened for now, the server serves what needs no
 * record, and every change tries again.
 * @param onError told when an anchor could not be written; it is tried again.
 * @throws the I/O error when its folder cannot be made.
 */
export async function openAudit(deps: OpenAuditDeps, onError: (error: unknown) => void): Promise<OpenAudit> {
  await makeAuditFolder(deps.folder);
  const anchors = anchorsOf(deps);
  const key = new ChainKey(deps.masterKey);
  const log = new RenewingLog({
    begin: () =>
      new AuditLog({
        folder: deps.folder.audit,
        chain: deps.random(12).toString('hex'),
        key,
        begun: (chain) => anchors.begin(chain),
      }),
    afterFailure: async (error) => isDiskFull(error) && deps.space.shrinkReserve(),
    onEnd: (ended) => anchors.anchor(ended, true).catch(onError),
  });
  await log.ready().catch(onError);
  const chore = repeat(ANCHOR_PAUSE_MS, () => anchors.anchor(log.current, false), onError);
  return {
    log,
    async close() {
      await chore.stop();
      await log.close();
    },
  };
}

/**
 * Closes the chains that earlier runs left, a few at a time. Call it before any process of this run has begun a chain.
 */
export async function startClosingChains(
  deps: AuditDeps,
  onError: (error: unknown) => void,
): Promise<Scheduled> {
  const anchors = anchorsOf(deps);
  const left = await anchors.chains();
  const closeSome = async (): Promise<void> => {
    for (const chain of left.splice(0, CLOSED_AT_ONCE)) await anchors.close(chain);
  };
  return repeat(ANCHOR_PAUSE_MS, closeSome, onError, 0);
}
