/**
 * Checks that no request scans a whole table and no list reads more than its page: runs every statement of the catalog
 * over many rows, and checks the plans that the database reports.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { Customer } from '../../test/support/catalog-contract/customer.ts';
import type { CatalogPlace } from '../../test/support/catalog-contract/place.ts';
import { createDatabase, PATIENT_MS, skipWithoutPostgres } from '../../test/support/postgres.ts';
import { BY_DESIGN } from '../../test/support/query-plans/by-design.ts';
import { crowd } from '../../test/support/query-plans/crowd.ts';
import { EVERY_CALL, type Method } from '../../test/support/query-plans/every-call.ts';
import type { PlanListener } from '../../test/support/query-plans/plan.ts';
import { listenToPostgres } from '../../test/support/query-plans/postgres-plans.ts';
import { listenToSqlite } from '../../test/support/query-plans/sqlite-plans.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import type { Catalog } from '../domain/catalog.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { POSTGRES, SQLITE } from './engine.ts';
import { openPostgresCatalog } from './postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from './sqlite.ts';

/** A catalog that SQL fills with rows. */
interface CrowdedPlace extends CatalogPlace {
  fill(account: string): Promise<void>;
}

describe('the plans of SQLite', () => plansAreNarrow(sqlitePlace, listenToSqlite));
describe('the plans of PostgreSQL', { skip: skipWithoutPostgres() }, () =>
  plansAreNarrow(postgresPlace, listenToPostgres),
);

function plansAreNarrow(makePlace: () => Promise<CrowdedPlace>, listen: () => PlanListener): void {
  let place: CrowdedPlace;
  let catalog: Catalog;
  let listener: PlanListener;
  let customer: Customer;
  before(async () => {
    place = await makePlace();
    catalog = await place.open();
    customer = new Customer(catalog);
    await place.fill(customer.account);
    listener = listen();
  });
  after(async () => {
    listener.stop();
    await catalog.close();
    await place.remove();
  });
  for (const [name, call] of Object.entries(EVERY_CALL)) {
    it(`of ${name} read only what they need`, async () => {
      const exempt = BY_DESIGN[name as Method]?.tables ?? [];
      await call(customer);
      for (const { sql, plan, faults } of listener.take()) {
        if (isOutboxDrop(sql)) continue;
        const unexplained = faults.filter(({ table }) => !exempt.includes(table));
        assert.deepEqual(unexplained, [], `${sql}\n${plan}`);
      }
    });
  }
}

/**
 * Journaled entries are dropped from the outbox behind any call, up to 10,000 by their keys: a share of the table at which
 * the planner may prefer to read all of it.
 */
const isOutboxDrop = (sql: string): boolean => sql.startsWith('delete from "store_records"');

async function sqlitePlace(): Promise<CrowdedPlace> {
  const folder = await temporaryFolder();
  const path = join(folder, 'catalog.sqlite');
  return {
    open: async (journal = async () => {}) =>
      openSqliteCatalog(path, await openSqliteWriter(path, { journal, jobMessage })),
    async fill(account) {
      const database = new DatabaseSync(path);
      for (const sql of crowd(SQLITE, account)) database.exec(sql);
      database.close();
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

async function postgresPlace(): Promise<CrowdedPlace> {
  const { url, drop } = await createDatabase();
  return {
    open: (journal = async () => {}) =>
      openPostgresCatalog({ url, journal, jobMessage, limitMs: PATIENT_MS, onError: () => {} }),
    async fill(account) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      for (const sql of [...crowd(POSTGRES, account), 'analyze']) await client.query(sql);
      await client.end();
    },
    remove: drop,
  };
}
