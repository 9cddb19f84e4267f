import type { CatalogReads } from '../domain/catalog.ts';
import { accessKeyReads } from './access-keys.ts';
import { archiveReads } from './archives.ts';
import { damageReads } from './damage.ts';
import { garbageReads } from './garbage.ts';
import { importReads } from './imports.ts';
import { inventoryReads } from './inventories.ts';
import { jobReads } from './jobs.ts';
import { outboxReads } from './journal.ts';
import { notificationReads } from './notifications.ts';
import { partReads } from './parts.ts';
import { retrievalReads } from './retrieval.ts';
import { scheduleReads } from './schedule.ts';
import { segmentReads } from './segments.ts';
import { settingReads } from './settings.ts';
import { storeLinkReads } from './store-link.ts';
import { tagReads } from './tags.ts';
import { taskReads } from './tasks.ts';
import type { Source } from './transaction.ts';
import { uploadReads } from './uploads.ts';
import { userReads } from './users.ts';
import { vaultPolicyReads } from './vault-policies.ts';
import { vaultReads } from './vaults.ts';

/** Every read of the port over one database. */
export function readsOver(source: Source): CatalogReads {
  return {
    ...vaultReads(source),
    ...archiveReads(source),
    ...importReads(source),
    ...uploadReads(source),
    ...partReads(source),
    ...garbageReads(source),
    ...damageReads(source),
    ...tagReads(source),
    ...segmentReads(source),
    ...jobReads(source),
    ...inventoryReads(source),
    ...notificationReads(source),
    ...retrievalReads(source),
    ...scheduleReads(source),
    ...vaultPolicyReads(source),
    ...userReads(source),
    ...outboxReads(source),
    ...accessKeyReads(source),
    ...settingReads(source),
    ...storeLinkReads(source),
    ...taskReads(source),
  };
}
