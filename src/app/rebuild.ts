/** `moraine rebuild`: makes a catalog from the store and the master key. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DiskContents } from '../blobs/disk/contents.ts';
import { DiskStore } from '../blobs/disk/disk-store.ts';
import { writeIdentity } from '../blobs/disk/identity.ts';
import { prepareDiskStore } from '../blobs/disk/prepare.ts';
import { surveyDiskStore } from '../blobs/disk/survey.ts';
import { type BuiltCatalog, buildCatalog } from '../catalog/rebuild/build-catalog.ts';
import { removeScratch, Scratch } from '../catalog/rebuild/scratch.ts';
import { SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import type { AsideBlob, BlobStore, Stamp } from '../domain/blob-store.ts';
import { decideRebuild, type RebuildDecision, type RebuildFindings } from '../domain/rebuild-decision.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { OLDER_NOTE, type StoreIdentity } from '../domain/store-identity.ts';
import type { ClaimGenerationArgs } from '../domain/store-link.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import { noteOlderCatalog, OLDER_CATALOG_SETTING } from '../workers/older-catalog.ts';
import { rebuildFromBlobs } from '../workers/rebuild-blobs.ts';
import { type OnStep, rebuildFromJournal } from '../workers/rebuild-journal.ts';
import { anchorSettings } from './audit-anchors.ts';
import { placeOf, readRememberedCatalog, rememberCatalog } from './catalog-place.ts';
import { claimDataFolder, type DataFolder, dataFolder, readMasterKey } from './data-folder.ts';
import { requireUsable } from './folder-access.ts';
import { FolderClaims } from './folder-claims.ts';
import { openRebuildPlace, type RebuildPlace } from './rebuild-place.ts';
import { surveyCatalog } from './start-plan.ts';
import { systemClock, systemRandom } from './system.ts';

const ASIDE_PER_BATCH = 1000;

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
  const claims = new FolderClaims(folder, async () => claimDataFolder(folder));
  try {
    await claims.claimExisting();
    await plan(config, folder, options.replace);
    await claims.claimData();
    await claims.claimStore();
    // Again: another process may have used the folder before it was claimed.
    return await rebuildClaimed(config, folder, await plan(config, folder, options.replace), options);
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

/** Decides, from what is there. Changes nothing. @throws SettingError, Error, NoteDamaged. */
async function plan(config: Config, folder: DataFolder, replace: boolean): Promise<Planned> {
  const placeName = placeOf(config.catalogUrl, folder);
  const store = await surveyDiskStore(folder.store);
  const decision = decideRebuild({
    storeFolder: folder.store,
    catalogPlace: placeName,
    remembered: await readRememberedCatalog(folder),
    store,
    catalog: await findCatalog(config, folder),
    replace,
    fresh: { storeId: systemRandom(16).toString('hex'), catalogId: systemRandom(16).toString('hex') },
  });
  if (decision.kind === 'refuse') throw new (decision.isSetting ? SettingError : Error)(decision.why);
  return { decision, placeName, identity: store.kind === 'store' ? store.identity : undefined };
}

/** A damaged SQLite file is a reason to rebuild. A database that cannot be reached is none. */
async function findCatalog(config: Config, folder: DataFolder): Promise<RebuildFindings['catalog']> {
  try {
    return await surveyCatalog(config, folder);
  } catch (error) {
    if (config.catalogUrl !== undefined) throw error;
    return { kind: 'unreadable', why: (error as Error).message };
  }
}

interface Work extends Planned {
  readonly config: Config;
  readonly folder: DataFolder;
  readonly scratch: Scratch;
  readonly place: RebuildPlace;
  readonly options: RebuildOptions;
}

async function rebuildClaimed(
  config: Config,
  folder: DataFolder,
  planned: Planned,
  options: RebuildOptions,
): Promise<RebuildReport> {
  const contents = new DiskContents(folder.store);
  const journal = JSON.stringify(await contents.journalFiles());
  const scratchPath = join(folder.path, 'rebuild.sqlite');
  const { storeId, generation } = planned.identity ?? {};
  const scratch = new Scratch(scratchPath, JSON.stringify({ storeId, generation, journal }));
  const { replaces } = planned.decision;
  const place = await openRebuildPlace({ config, folder, replaces, nowMs: systemClock.now() });
  try {
    await rebuildFromJournal(contents, scratch, options.onStep);
    await rebuildFromBlobs(contents, scratch, options.onStep);
    const report = await scratch.runUnkept(async () => {
      const finish = await build({ ...planned, config, folder, scratch, place, options });
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
  const { config, folder, scratch, place, decision, options } = work;
  options.onStep('writing the catalog');
  const masterKey = await readMasterKey(folder).catch(undefinedIfMissing);
  const nowMs = systemClock.now();
  // If the identity is lost, the stamps of what was written tell the last generation.
  const generation = Math.max(decision.link.generation, scratch.maxima.generation + 1);
  const link = { ...decision.link, generation };
  const built = await place.make(async (target) =>
    buildCatalog(scratch, target, {
      nowMs,
      rememberedSinceMs: nowMs - config.completeMemoryMs,
      canOpen: opensWith(masterKey),
      link,
      settings: await anchorSettings(new DiskStore(folder.store, systemRandom, nodeHash)),
      olderSetting: OLDER_CATALOG_SETTING,
    }),
  );
  return () => finish(work, built, link, masterKey !== undefined);
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
  { folder, scratch, place, placeName, options }: Work,
  built: BuiltCatalog,
  link: ClaimGenerationArgs,
  hasMasterKey: boolean,
): Promise<RebuildReport> {
  options.onStep('tying the store to the catalog');
  const { commitNumber } = built;
  const journalDamaged = scratch.hasDamage('journal');
  await prepareDiskStore(folder.store);
  const stamp: Stamp = () => ({ generation: link.generation, commitNumber });
  const blobs = new DiskStore(folder.store, systemRandom, nodeHash, { stamp });
  const aside = await setAside(blobs, scratch);
  await blobs.noteCommitNumber(commitNumber);
  if (journalDamaged) await noteOlderCatalog(blobs, systemClock.now());
  else await blobs.removeNote(OLDER_NOTE);
  await blobs.close();
  await writeIdentity(folder.store, { ...link, emulator: false }, commitNumber);
  await rememberCatalog(folder, { place: placeName, catalogId: link.catalogId });
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
async function setAside(blobs: BlobStore, scratch: Scratch): Promise<number> {
  let batch: AsideBlob[] = [];
  let aside = 0;
  const nowMs = systemClock.now();
  for (const blob of scratch.unexplained()) {
    aside++;
    if (batch.push(blob) < ASIDE_PER_BATCH) continue;
    await blobs.setAside(batch, nowMs);
    batch = [];
  }
  await blobs.setAside(batch, nowMs);
  return aside;
}
