import { type Kysely, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { numbered } from './columns.ts';

/** Accounts, users and their policies; vault access policies and vault locks. */
export async function access(db: Kysely<unknown>, engine: Engine): Promise<void> {
  const text = sql.raw(`text${engine.byteOrder}`);
  const int = engine.integer;

  await db.schema
    .createTable('accounts')
    .addColumn('id', text, (c) => c.primaryKey())
    .addColumn('created_ms', int, (c) => c.notNull())
    .execute();

  await numbered(db, engine, 'users')
    .addColumn('account', text, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('user_id', text, (c) => c.notNull())
    .addColumn('created_ms', int, (c) => c.notNull())
    .addUniqueConstraint('users_name', ['account', 'name'])
    .execute();

  await db.schema
    .createTable('user_policies')
    .addColumn('user_no', int, (c) => c.notNull())
    .addColumn('name', text, (c) => c.notNull())
    .addColumn('document', text, (c) => c.notNull())
    .addPrimaryKeyConstraint('user_policies_key', ['user_no', 'name'])
    .execute();

  // Null: a key of the account's root.
  await db.schema.alterTable('access_keys').addColumn('user_no', int).execute();

  await db.schema
    .createTable('vault_policies')
    .addColumn('vault_no', int, (c) => c.primaryKey())
    .addColumn('access_policy', text)
    .addColumn('lock_policy', text)
    .addColumn('lock_state', text)
    // SHA-256 of the lock id, which is shown only once.
    .addColumn('lock_id_hash', text)
    .addColumn('lock_created_ms', int)
    // Grows with every change of a policy, the lock or the tags. A deletion is authorized by one version.
    .addColumn('version', int, (c) => c.notNull())
    .execute();
}
