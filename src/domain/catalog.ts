/**
 * The port to the catalog: the rows that name the store's bytes. Each noun's reads and writes are in `…-catalog.ts`.
 * Reads see every write that was answered before. Each write is one transaction and durable when it resolves. It takes
 * and returns plain data only, because on SQLite the writer may be another process.
 */
import type { AccessKeyReads, AccessKeyWrites } from './access-key-catalog.ts';
import type { ArchiveReads, ArchiveWrites, SegmentReads } from './archive-catalog.ts';
import type { DamageReads, DamageWrites } from './damage-catalog.ts';
import type { GarbageReads, GarbageWrites } from './garbage-catalog.ts';
import type { ImportReads, ImportWrites } from './import-catalog.ts';
import type { InventoryReads, InventoryWrites } from './inventory-catalog.ts';
import type { JobReads, JobWrites } from './job-catalog.ts';
import type { NotificationReads, NotificationWrites } from './notification-catalog.ts';
import type { OutboxReads, OutboxWrites } from './outbox-catalog.ts';
import type { RetrievalReads, RetrievalWrites } from './retrieval-catalog.ts';
import type { ScheduleReads } from './schedule-catalog.ts';
import type { SettingReads, SettingWrites } from './setting-catalog.ts';
import type { StoreLinkReads, StoreLinkWrites } from './store-link.ts';
import type { TagReads, TagWrites } from './tag-catalog.ts';
import type { TaskReads, TaskWrites } from './task-catalog.ts';
import type { PartReads, PartWrites, UploadReads, UploadWrites } from './upload-catalog.ts';
import type { UserReads, UserWrites } from './user-catalog.ts';
import type { VaultReads, VaultWrites } from './vault-catalog.ts';
import type { VaultPolicyReads, VaultPolicyWrites } from './vault-policy-catalog.ts';

export interface CatalogReads
  extends VaultReads,
    TagReads,
    VaultPolicyReads,
    ArchiveReads,
    SegmentReads,
    ImportReads,
    UploadReads,
    PartReads,
    JobReads,
    InventoryReads,
    NotificationReads,
    RetrievalReads,
    ScheduleReads,
    UserReads,
    AccessKeyReads,
    SettingReads,
    GarbageReads,
    DamageReads,
    OutboxReads,
    StoreLinkReads,
    TaskReads {}

export interface CatalogWrites
  extends VaultWrites,
    TagWrites,
    VaultPolicyWrites,
    ArchiveWrites,
    ImportWrites,
    UploadWrites,
    PartWrites,
    JobWrites,
    InventoryWrites,
    NotificationWrites,
    RetrievalWrites,
    UserWrites,
    AccessKeyWrites,
    SettingWrites,
    GarbageWrites,
    DamageWrites,
    OutboxWrites,
    StoreLinkWrites,
    TaskWrites {}

export interface Catalog extends CatalogReads, CatalogWrites {
  /** The newest commit number that this process knows. No I/O. */
  knownCommitNumber(): number;
  /** Why the last use of the catalog failed; undefined if it succeeded. No I/O. */
  failure(): Error | undefined;
  close(): Promise<void>;
}
