import type { CatalogReads } from '../../domain/catalog.ts';
import { invalidParameter, missingParameter, quote, Shortage } from '../../domain/errors.ts';
import type { ImportOrder } from '../../domain/import.ts';
import type { ExtensionAction } from '../../domain/policy/extension-actions.ts';
import { OLDER_CATALOG_SETTING } from '../../domain/setting-catalog.ts';
import { type Field, type FieldSource, signedHeader } from '../fields.ts';
import { parseIsoDate } from '../iso-date.ts';

const ARCHIVE_ID = 'x-moraine-archive-id';
const CREATION_DATE = 'x-moraine-creation-date';

/** The headers of an import. Both must be signed, because who adds one decides what the archive is. */
export const IMPORT_FIELDS = {
  importId: signedHeader(ARCHIVE_ID, parseArchiveId),
  importDate: importDate(),
} as const;

/** `x-moraine-archive-id`; undefined if it was not sent. @throws Refusal invalid. */
function parseArchiveId(raw: string | undefined): string | undefined {
  if (raw === undefined || /^[A-Za-z0-9_-]{1,255}$/.test(raw)) return raw;
  throw invalidParameter(
    `Invalid ${ARCHIVE_ID}: ${quote(raw)}. An archive ID is 1 to 255 characters of A-Z, a-z, 0-9, - and _.`,
  );
}

/** The action that an import needs beside that of the operation that carries it. */
export function importAction(source: FieldSource): ExtensionAction | undefined {
  return source.header(ARCHIVE_ID) === undefined ? undefined : 'moraine:ImportArchive';
}

function importDate(): Field<number | null> {
  const field = signedHeader(CREATION_DATE, parseCreationDate);
  return {
    ...field,
    parse(source) {
      const ms = field.parse(source);
      if (ms !== null && source.header(ARCHIVE_ID) === undefined) throw missingParameter(ARCHIVE_ID);
      return ms;
    },
  };
}

/** `x-moraine-creation-date` in ms since 1970; null if it was not sent. @throws Refusal invalid. */
function parseCreationDate(raw: string | undefined): number | null {
  if (raw === undefined) return null;
  const ms = parseIsoDate(raw);
  if (ms !== undefined && ms >= 0) return ms;
  throw invalidParameter(
    `Invalid ${CREATION_DATE}: ${quote(raw)}. It must be a date since 1970 such as 2013-03-20T17:03:43Z.`,
  );
}

/**
 * The import that a request asks for; undefined for none.
 * @throws Refusal invalid for a date that is not yet.
 */
export function toImportOrder(
  {
    importId,
    importDate: givenMs,
  }: { readonly importId: string | undefined; readonly importDate: number | null },
  nowMs: number,
): ImportOrder | undefined {
  if (importId === undefined) return undefined;
  if (givenMs !== null && givenMs > nowMs) {
    const [given, now] = [givenMs, nowMs].map((ms) => new Date(ms).toISOString());
    throw invalidParameter(
      `Invalid ${CREATION_DATE}: ${given} is in the future. The server's clock says ${now}.`,
    );
  }
  return { archiveId: importId, givenMs };
}

/**
 * A catalog that was restored from a backup lacks ids that were given since. A rebuild, which finds them, would not
 * keep another archive of such an id.
 * @throws Shortage while the catalog is older than the store.
 */
export async function requireKnownIds(catalog: Pick<CatalogReads, 'findSetting'>): Promise<void> {
  if ((await catalog.findSetting(OLDER_CATALOG_SETTING)) !== 'true') return;
  const text =
    'The catalog was restored from a backup and may not know every archive ID: nothing can be imported until';
  throw new Shortage(`${text} it is rebuilt or accepted.`, { changedNothing: true });
}
