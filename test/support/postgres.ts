/** Databases for tests on the server that MORAINE_TEST_POSTGRES names. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { unlessPresent } from './require.ts';

const SERVER = process.env['MORAINE_TEST_POSTGRES'];

/** A time limit of the catalog for tests that are not about time; ms. They must hold on a busy machine. */
export const PATIENT_MS = 300_000;

/** For `describe`'s option `skip`: the reason, or false if a PostgreSQL server is available. */
export function skipWithoutPostgres(): false | string {
  return unlessPresent(SERVER !== undefined, 'PostgreSQL (MORAINE_TEST_POSTGRES)');
}

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A fresh database. @throws Error without a server. */
export async function createDatabase(): Promise<TestDatabase> {
  if (SERVER === undefined) throw new Error('MORAINE_TEST_POSTGRES is not set');
  const name = `moraine_test_${randomBytes(8).toString('hex')}`;
  await onServer(SERVER, `create database ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(SERVER, `drop database ${name} with (force)`) };
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
