/** Keys that can be guessed: where they are taken, and where they are refused. */
import { SettingError } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import { environmentName } from '../config/settings.ts';
import { SHORTEST_STRONG } from '../config/values.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { LOCK_NOTES } from '../domain/lock-note.ts';

const KEY_NAMES = `${environmentName('root-access-key-id')} and ${environmentName('root-secret-access-key')}`;

/**
 * A weak root key is for the emulator, or for a server whose owner says so; any key at all is for the emulator.
 * @throws SettingError.
 */
export function requireStrongKeys(config: Config): void {
  const { rootKey, emulator, allowWeakRootKey, emulatorAnyKey } = config;
  if (emulatorAnyKey && !emulator)
    throw new SettingError(
      '--emulator-any-key lets everybody in and is for the emulator only: give --emulator too',
    );
  if (!rootKey?.weak || emulator || allowWeakRootKey) return;
  throw new SettingError(
    `${KEY_NAMES} must have at least ${SHORTEST_STRONG} characters each, because shorter ones can be guessed: give ` +
      '--emulator to test other software, or --allow-weak-root-key if everybody who reaches this server may do everything',
  );
}

/**
 * Beside a locked vault a key that can be guessed is never taken: everybody would be root. In the emulator locks are for trying out.
 * @throws SettingError when a weak root key is given and the store or the catalog has a locked vault.
 */
export async function requireNoLock(config: Config, catalog: Catalog, blobs: BlobStore): Promise<void> {
  if (!config.rootKey?.weak || config.emulator) return;
  const locked = (await catalog.listLocked()).length + (await blobs.noteNames(LOCK_NOTES)).length;
  if (locked === 0) return;
  throw new SettingError(
    `the data folder holds a locked vault, and a root key that can be guessed is never taken there: give ${KEY_NAMES} at ` +
      `least ${SHORTEST_STRONG} characters each, or give --data another folder`,
  );
}
