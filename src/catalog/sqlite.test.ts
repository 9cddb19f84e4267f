import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { catalogContract } from '../../test/support/catalog-contract/contract.ts';
import type { CatalogPlace } from '../../test/support/catalog-contract/place.ts';
import { itFollowsTheModel } from '../../test/support/catalog-contract/property.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { openSqliteCatalog, openSqliteWriter } from './sqlite.ts';

catalogContract('SQLite', sqlitePlace);
itFollowsTheModel(sqlitePlace, 100);

async function sqlitePlace(): Promise<CatalogPlace> {
  const folder = await temporaryFolder();
  const path = join(folder, 'catalog.sqlite');
  return {
    open: async (journal = async () => {}, generation = 0) =>
      openSqliteCatalog(path, await openSqliteWriter(path, { journal, jobMessage, generation })),
    remove: () => rm(folder, { recursive: true }),
  };
}
