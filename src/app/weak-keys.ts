/** Decides where access keys that can be guessed are accepted. */
import { SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import { environmentName } from '../config/settings.ts';
import { SHORTEST_STRONG } from '../config/values.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { LOCK_NOTES } from '../domain/lock-note.ts';

const KEY_NAMES = `${environmentName('root-access-key-id')} and ${environmentName('root-secret-access-key')}`;

/**
 * Requires that a weak root key is used only in the emulator or with --allow-weak-root-key, and --emulator-any-key only
 * in the emulator.
 * @throws SettingError.
 */
export function requireStrongKeys(config: Config): void {
  const { rootKey, emulator, allowWeakRootKey, emulatorAnyKey } = config;
  if (emulatorAnyKey && !emulator)
    throw new SettingError(
      '--emulator-any-key accepts any key as root, so it works only in the emulator: give --emulator too',
    );
  if (!rootKey?.weak || emulator || allowWeakRootKey) return;
  throw new SettingError(
    `${KEY_NAMES} must each have at least ${SHORTEST_STRONG} characters, because shorter ones can be guessed: give ` +
      '--emulator to test other software, or --allow-weak-root-key if anyone who can reach this server may do everything',
  );
}

/**
 * Refuses a weak root key if a vault is locked, because anyone could become root. The emulator's locks do not count.
 * @throws SettingError when a weak root key is given and the store or the catalog has a locked vault.
 */
export async function requireNoLock(
  config: Config,
  catalog: Pick<Catalog, 'listLocked'>,
  blobs: Pick<BlobStore, 'noteNames'>,
): Promise<void> {
  if (!config.rootKey?.weak || config.emulator) return;
  const locked = (await catalog.listLocked()).length + (await blobs.noteNames(LOCK_NOTES)).length;
  if (locked === 0) return;
  throw new SettingError(
    `the data folder holds a locked vault, so the root key must not be weak: give ${KEY_NAMES} at least ` +
      `${SHORTEST_STRONG} characters each, or give --data another folder`,
  );
}
