/**
 * What every catalog must do, as tests: each database runs all of them. Each section tests a noun of the
 * port; a test takes an account of its own, so that tests share a catalog and never meet.
 */
import { after, before, describe } from 'node:test';
import { archives } from '../../test/support/catalog-contract/archives.ts';
import { writesAtOnce } from '../../test/support/catalog-contract/at-once.ts';
import { completing, repeats } from '../../test/support/catalog-contract/completing.ts';
import { Customer, type NewCustomer } from '../../test/support/catalog-contract/customer.ts';
import { garbage, namedBlobs } from '../../test/support/catalog-contract/garbage.ts';
import { journal } from '../../test/support/catalog-contract/journal.ts';
import type { CatalogPlace } from '../../test/support/catalog-contract/place.ts';
import { keysAndSettings } from '../../test/support/catalog-contract/settings.ts';
import { aborting, parts, uploads } from '../../test/support/catalog-contract/uploads.ts';
import { tags, vaultDeletion, vaults } from '../../test/support/catalog-contract/vaults.ts';
import type { Catalog } from '../domain/catalog.ts';

/** By noun. What the port gains is tested in a section of its own. */
const SECTIONS: Readonly<Record<string, (customer: NewCustomer) => void>> = {
  vaults,
  'deletion of a vault': vaultDeletion,
  tags,
  archives,
  uploads,
  parts,
  completing,
  repeats,
  aborting,
  garbage,
  'blobs that it names': namedBlobs,
  'access keys and settings': keysAndSettings,
  'writes at once': writesAtOnce,
};

/** Runs the contract; `makePlace` gives a fresh, empty place. */
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
    describe('its journal', () => journal(makePlace));
  });
}
