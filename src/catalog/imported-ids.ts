/** The rows of ids that imports gave. */

import { sql } from 'kysely';
import { keyOfId } from './digest.ts';
import { sqlStatement, statement } from './statement.ts';
import type { Source, Tx } from './transaction.ts';

/** No vault has this number. */
const NO_VAULT = 0;

interface IdRow {
  readonly vault_no: number;
  readonly declared: string | null;
  readonly token: string | null;
}

export function findIdRow(source: Source, archiveId: string): Promise<IdRow | undefined> {
  return FIND_ID.first(source, { key: keyOfId(archiveId) });
}

const FIND_ID = statement((db, { key }: { key: Uint8Array }) =>
  db.selectFrom('imported_ids').select(['vault_no', 'declared', 'token']).where('key', '=', key),
);

export interface IdClaim {
  readonly key: Uint8Array;
  readonly vaultNo: number;
  /** What the request stores. */
  readonly declared: string;
  readonly token: string;
}

/** Adds a claim, or takes over one on the same bytes. @returns the token in the row, which tells whether it did. */
export async function claimIdRow(tx: Tx, claim: IdClaim): Promise<string | null> {
  const [row] = await CLAIM_ID.all(tx, claim);
  return (row as { token: string | null }).token;
}

const CLAIM_ID = sqlStatement<IdClaim, { token: string | null }>(
  ({ key, vaultNo, declared, token }) => sql`
    insert into imported_ids (key, vault_no, declared, token) values (${key}, ${vaultNo}, ${declared}, ${token})
    on conflict (key) do update set token =
      case when imported_ids.vault_no = excluded.vault_no and imported_ids.declared = excluded.declared
      then excluded.token else imported_ids.token end
    returning token`,
);

/** Makes the id one of an archive or an open upload, for good. @returns false if it is, or if others have claimed it. */
export async function settleIdRow(tx: Tx, claim: Omit<IdClaim, 'token'>): Promise<boolean> {
  return (await SETTLE_ID.first(tx, claim)) !== undefined;
}

const SETTLE_ID = sqlStatement<Omit<IdClaim, 'token'>, { vault_no: number }>(
  ({ key, vaultNo, declared }) => sql`
    insert into imported_ids (key, vault_no) values (${key}, ${vaultNo})
    on conflict (key) do update set declared = null, token = null
      where imported_ids.vault_no = excluded.vault_no and imported_ids.declared = ${declared}
    returning vault_no`,
);

export async function releaseIdRow(tx: Tx, archiveId: string, token: string): Promise<void> {
  await RELEASE_ID.all(tx, { key: keyOfId(archiveId), token });
}

const RELEASE_ID = statement((db, { key, token }: { key: Uint8Array; token: string }) =>
  db.deleteFrom('imported_ids').where('key', '=', key).where('token', '=', token),
);

/** Adds the ids that are not there. */
export async function noteIdRows({ db }: Tx, archiveIds: readonly string[]): Promise<void> {
  const rows = archiveIds.map((id) => ({ key: keyOfId(id), vault_no: NO_VAULT }));
  await db
    .insertInto('imported_ids')
    .values(rows)
    .onConflict((c) => c.doNothing())
    .execute();
}

/** Frees the id that an upload reserved and did not use. */
export async function freeId({ db }: Tx, key: Uint8Array): Promise<void> {
  await db.deleteFrom('imported_ids').where('key', '=', key).execute();
}

/** Frees the ids that the open uploads of a vault reserved. */
export async function freeIdsOfUploads({ db }: Tx, vaultNo: number): Promise<void> {
  const keys = db
    .selectFrom('uploads')
    .select('import_key')
    .where('vault_no', '=', vaultNo)
    .where('state', '=', 'open')
    .where('import_key', 'is not', null);
  await db
    .deleteFrom('imported_ids')
    .where('key', 'in', keys.$castTo<{ import_key: Uint8Array }>())
    .execute();
}

/** Drops the claims of earlier starts, none of which can be used any more. */
export async function dropClaims({ db }: Tx): Promise<void> {
  await db.deleteFrom('imported_ids').where('token', 'is not', null).execute();
}
