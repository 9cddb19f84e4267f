/**
 * `node scripts/fill-vault.ts DATA VAULT COUNT [REGION]`: writes archives without bytes into the SQLite catalog of a
 * stopped server, to measure lists and inventories of large vaults.
 */
import { randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { claimDataFolder, dataFolder } from '../src/app/data-folder.ts';

const ROWS_PER_TRANSACTION = 50_000;
const ID_BYTES = 103;
/** Keeps 100 million archives below 2^53 bytes in total. */
const LARGEST_BYTES = 64 * 2 ** 20;
/** Average; some archives are created in the same millisecond. */
const MS_APART = 0.7;
/** Allowed in descriptions, but difficult for CSV readers. */
const DESCRIPTIONS = [
  (i: number) => `photos/2017/IMG_${i}.jpg`,
  (i: number) => `backup "${i}", the large one`,
  (i: number) => `C:\\data\\file ${i}`,
  (i: number) =>
    `mt2 ${Buffer.from(`{"filename":"file ${i}","mtime":"20170822T172407Z"}`).toString('base64url')}`,
  () => null,
];

export interface Filling {
  readonly data: string;
  readonly vault: string;
  readonly count: number;
  readonly region?: string;
  /** When the last archive was created, ms since the epoch. */
  readonly lastMs?: number;
}

/** Adds archives to an existing vault. @throws Error when there is none, FolderInUse when a server runs. */
export function fillVault({ data, vault, count, region = 'us-east-1', lastMs = Date.now() }: Filling): void {
  const folder = dataFolder(data);
  const release = claimDataFolder(folder);
  const db = new DatabaseSync(folder.catalog);
  try {
    db.exec('pragma journal_mode = wal; pragma synchronous = off; pragma cache_size = -262144;');
    const vaultNo = findVault(db, vault, region);
    const insert = db.prepare(
      `insert into archives (id, vault_no, description, created_ms, size, tree_hash, ref)
       values (?, ?, ?, ?, ?, ?, ?)`,
    );
    const firstMs = Math.floor(lastMs - count * MS_APART);
    let bytes = 0;
    for (let from = 0; from < count; from += ROWS_PER_TRANSACTION) {
      db.exec('begin immediate');
      const rows = Math.min(ROWS_PER_TRANSACTION, count - from);
      bytes += insertRows(insert, { vaultNo, from, rows, firstMs });
      db.exec('commit');
    }
    addCounts(db, vaultNo, { count, bytes, firstMs, lastMs });
    db.exec('pragma wal_checkpoint(truncate)');
  } finally {
    db.close();
    release();
  }
}

function findVault(db: DatabaseSync, vault: string, region: string): number {
  const row = db.prepare('select no from vaults where name = ? and region = ?').get(vault, region);
  if (row === undefined) throw new Error(`there is no vault ${vault} in ${region}: create it first`);
  return Number(row['no']);
}

interface Batch {
  readonly vaultNo: number;
  readonly from: number;
  readonly rows: number;
  readonly firstMs: number;
}

/** Inserts many rows with one block of random bytes. @returns the sum of the sizes. */
function insertRows(insert: StatementSync, { vaultNo, from, rows, firstMs }: Batch): number {
  const perRow = ID_BYTES + 32 + 16;
  const random = randomBytes(rows * perRow);
  let bytes = 0;
  for (let n = 0; n < rows; n++) {
    const i = from + n;
    const own = random.subarray(n * perRow, (n + 1) * perRow);
    const createdMs = Math.floor(firstMs + i * MS_APART);
    const size = 1 + (own.readUInt32LE(ID_BYTES) % LARGEST_BYTES);
    // The time comes first, as in real ids, so that neighbours are together in the index.
    own[0] = 1;
    own.writeUIntBE(createdMs, 1, 6);
    const describe = DESCRIPTIONS[i % DESCRIPTIONS.length] as (i: number) => string | null;
    insert.run(
      own.toString('base64url', 0, ID_BYTES),
      vaultNo,
      describe(i),
      createdMs,
      size,
      own.subarray(ID_BYTES, ID_BYTES + 32),
      own.toString('hex', ID_BYTES + 32),
    );
    bytes += size;
  }
  return bytes;
}

function addCounts(
  db: DatabaseSync,
  vaultNo: number,
  { count, bytes, firstMs, lastMs }: { count: number; bytes: number; firstMs: number; lastMs: number },
): void {
  db.prepare(
    `insert into vault_counts (vault_no, shard, archives, bytes, begun_ms, written_ms) values (?, 0, ?, ?, ?, ?)
     on conflict (vault_no, shard) do update set archives = archives + excluded.archives,
       bytes = bytes + excluded.bytes, written_ms = max(written_ms, excluded.written_ms)`,
  ).run(vaultNo, count, bytes, firstMs, lastMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [data, vault, count, region] = process.argv.slice(2);
  if (data === undefined || vault === undefined || !/^\d{1,9}$/.test(count ?? '')) {
    console.error('usage: node scripts/fill-vault.ts DATA VAULT COUNT [REGION]');
    process.exit(2);
  }
  const began = performance.now();
  fillVault({ data, vault, count: Number(count), ...(region === undefined ? {} : { region }) });
  console.log(`${count} archives in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
