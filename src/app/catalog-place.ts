/** Remembers which catalog a data folder belongs to, without secrets. */
import { NoteDamaged } from '../domain/blob-store.ts';
import type { FileSystem } from '../durable/file-system.ts';
import { canSee, readTextIfPresent } from '../durable/names.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { type DataFolder, writeDurably } from './data-folder.ts';

const POSTGRES_PORT = '5432';
/** Stands in the file for the catalog in the data folder, because the folder may be moved. */
const HERE = 'catalog.sqlite';

/** The catalog of a data folder at its last start. */
export interface RememberedCatalog {
  /** As from `placeOf`. */
  readonly place: string;
  readonly catalogId: string;
}

/** Describes where the catalog is, without user and password. @param url the setting `catalog`. */
export function placeOf(url: string | undefined, folder: DataFolder): string {
  if (url === undefined) return folder.catalog;
  // Do not show a URL that cannot be parsed: it may contain a password.
  if (!URL.canParse(url)) return 'a PostgreSQL database';
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  const database = decodeURIComponent(pathname.slice(1));
  return `the PostgreSQL database ${JSON.stringify(database)} on ${host || 'this machine'}:${port || POSTGRES_PORT}`;
}

/** Reads the remembered catalog; undefined before the first start. @throws NoteDamaged for a damaged file, the I/O error. */
export async function readRememberedCatalog(
  folder: DataFolder,
  fs: FileSystem = realFileSystem,
): Promise<RememberedCatalog | undefined> {
  const { belongsTo } = folder;
  // The code that makes the data folder reports a path that leads nowhere.
  if (!(await canSee(fs, belongsTo))) return undefined;
  const text = await readTextIfPresent(fs, belongsTo);
  if (text === undefined) return undefined;
  try {
    const { place, catalogId } = JSON.parse(text) as Partial<RememberedCatalog>;
    if (typeof place === 'string' && typeof catalogId === 'string')
      return { place: place === HERE ? folder.catalog : place, catalogId };
  } catch {}
  throw new NoteDamaged(belongsTo, text === '' ? 'it is empty' : 'it does not name a catalog');
}

/** Remembers the catalog; durable when it resolves. @throws the I/O error. */
export async function rememberCatalog(
  folder: DataFolder,
  catalog: RememberedCatalog,
  fs: FileSystem = realFileSystem,
): Promise<void> {
  const before = await readRememberedCatalog(folder, fs);
  if (before?.place === catalog.place && before.catalogId === catalog.catalogId) return;
  const place = catalog.place === folder.catalog ? HERE : catalog.place;
  await writeDurably(folder.belongsTo, `${JSON.stringify({ ...catalog, place })}\n`, fs);
}
