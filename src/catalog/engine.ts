/** How the databases differ, as data. No other code tests which database it runs on. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres';
  /** Column type of raw bytes. */
  readonly binary: 'blob' | 'bytea';
  /** Column type of a whole number up to 2^53. */
  readonly integer: 'integer' | 'bigint';
  /** Whether a transaction must lock the rows that it decides by, because others write concurrently. */
  readonly rowLocks: boolean;
  /** Number of shards of a vault's counts. */
  readonly countShards: number;
  /** Appended to text columns so that they sort by byte, as markers need. */
  readonly byteOrder: string;
  /** SQL for the lower-case hex digits of a column of raw bytes. */
  hexOf(column: string): string;
}

export const SQLITE: Engine = {
  name: 'sqlite',
  binary: 'blob',
  integer: 'integer',
  rowLocks: false,
  countShards: 1,
  byteOrder: '',
  hexOf: (column) => `lower(hex(${column}))`,
};

export const POSTGRES: Engine = {
  name: 'postgres',
  binary: 'bytea',
  integer: 'bigint',
  rowLocks: true,
  countShards: 16,
  byteOrder: ' collate "C"',
  hexOf: (column) => `encode(${column}, 'hex')`,
};
