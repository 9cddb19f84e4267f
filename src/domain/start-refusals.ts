/** Messages of refused starts: what was found where, and what to do. */
import type { FoundCatalog, StartFindings } from './start-findings.ts';
import type { StoreIdentity } from './store-identity.ts';

export type RefusalReason =
  | 'unknown-form'
  | 'other-catalog'
  | 'missing-catalog'
  | 'empty-catalog'
  | 'emulator-over-store'
  | 'server-over-emulated'
  | 'missing-store'
  | 'other-store'
  | 'older-store'
  | 'missing-pieces'
  | 'missing-key';

/** A start that is refused. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** One paragraph for the operator. */
  readonly message: string;
}

/** At most this many names are listed in a message. */
const NAMES_SHOWN = 5;
const PAGE = 'docs/operating.md, "When a start is refused"';
const NOTHING_CHANGED = 'Nothing was changed.';

function refusal(reason: RefusalReason, ...sentences: string[]): Refusal {
  return { reason, message: [...sentences, NOTHING_CHANGED, `See ${PAGE}.`].join(' ') };
}

export function unknownFormat({ storeFolder }: StartFindings, format: string): Refusal {
  return refusal(
    'unknown-form',
    `The store at ${storeFolder} says that it is ${format}, which this version of Moraine does not know.`,
    'A newer version made it: start that version.',
  );
}

export function otherPlace(
  { dataFolder, catalogPlace }: Pick<StartFindings, 'dataFolder' | 'catalogPlace'>,
  remembered: string,
): Refusal {
  return refusal(
    'other-catalog',
    `The data folder ${dataFolder} belongs to the catalog in ${remembered}, and this start would use the one in ${catalogPlace}.`,
    'Give the setting --catalog (MORAINE_CATALOG) as before.',
    'If you mean this other catalog, start once with --accept-catalog.',
  );
}

export function missingCatalog({
  storeFolder,
  catalogPlace,
}: Pick<StartFindings, 'storeFolder' | 'catalogPlace'>): Refusal {
  return refusal(
    'missing-catalog',
    `There is no catalog in ${catalogPlace}, and the store at ${storeFolder} belongs to one.`,
    'Is the setting --catalog (MORAINE_CATALOG) the same as before? If the catalog is lost, restore it from a backup.',
    'To begin with an empty catalog that knows none of the archives, start once with --accept-catalog.',
  );
}

export function emptyCatalog({ storeFolder, catalogPlace }: StartFindings): Refusal {
  return refusal(
    'empty-catalog',
    `The catalog in ${catalogPlace} is empty, and the store at ${storeFolder} is not.`,
    'Is the setting --catalog (MORAINE_CATALOG) the same as before? If the catalog is lost, restore it from a backup.',
    'To continue with an empty catalog that knows none of the archives, start once with --accept-catalog.',
  );
}

export function otherCatalog(
  { storeFolder, catalogPlace }: StartFindings,
  identity: StoreIdentity,
  catalog: FoundCatalog,
): Refusal {
  return refusal(
    'other-catalog',
    `The store at ${storeFolder} belongs to the catalog ${identity.catalogId}, and the one in ${catalogPlace} is ${catalog.catalogId}.`,
    'Give the settings --data and --catalog (MORAINE_CATALOG) that belong together.',
    'If you mean these two, start once with --accept-catalog.',
  );
}

export function otherStore(
  { storeFolder, catalogPlace, catalog }: StartFindings,
  identity: StoreIdentity | undefined,
): Refusal {
  const known = catalog.kind === 'catalog' ? catalog.storeId : undefined;
  const found =
    identity === undefined
      ? 'has no identity: it is of an older form, and was not used with this catalog lately'
      : `is the store ${identity.storeId}`;
  return refusal(
    'other-store',
    `The catalog in ${catalogPlace} lists the archives of the store ${known}, and what lies at ${storeFolder} ${found}.`,
    'Give the settings --data and --catalog (MORAINE_CATALOG) that belong together: each data folder has a catalog of its own.',
    identity === undefined
      ? 'If archives that this store lacks are permanently lost, start once with --accept-empty-store.'
      : 'If you mean these two, start once with --accept-catalog.',
  );
}

export function missingStore(
  { storeFolder, catalogPlace, catalog }: StartFindings,
  what: 'not there' | 'empty' | 'no store',
): Refusal {
  const found = {
    'not there': `There is no folder ${storeFolder}`,
    empty: `The folder ${storeFolder} is empty`,
    'no store': `The folder ${storeFolder} holds no store`,
  }[what];
  const known = catalog.kind === 'catalog' && catalog.storeId !== undefined ? ` ${catalog.storeId}` : '';
  return refusal(
    'missing-store',
    `${found}, and the catalog in ${catalogPlace} lists the archives of a store${known}.`,
    'Is its disk mounted? Is --data right? Does the catalog belong to another data folder?',
    'If the store is lost, restore it from a backup.',
    'To begin with an empty store, in which none of those archives can be read, start once with --accept-empty-store.',
  );
}

export function storeWithoutBlobs({ storeFolder, catalogPlace }: StartFindings): Refusal {
  return refusal(
    'missing-store',
    `The store at ${storeFolder} holds no archive, and the catalog in ${catalogPlace} lists some.`,
    'Is its disk mounted? Is --data right? If the store is lost, restore it from a backup.',
    'To begin with an empty store, in which none of those archives can be read, start once with --accept-empty-store.',
  );
}

export function olderStore({ storeFolder, catalogPlace, store, catalog }: StartFindings): Refusal {
  const own = store.kind === 'store' ? store.identity?.generation : undefined;
  const known = catalog.kind === 'catalog' ? catalog.generation : undefined;
  return refusal(
    'older-store',
    `The catalog in ${catalogPlace} was used with this store after ${storeFolder} was copied (start ${own} there, start ${known} in the catalog, or later within one).`,
    'This is a copy of the store, or was restored from a backup that is older than the catalog. Use the store that was used last.',
    'If it is lost, and with it what was uploaded since, start once with --accept-empty-store.',
  );
}

export function missingPieces({ storeFolder }: StartFindings, missing: readonly string[]): Refusal {
  const shown = missing.slice(0, NAMES_SHOWN).join(', ');
  const more = missing.length > NAMES_SHOWN ? ` and ${missing.length - NAMES_SHOWN} more` : '';
  return refusal(
    'missing-pieces',
    `The store at ${storeFolder} lacks ${shown}${more}: archives may have been there.`,
    'Is a disk not mounted? Put back what is missing from a backup; recreate a folder that was empty with mkdir.',
    'If it is permanently lost, start once with --accept-empty-store.',
  );
}

export function emulatorOverStore({ storeFolder }: StartFindings): Refusal {
  return refusal(
    'emulator-over-store',
    `The store at ${storeFolder} was not made by an emulator, and an emulator may erase its store: give --data another folder for --emulator.`,
  );
}

export function serverOverEmulated({ storeFolder }: StartFindings): Refusal {
  return refusal(
    'server-over-emulated',
    `The store at ${storeFolder} was made by an emulator, which may erase it: give --data another folder, or --emulator.`,
  );
}

export function missingKey({ masterKey, dataFolder }: StartFindings): Refusal {
  return refusal(
    'missing-key',
    `There is no ${masterKey}, and the data folder ${dataFolder} is not new.`,
    'Without the key no access key works, and no archive id of this server is recognized. Is --data right? Restore the key from a backup.',
  );
}
