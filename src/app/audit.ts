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

/** How often a growing chain is anchored. `audit verify` cannot detect an earlier copy younger than this. */
const ANCHOR_PAUSE_MS = 10_000;
/** How many chains of earlier runs are closed at once: each costs a few flushes. */
const CLOSED_AT_ONCE = 20;

export interface AuditDeps {
  readonly folder: DataFolder;
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly masterKey: Buffer;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** An open audit log, anchored at intervals. */
export interface OpenAudit {
  readonly log: RenewingLog;
  /** Anchors and closes the log. Never throws: the next start writes a missing last anchor. */
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

/** Creates the folder of the audit log. @throws the I/O error. */
export async function makeAuditFolder(folder: DataFolder): Promise<void> {
  await mkdir(folder.audit, { recursive: true, mode: 0o700 });
  await flushFolder(realFileSystem, folder.path);
}

interface OpenAuditDeps extends AuditDeps {
  /** Of the disk that holds the log. */
  readonly space: DiskSpace;
}

/**
 * Opens this process's audit log, with a chain of its own. If that fails for now, the server still answers requests
 * that are not audited, and every change tries to open it again.
 * @param onError called when an anchor could not be written; a later try follows.
 * @throws the I/O error when the folder cannot be created.
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

/** Closes the chains of earlier runs, a few at a time. Must be called before any process of this run begins a chain. */
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
