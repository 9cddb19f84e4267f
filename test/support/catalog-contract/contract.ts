/**
 * The contract of catalogs as tests; each database runs all of them. Each section tests a noun of the port. Each test
 * uses an account of its own, so tests can share a catalog.
 */
import { after, before, describe } from 'node:test';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { users, vaultLocks, vaultPolicies } from './access.ts';
import { alone } from './alone.ts';
import { archives } from './archives.ts';
import { writesAtOnce } from './at-once.ts';
import { completing, repeats } from './completing.ts';
import { Customer, type NewCustomer } from './customer.ts';
import { damage } from './damage.ts';
import { garbage, namedBlobs } from './garbage.ts';
import { imports, multipartImports } from './imports.ts';
import { inventories, inventoryJobs } from './inventories.ts';
import { jobLife, jobs, segments } from './jobs.ts';
import { journal } from './journal.ts';
import { journalWaits } from './journal-waits.ts';
import { notificationConfigs, notifications } from './notifications.ts';
import type { CatalogPlace } from './place.ts';
import { capacity, retrievalPolicies } from './retrieval.ts';
import { keysAndSettings } from './settings.ts';
import { storeLink } from './store-link.ts';
import { taskLife, tasks } from './tasks.ts';
import { aborting, parts, uploads } from './uploads.ts';
import { tags, vaultDeletion, vaults } from './vaults.ts';

type Sections = Readonly<Record<string, (customer: NewCustomer) => void>>;

/** Sections by noun. A new noun of the port gets a section of its own. */
const SECTIONS: Sections = {
  vaults,
  'deletion of a vault': vaultDeletion,
  tags,
  archives,
  imports,
  'multipart imports': multipartImports,
  uploads,
  parts,
  completing,
  repeats,
  aborting,
  garbage,
  'blobs that it names': namedBlobs,
  'access keys and settings': keysAndSettings,
  segments,
  'notification configurations': notificationConfigs,
  'retrieval policies': retrievalPolicies,
  capacity,
  users,
  'vault policies': vaultPolicies,
  'vault locks': vaultLocks,
  'concurrent writes': writesAtOnce,
  tasks,
};

/** Sections about the whole catalog, whose tests each need one of their own. */
const LONE_SECTIONS: Sections = {
  jobs,
  'the life of a job': jobLife,
  'inventory jobs': inventoryJobs,
  inventories,
  notifications,
  damage,
  'the life of a task': taskLife,
};

/** Runs the contract; `makePlace` returns a fresh, empty place. */
export function catalogContract(name: string, makePlace: () => Promise<CatalogPlace>): void {
  describe(`a catalog: ${name}`, () => {
    let place: CatalogPlace;
    let catalog: Catalog;
    before(async () => {
      place = await makePlace();
      catalog = await place.open();
    });
    after(async () => {
      await catalog.close();
      await place.remove();
    });
    for (const [noun, section] of Object.entries(SECTIONS)) {
      describe(noun, () => section(() => new Customer(catalog)));
    }
    for (const [noun, section] of Object.entries(LONE_SECTIONS)) {
      describe(noun, () => alone(makePlace, section));
    }
    describe('its journal', () => journal(makePlace));
    describe('an answer that depends on a journal entry', () => journalWaits(makePlace));
    describe('its link with a store', () => storeLink(makePlace));
  });
}
