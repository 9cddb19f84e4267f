/** `moraine rebuild`: makes a catalog from the store and the master key. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BuiltCatalog, buildCatalog } from '../catalog/rebuild/build-catalog.ts';
import { removeScratch, Scratch } from '../catalog/rebuild/scratch.ts';
import { SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import type { AsideBlob, BlobStore, Stamp } from '../domain/blob-store.ts';
import type { Clock } from '../domain/clock.ts';
import { Ids, type RandomBytes } from '../domain/ids.ts';
import { decideRebuild, type RebuildDecision, type RebuildFindings } from '../domain/rebuild-decision.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { OLDER_CATALOG_SETTING } from '../domain/setting-catalog.ts';
import { OLDER_NOTE, type StoreIdentity } from '../domain/store-identity.ts';
import type { ClaimGenerationArgs } from '../domain/store-link.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import type { FileSystem } from '../durable/file-system.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { noteOlderCatalog } from '../workers/older-catalog.ts';
import { rebuildFromBlobs } from '../workers/rebuild-blobs.ts';
import { type OnStep, rebuildFromJournal } from '../workers/rebuild-journal.ts';
import { anchorSettings } from './audit-anchors.ts';
import { placeOf, readRememberedCatalog, rememberCatalog } from './catalog-place.ts';
import { claimDataFolder, type DataFolder, dataFolder, readMasterKey } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { FolderClaims } from './folder-claims.ts';
import { openRebuildPlace, type PlaceOptions, type RebuildPlace } from './rebuild-place.ts';
import { openRebuildStore, type RebuildStore } from './rebuild-store.ts';
import { surveyCatalog } from './start-plan.ts';
import { systemClock, systemRandom } from './system.ts';

const ASIDE_PER_BATCH = 1000;

/** What a rebuild works with. */
export interface RebuildDeps {
  readonly config: Pick<Config, 'catalogUrl' | 'catalogTimeoutMs' | 'completeMemoryMs' | 'store'>;
  readonly folder: DataFolder;
  /** Where data folder and store are. */
  readonly fs: FileSystem;
  readonly random: RandomBytes;
  readonly clock: Clock;
  /** The file of the scratch database. */
  readonly scratchPath: string;
  openPlace(options: PlaceOptions): Promise<RebuildPlace>;
}

interface RebuildOptions {
  /** Whether an existing catalog may be replaced. */
  readonly replace: boolean;
  /** Called when a step begins. */
  readonly onStep: OnStep;
  /** Called at the end with each thing that is damaged. */
  onDamage(what: string): void;
}

/** What was rebuilt. */
export interface RebuildReport extends BuiltCatalog {
  readonly place: string;
  /** Where the old catalog is kept; undefined if there was none. */
  readonly replaced: string | undefined;
  /** Whether the data folder has a master key. */
  readonly hasMasterKey: boolean;
  /** Blobs that the journal does not tell about. They are set aside. */
  readonly aside: number;
  readonly damaged: number;
  /** Whether the journal is damaged. Then nothing is removed until the catalog is accepted. */
  readonly journalDamaged: boolean;
}

/**
 * Rebuilds the catalog of a data folder that no server uses. After a kill, the next call goes on with the journal file or
 * folder of blobs at which the last one was; the new catalog itself is then written anew.
 * @throws SettingError, FolderInUse, NoteDamaged, Error for entries of unknown types, the errors of disk and database; the
 * old catalog, if there is one, is then as it was.
 */
export async function rebuild(config: Config, options: RebuildOptions): Promise<RebuildReport> {
  const folder = dataFolder(config.data);
  if (!existsSync(folder.path))
    throw new SettingError(
      `there is no data folder at ${folder.path}: make it and put the store into it, or give --data`,
    );
  requireUsable(folder);
  // Before SQLite is used: what it sorts may need as much room as the catalog.
  process.env['SQLITE_TMPDIR'] = folder.path;
  const deps: RebuildDeps = {
    ...{ config, folder, fs: realFileSystem, random: systemRandom, clock: systemClock },
    scratchPath: join(folder.path, 'rebuild.sqlite'),
    openPlace: openRebuildPlace,
  };
  const claims = new FolderClaims(folder, async () => claimDataFolder(folder));
  try {
    await claims.claimExisting();
    await planOnly(deps, options.replace);
    await claims.claimData();
    if (!config.store) await claims.claimStore();
    // Plans again: another process may have used the folder before it was claimed.
    return await rebuildClaimed(deps, options);
  } finally {
    claims.release();
  }
}

type Plan = Extract<RebuildDecision, { readonly kind: 'rebuild' }>;

interface Planned {
  readonly decision: Plan;
  readonly identity: StoreIdentity | undefined;
  readonly placeName: string;
}

/** As `plan`. */
async function planOnly(deps: RebuildDeps, replace: boolean): Promise<void> {
  const store = await openRebuildStore(deps.config, deps.folder, deps.fs, deps.random);
  try {
    await plan(deps, store, replace);
  } finally {
    store.close();
  }
}

/** Decides, from what is there. Changes nothing. @throws SettingError, Error, NoteDamaged. */
async function plan(
  { config, folder, fs, random }: RebuildDeps,
  { name, survey }: RebuildStore,
  replace: boolean,
): Promise<Planned> {
  const placeName = placeOf(config.catalogUrl, folder);
  const store = await survey();
  const decision = decideRebuild({
    storeFolder: name,
    catalogPlace: placeName,
    remembered: await readRememberedCatalog(folder, fs),
    store,
    catalog: await findCatalog(config, folder),
    replace,
    fresh: { storeId: random(16).toString('hex'), catalogId: random(16).toString('hex') },
  });
  if (decision.kind === 'refuse') throw new (decision.isSetting ? SettingError : Error)(decision.why);
  return { decision, placeName, identity: store.kind === 'store' ? store.identity : undefined };
}

/** A damaged SQLite file is a reason to rebuild. A database that cannot be reached is none. */
async function findCatalog(
  config: RebuildDeps['config'],
  folder: DataFolder,
): Promise<RebuildFindings['catalog']> {
  try {
    return await surveyCatalog(config, folder);
  } catch (error) {
    if (config.catalogUrl !== undefined) throw error;
    return { kind: 'unreadable', why: (error as Error).message };
  }
}

interface Work extends Planned {
  readonly deps: RebuildDeps;
  readonly store: RebuildStore;
  readonly scratch: Scratch;
  readonly place: RebuildPlace;
  readonly options: RebuildOptions;
  /** Undefined if it is lost. */
  readonly masterKey: Buffer | undefined;
}

/** Rebuilds the catalog of a data folder that the caller has claimed. See `rebuild`. */
export async function rebuildClaimed(deps: RebuildDeps, options: RebuildOptions): Promise<RebuildReport> {
  const store = await openRebuildStore(deps.config, deps.folder, deps.fs, deps.random);
  try {
    return await rebuildFrom(store, deps, options);
  } finally {
    store.close();
  }
}

async function rebuildFrom(
  store: RebuildStore,
  deps: RebuildDeps,
  options: RebuildOptions,
): Promise<RebuildReport> {
  const { config, folder, fs, clock, scratchPath } = deps;
  const planned = await plan(deps, store, options.replace);
  const { contents } = store;
  const journal = JSON.stringify(await contents.journalFiles());
  const { storeId, generation } = planned.identity ?? {};
  const masterKey = await readMasterKey(folder, fs).catch(undefinedIfMissing);
  const isOwnId = ownIds(masterKey, deps.random);
  const scratch = new Scratch(scratchPath, JSON.stringify({ storeId, generation, journal }), isOwnId);
  const { replaces } = planned.decision;
  const place = await deps.openPlace({ config, folder, replaces, nowMs: clock.now() });
  try {
    await store.settle();
    await rebuildFromJournal(contents, scratch, options.onStep);
    await rebuildFromBlobs(contents, scratch, options.onStep);
    const report = await scratch.runUnkept(async () => {
      const finish = await build({ ...planned, deps, store, scratch, place, options, masterKey });
      if (JSON.stringify(await contents.journalFiles()) !== journal)
        throw new Error('a command wrote to the store meanwhile: run the rebuild again');
      return finish();
    });
    scratch.close();
    removeScratch(scratchPath);
    return report;
  } finally {
    scratch.close();
    await place.close();
  }
}

/** Makes the new catalog. @returns a function that puts it in its place. */
async function build(work: Work): Promise<() => Promise<RebuildReport>> {
  const { deps, store, scratch, place, decision, options, masterKey } = work;
  const { config, clock } = deps;
  options.onStep('writing the catalog');
  const nowMs = clock.now();
  // If the identity is lost, the stamps of what was written tell the last generation.
  const generation = Math.max(decision.link.generation, scratch.maxima.generation + 1);
  const link = { ...decision.link, generation };
  const built = await place.make(async (target) =>
    buildCatalog(scratch, target, {
      nowMs,
      rememberedSinceMs: nowMs - config.completeMemoryMs,
      canOpen: opensWith(masterKey),
      link,
      settings: await readAnchors(store),
      olderSetting: OLDER_CATALOG_SETTING,
    }),
  );
  return () => finish(work, built, link, masterKey !== undefined);
}

async function readAnchors(store: RebuildStore): Promise<Record<string, string>> {
  const blobs = await store.open();
  try {
    return await anchorSettings(blobs);
  } finally {
    await blobs.close();
  }
}

/** Whether an archive id proves to be the server's own. Without the key none does. */
function ownIds(masterKey: Buffer | undefined, random: RandomBytes): (archiveId: string) => boolean {
  if (masterKey === undefined) return () => false;
  const ids = new Ids(masterKey, random);
  return (archiveId) => ids.isOwnArchiveId(archiveId);
}

function opensWith(masterKey: Buffer | undefined): (id: string, sealedSecret: string) => boolean {
  if (masterKey === undefined) return () => false;
  const box = new SecretBox(masterKey);
  return (id, sealedSecret) => {
    try {
      box.open(id, sealedSecret);
      return true;
    } catch {
      return false;
    }
  };
}

/**
 * Ties the store to the new catalog, then puts the catalog in its place. If it ends in between, no server starts, and
 * another rebuild begins anew.
 */
async function finish(
  { deps, store, scratch, place, placeName, options }: Work,
  built: BuiltCatalog,
  link: ClaimGenerationArgs,
  hasMasterKey: boolean,
): Promise<RebuildReport> {
  options.onStep('tying the store to the catalog');
  const { folder, fs, clock } = deps;
  const { commitNumber } = built;
  const journalDamaged = scratch.hasDamage('journal');
  await store.prepare();
  const stamp: Stamp = () => ({ generation: link.generation, commitNumber });
  const blobs = await store.open(stamp);
  const aside = await setAside(blobs, scratch, clock.now());
  await blobs.noteCommitNumber(commitNumber);
  if (journalDamaged) await noteOlderCatalog(blobs, clock.now());
  else await blobs.removeNote(OLDER_NOTE);
  await blobs.close();
  await store.writeIdentity({ ...link, emulator: false }, commitNumber);
  await rememberCatalog(folder, { place: placeName, catalogId: link.catalogId }, fs);
  options.onStep('putting the catalog in its place');
  const replaced = await place.publish(link.generation);
  let damaged = 0;
  for (const what of scratch.damage()) {
    options.onDamage(what);
    damaged++;
  }
  return { ...built, place: placeName, replaced, hasMasterKey, aside, damaged, journalDamaged };
}

/** Sets aside the blobs that nothing tells about. @returns their number. */
async function setAside(blobs: BlobStore, scratch: Scratch, nowMs: number): Promise<number> {
  let batch: AsideBlob[] = [];
  let aside = 0;
  for (const blob of scratch.unexplained()) {
    aside++;
    if (batch.push(blob) < ASIDE_PER_BATCH) continue;
    await blobs.setAside(batch, nowMs);
    batch = [];
  }
  await blobs.setAside(batch, nowMs);
  return aside;
}
