/** Reads what a catalog holds, with SQL of its own. */
import type { DatabaseSync } from 'node:sqlite';
import {
  type Found,
  type FoundArchive,
  type FoundUpload,
  type FoundVault,
  lockInForce,
  sidOf,
  topicOf,
} from './found.ts';

type Row = Readonly<Record<string, unknown>>;

/** @param database in which no transaction is under way. */
export function readCatalog(database: DatabaseSync, nowMs: number): Found {
  const all = (sql: string): Row[] => database.prepare(sql).all();
  return { where: 'the catalog', vaults: vaultsOf(all, nowMs) };
}

function vaultsOf(all: (sql: string) => Row[], nowMs: number): Map<string, FoundVault> {
  const tags = Map.groupBy(all('select vault_no, key, value from tags'), noOf);
  const topics = new Map(
    all('select vault_no, topic from vault_notifications').map((row) => [noOf(row), row]),
  );
  const policies = new Map(
    all('select vault_no, access_policy, lock_state, lock_created_ms from vault_policies').map((row) => [
      noOf(row),
      row,
    ]),
  );
  const parts = partsOf(all);
  const archives = Map.groupBy(
    all(
      'select vault_no, id, description, size, lower(hex(tree_hash)) as hash, ref, upload_no from archives',
    ),
    noOf,
  );
  const uploads = Map.groupBy(
    all("select no, vault_no, id, description from uploads where state = 'open'"),
    noOf,
  );
  return new Map(
    all('select no, name from vaults').map(({ no, name }) => {
      const of = Number(no);
      const tag = (key: string): string | null => {
        const row = tags.get(of)?.find((one) => one['key'] === key);
        return row === undefined ? null : String(row['value']);
      };
      const policy = policies.get(of);
      const vault: FoundVault = {
        settings: {
          'tag a': tag('a'),
          'tag b': tag('b'),
          notifications: topicOf(textOf(topics.get(of)?.['topic'])),
          'access policy': sidOf(textOf(policy?.['access_policy'])),
        },
        lock: lockInForce(policy?.['lock_state'], Number(policy?.['lock_created_ms']), nowMs),
        archives: new Map((archives.get(of) ?? []).map((row) => [String(row['id']), archiveOf(row, parts)])),
        uploads: new Map((uploads.get(of) ?? []).map((row) => [String(row['id']), uploadOf(row, parts)])),
      };
      return [String(name), vault];
    }),
  );
}

type Parts = ReadonlyMap<
  number,
  readonly { readonly first: number; readonly treeHash: string; readonly ref: string }[]
>;

function partsOf(all: (sql: string) => Row[]): Parts {
  const rows = all('select upload_no, first, ref, lower(hex(tree_hash)) as hash from parts order by first');
  const parts = rows.map((row) => ({
    no: Number(row['upload_no']),
    first: Number(row['first']),
    ref: String(row['ref']),
    treeHash: String(row['hash']),
  }));
  return Map.groupBy(parts, ({ no }) => no);
}

function archiveOf(row: Row, parts: Parts): FoundArchive {
  const ref = textOf(row['ref']);
  const ofParts = parts.get(Number(row['upload_no'])) ?? [];
  return {
    description: String(row['description']),
    treeHash: String(row['hash']),
    size: Number(row['size']),
    refs: ref === null ? ofParts.map((part) => part.ref) : [ref],
  };
}

function uploadOf(row: Row, parts: Parts): FoundUpload {
  const own = parts.get(Number(row['no'])) ?? [];
  return { description: String(row['description']), parts: new Map(own.map((part) => [part.first, [part]])) };
}

function noOf(row: Row): number {
  return Number(row['vault_no']);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
