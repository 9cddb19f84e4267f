import type { WriterStamp } from '../domain/blob-store.ts';
import type { CatalogWrites } from '../domain/catalog.ts';
import type { JobMessage } from '../domain/notification.ts';
import { accessKeyWrites } from './access-keys.ts';
import { archiveWrites } from './archives.ts';
import { damageWrites } from './damage.ts';
import { garbageWrites } from './garbage.ts';
import { importWrites } from './imports.ts';
import { inventoryWrites } from './inventories.ts';
import { jobWrites } from './jobs.ts';
import { type JournalDeps, outboxWrites } from './journal.ts';
import { notificationWrites } from './notifications.ts';
import { partWrites } from './parts.ts';
import { peopleEntryWrites } from './people-entries.ts';
import { retrievalWrites } from './retrieval.ts';
import { settingWrites } from './settings.ts';
import { storeLinkWrites } from './store-link.ts';
import { tagWrites } from './tags.ts';
import { taskWrites } from './tasks.ts';
import type { InTransaction, Tx } from './transaction.ts';
import { uploadWrites } from './uploads.ts';
import { userWrites } from './users.ts';
import { vaultEntryWrites } from './vault-entries.ts';
import { vaultPolicyWrites } from './vault-policies.ts';
import { vaultWrites } from './vaults.ts';

/** Every write by name. A serving process sends the name and the arguments to the process that writes. */
const WRITES: InTransaction<CatalogWrites> = {
  ...vaultWrites,
  ...tagWrites,
  ...vaultPolicyWrites,
  ...archiveWrites,
  ...importWrites,
  ...uploadWrites,
  ...partWrites,
  ...jobWrites,
  ...inventoryWrites,
  ...notificationWrites,
  ...retrievalWrites,
  ...userWrites,
  ...accessKeyWrites,
  ...settingWrites,
  ...garbageWrites,
  ...damageWrites,
  ...outboxWrites,
  ...peopleEntryWrites,
  ...vaultEntryWrites,
  ...storeLinkWrites,
  ...taskWrites,
};

export type WriteName = keyof CatalogWrites;

/** What a writer works with: the journal, and the form of messages about jobs. */
export interface WriterDeps extends JournalDeps {
  readonly jobMessage: JobMessage;
}

/** The same, with the stamp that the writer starts with. */
export interface StampedWriterDeps extends WriterDeps, WriterStamp {}

/** Runs writes as durable transactions, here or in another process. */
export interface Writer {
  run(name: WriteName, args: unknown): Promise<unknown>;
  /** The newest commit number that the writer knows; 0 before it knows any. No I/O. */
  commitNumber(): number;
  /** Finishes the writes under way, then takes no more. */
  close(): Promise<void>;
}

/** Runs one write in a transaction that the caller began. @throws TypeError for an unknown name. */
export function runWrite(tx: Tx, name: WriteName, args: unknown): Promise<unknown> {
  if (!Object.hasOwn(WRITES, name)) throw new TypeError(`no such catalog write: ${String(name)}`);
  return (WRITES[name] as (tx: Tx, args: unknown) => Promise<unknown>)(tx, args);
}

/** The port's methods over a writer. */
export function writesOver(writer: Writer): CatalogWrites {
  const methods = Object.keys(WRITES).map((name) => [
    name,
    (args: unknown) => writer.run(name as WriteName, args),
  ]);
  return Object.fromEntries(methods) as CatalogWrites;
}
