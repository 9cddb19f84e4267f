/** Which catalog a data folder belongs to, remembered without a secret. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { NoteDamaged } from '../domain/blob-store.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import { type DataFolder, writeDurably } from './data-folder.ts';

const POSTGRES_PORT = '5432';
/** In the file, for the catalog in the data folder itself: that may be moved. */
const HERE = 'catalog.sqlite';

/** The catalog that a data folder belonged to at its last start. */
export interface RememberedCatalog {
  /** As `placeOf` says it. */
  readonly place: string;
  readonly catalogId: string;
}

/** Where the catalog is, for people: no user, no password. @param url of the setting `catalog`. */
export function placeOf(url: string | undefined, folder: DataFolder): string {
  if (url === undefined) return folder.catalog;
  // What cannot be taken apart is not shown: there may be a password in it.
  if (!URL.canParse(url)) return 'a PostgreSQL database';
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  const database = decodeURIComponent(pathname.slice(1));
  return `the PostgreSQL database ${JSON.stringify(database)} on ${host || 'this machine'}:${port || POSTGRES_PORT}`;
}

/** @throws NoteDamaged when the file is not what was written, the I/O error. */
export async function readRememberedCatalog(folder: DataFolder): Promise<RememberedCatalog | undefined> {
  const { belongsTo } = folder;
  if (!existsSync(belongsTo)) return undefined;
  const text = await readFile(belongsTo, 'utf8').catch(undefinedIfMissing);
  if (text === undefined) return undefined;
  try {
    const { place, catalogId } = JSON.parse(text) as Partial<RememberedCatalog>;
    if (typeof place === 'string' && typeof catalogId === 'string')
      return { place: place === HERE ? folder.catalog : place, catalogId };
  } catch {}
  throw new NoteDamaged(belongsTo, text === '' ? 'it is empty' : 'it does not say which catalog it means');
}

/** Durable when it resolves. @throws the I/O error. */
export async function rememberCatalog(folder: DataFolder, catalog: RememberedCatalog): Promise<void> {
  const before = await readRememberedCatalog(folder);
  if (before?.place === catalog.place && before.catalogId === catalog.catalogId) return;
  const place = catalog.place === folder.catalog ? HERE : catalog.place;
  await writeDurably(folder.belongsTo, `${JSON.stringify({ ...catalog, place })}\n`);
}
