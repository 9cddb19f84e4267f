/** For tests of methods that work on the whole catalog: each test starts with an empty one. */
import { after, before, beforeEach } from 'node:test';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { Customer, type NewCustomer } from './customer.ts';
import type { CatalogPlace } from './place.ts';

/** Adds a section in which each test has its own catalog. */
export function alone(
  makePlace: () => Promise<CatalogPlace>,
  section: (customer: NewCustomer) => void,
): void {
  let place: CatalogPlace;
  let catalog: Catalog;
  before(async () => {
    place = await makePlace();
    catalog = await place.open();
  });
  beforeEach(() => catalog.forgetVaults({}));
  after(async () => {
    await catalog.close();
    await place.remove();
  });
  section(() => new Customer(catalog));
}
