/** Plans a start: surveys store, catalog and data folder, and decides before anything is changed. */
import { surveyDiskStore } from '../blobs/disk/survey.ts';
import { surveyPostgresCatalog, surveySqliteCatalog } from '../catalog/survey-catalog.ts';
import type { Config } from '../config/read.ts';
import type { RandomBytes } from '../domain/ids.ts';
import { OLDER_CATALOG_SETTING } from '../domain/setting-catalog.ts';
import { checkPlace, decideStart } from '../domain/start-decision.ts';
import type { CatalogFound, StartFindings } from '../domain/start-findings.ts';
import type { Refusal, RefusalReason } from '../domain/start-refusals.ts';
import type { StoreIdentity } from '../domain/store-identity.ts';
import type { FileSystem } from '../durable/file-system.ts';
import { canSee } from '../durable/names.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { placeOf, readRememberedCatalog } from './catalog-place.ts';
import type { DataFolder } from './data-folder.ts';
import { MODE_SETTING } from './emulator.ts';

/** A start that was refused before it changed anything. */
export class StartRefused extends Error {
  readonly reason: RefusalReason;

  constructor({ reason, message }: Refusal) {
    super(message);
    this.name = 'StartRefused';
    this.reason = reason;
  }
}

/** The plan of a start that was not refused. */
export interface StartPlan {
  /** The identity to write into the store. */
  readonly identity: StoreIdentity;
  /** Where the catalog is, without a secret. */
  readonly catalogPlace: string;
  /** Whether the catalog is older than the store. */
  readonly older: boolean;
  /** The greatest commit number in the store, and the catalog's. */
  readonly storeNumber: number;
  readonly catalogNumber: number;
}

/** The settings that a start depends on. */
type StartConfig = Pick<
  Config,
  'catalogUrl' | 'catalogTimeoutMs' | 'emulator' | 'acceptEmptyStore' | 'acceptCatalog'
>;

/**
 * Plans a start. Changes nothing.
 * @param leavesNoFiles as for `surveyCatalog`.
 * @throws StartRefused, NoteDamaged, Error when store or catalog cannot be read.
 */
export async function planStart(
  config: StartConfig,
  folder: DataFolder,
  random: RandomBytes,
  fs: FileSystem = realFileSystem,
  leavesNoFiles = false,
): Promise<StartPlan> {
  const catalogPlace = placeOf(config.catalogUrl, folder);
  const store = await surveyDiskStore(folder.store, fs);
  const catalog = await surveyCatalog(config, folder, leavesNoFiles);
  const findings: StartFindings = {
    dataFolder: folder.path,
    storeFolder: folder.store,
    masterKey: folder.masterKey,
    hasMasterKey: await canSee(fs, folder.masterKey),
    catalogPlace,
    remembered: await readRememberedCatalog(folder, fs),
    store,
    catalog,
    emulator: config.emulator,
    accepts: { emptyStore: config.acceptEmptyStore, catalog: config.acceptCatalog },
    fresh: { storeId: random(16).toString('hex'), catalogId: random(16).toString('hex') },
  };
  const decision = decideStart(findings);
  if (decision.kind === 'refuse') throw new StartRefused(decision.refusal);
  const { identity, older } = decision;
  return {
    identity,
    older,
    catalogPlace,
    storeNumber: store.kind === 'store' ? store.commitNumber : 0,
    catalogNumber: catalog.kind === 'catalog' ? catalog.commitNumber : 0,
  };
}

/**
 * For commands: requires that the catalog belongs to the data folder. Otherwise a command that is run without the
 * catalog's setting would create an empty catalog.
 * @throws StartRefused.
 */
export async function requireOwnCatalog(config: Config, folder: DataFolder): Promise<void> {
  const remembered = await readRememberedCatalog(folder);
  const catalogPlace = placeOf(config.catalogUrl, folder);
  if (remembered === undefined) return;
  const isHere = config.catalogUrl === undefined && (await canSee(realFileSystem, folder.catalog));
  if (remembered.place === catalogPlace && isHere) return;
  const refusal = checkPlace({
    dataFolder: folder.path,
    storeFolder: folder.store,
    catalogPlace,
    remembered,
    catalog: await surveyCatalog(config, folder),
    accepts: { emptyStore: false, catalog: false },
  });
  if (refusal) throw new StartRefused(refusal);
}

/**
 * What is at the place that the settings name for the catalog.
 * @param leavesNoFiles whether not even files of SQLite's log may appear. @throws Error when it cannot be read.
 */
export function surveyCatalog(
  { catalogUrl, catalogTimeoutMs }: Pick<Config, 'catalogUrl' | 'catalogTimeoutMs'>,
  { catalog }: DataFolder,
  leavesNoFiles = false,
): Promise<CatalogFound> {
  const options = { modeSetting: MODE_SETTING, olderSetting: OLDER_CATALOG_SETTING, leavesNoFiles };
  return catalogUrl === undefined
    ? surveySqliteCatalog(catalog, options)
    : surveyPostgresCatalog(catalogUrl, catalogTimeoutMs, options);
}
