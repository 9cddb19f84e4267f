/**
 * The tables of a rebuild's scratch database, always SQLite. `key` is the first half of the SHA-256 of an archive id:
 * comparing keys needs a quarter of the disk and time that ids need.
 */
export const SCRATCH_VERSION = '3';

const LABEL = 'account text, region text, vault text, archive_id text';

export const SCRATCH_TABLES = `
create table meta (name text primary key, value text) without rowid;
create table done (step text primary key) without rowid;
create table damage (no integer primary key, kind text, what text);
create table entries (seq integer primary key, entry text);
create table unproven (seq integer primary key, entry text);

create table used_ids (key blob);
create table foreign_ids (key blob primary key, account text, region text, vault text) without rowid;
create table writes (account text, region text, vault text, first_ms integer, last_ms integer,
  primary key (account, region, vault)) without rowid;
create table numbers (key blob primary key, number integer) without rowid;
create table imported (key blob primary key, created_ms integer, arrived_ms integer) without rowid;
create table kept (bulk_id text, key blob, primary key (bulk_id, key)) without rowid;
create table bulks (bulk_id text primary key, account text, region text, vault text, up_to integer, kept integer);

create table vaults (no integer primary key autoincrement, account text, region text, name text, created_ms integer,
  tags text, topic text, events text, access_policy text, lock_policy text, lock_state text, lock_id_hash text,
  lock_created_ms integer, changes integer, unique (account, region, name));
create table uploads (no integer primary key autoincrement, id text, vault_no integer, archive_id text, key blob,
  description text, part_size integer, created_ms integer, state text, ended_ms integer, size integer, tree_hash blob,
  imported_by text, given_ms integer, unique (vault_no, id));
create index uploads_by_id on uploads (id);
create index uploads_by_key on uploads (key);

create table accounts (id text primary key, created_ms integer);
create table users (no integer primary key autoincrement, account text, name text, user_id text, created_ms integer);
create table user_policies (user_no integer, name text, document text, primary key (user_no, name));
create table access_keys (id text primary key, account text, sealed_secret text, status text, origin text,
  created_ms integer, user_no integer);
create table settings (name text primary key, value text);
create table retrieval_policies (account text, region text, strategy text, bytes_per_hour text,
  primary key (account, region));
create table capacity_units (id text primary key, account text, region text, start_ms integer, expires_ms integer);

create table singles (ref text, ${LABEL}, key blob, description text, created_ms integer, arrived_ms integer,
  size integer, tree_hash blob, sequence integer);
create table parts (ref text, ${LABEL}, upload_id text, first integer, size integer, tree_hash blob, linear_hash blob,
  sequence integer, stored_ms integer);
create table others (ref text, ${LABEL}, kind text, size integer, created_ms integer);
create table leftovers (ref text, ${LABEL}, kind text, size integer, created_ms integer, is_garbage integer);
`;
