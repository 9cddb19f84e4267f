/** What the model knows of an earlier catalog, and what becomes of it when that catalog is put back. */
import type { ArchiveModel, Model, UploadModel, VaultModel } from './model.ts';
import { SETTINGS } from './model.ts';

/** Takes a snapshot of the model, while no request is under way. @returns a function that puts it back. */
export function snapshotOf(model: Model): () => void {
  const restores = model.vaults.map(snapshotOfVault);
  const policy = model.retrievalPolicy.snapshot();
  return () => {
    for (const restore of restores) restore();
    model.retrievalPolicy.restore(policy);
  };
}

function snapshotOfVault(vault: VaultModel): () => void {
  const isThere = vault.isThere.snapshot();
  const settings = SETTINGS.map((name) => [name, vault.settings[name].snapshot()] as const);
  const restoreLock = snapshotOfLock(vault);
  const archives = [...vault.archives].map((archive) => [archive, archive.isThere.snapshot()] as const);
  const jobs = [...vault.jobs].map((job) => [job, job.isThere.snapshot()] as const);
  const strays = [...vault.strays];
  const restoreUploads = snapshotOfUploads(vault);
  return () => {
    vault.isThere.restore(isThere);
    for (const [name, values] of settings) vault.settings[name].restore(values);
    restoreLock();
    restoreUploads();
    restoreArchives(vault, archives);
    vault.jobs.clear();
    for (const [job, values] of jobs) {
      job.isThere.restore(values);
      // It may have expired since.
      job.isThere.allow(false);
      job.mayLackBytes = true;
      vault.jobs.add(job);
    }
    vault.strays.clear();
    for (const stray of strays) vault.strays.add(stray);
    vault.straysMayLackBytes = true;
  };
}

/** A completed lock outlasts the catalog: the store has a note of it. */
function snapshotOfLock(vault: VaultModel): () => void {
  const { lock, deletions } = vault;
  const wasThere = vault.isThere.must(true);
  const values = lock.snapshot();
  return () => {
    const later = [...lock.possible].filter((one) => one.startsWith('locked'));
    vault.notedLocks = later;
    const isSure = wasThere && vault.isLocked && vault.deletions === deletions;
    lock.restore(isSure ? later : [...values, ...later]);
  };
}

function snapshotOfUploads(vault: VaultModel): () => void {
  const uploads = [...vault.uploads].map((upload) => {
    const { state, archive } = upload;
    const places = [...upload.places].map(([first, place]) => [first, place.snapshot()] as const);
    return { upload, state: state.snapshot(), archive, places: new Map(places) };
  });
  return () => {
    vault.uploads.clear();
    for (const { upload, state, archive, places } of uploads) {
      vault.uploads.add(upload);
      upload.state.restore(state);
      upload.state.allow('ended');
      upload.archive = archive;
      upload.isReopened = true;
      restorePlaces(upload, places);
    }
  };
}

type Place = UploadModel['places'] extends Map<number, infer One> ? One : never;

function restorePlaces(
  upload: UploadModel,
  places: ReadonlyMap<number, ReturnType<Place['snapshot']>>,
): void {
  for (const [first, place] of upload.places) place.restore(places.get(first) ?? [undefined]);
}

/** An archive that was deleted since is listed again, perhaps without its bytes. */
function restoreArchives(
  vault: VaultModel,
  archives: readonly (readonly [ArchiveModel, readonly boolean[]])[],
): void {
  vault.archives.clear();
  for (const [archive, values] of archives) {
    if (!archive.isThere.must(true)) archive.mayLackBytes = true;
    archive.isThere.restore(values);
    vault.archives.add(archive);
  }
}
