/** The doctor: examines a data folder, whether or not a server runs on it. Changes nothing but scratch areas. */
import { existsSync } from 'node:fs';
import { DiskContents } from '../../blobs/disk/contents.ts';
import { DiskStore } from '../../blobs/disk/disk-store.ts';
import { examinePostgres, examineSqlite } from '../../catalog/examine.ts';
import { SettingError } from '../../config/errors.ts';
import type { Config } from '../../config/read.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { requireStoreOnDisk } from '../bucket.ts';
import { type DataFolder, dataFolder } from '../data-folder.ts';
import { surveyCatalog } from '../start-plan.ts';
import { systemRandom } from '../system.ts';
import { blobsCheck } from './blobs-check.ts';
import { catalogCheck } from './catalog-check.ts';
import { clockCheck } from './clock-check.ts';
import { damageCheck } from './damage-check.ts';
import type { DoctorDeps } from './deps.ts';
import { type Check, type Finding, fault, warning } from './finding.ts';
import { flushCheck } from './flush-check.ts';
import { journalCheck } from './journal-check.ts';
import { keysCheck } from './keys-check.ts';
import { limitsCheck } from './limits-check.ts';
import { thisMachine } from './machine.ts';
import { rightsCheck } from './rights-check.ts';
import { spaceCheck } from './space-check.ts';
import { startCheck } from './start-check.ts';
import { storeCheck } from './store-check.ts';
import { tlsCheck } from './tls-check.ts';
import { versionsCheck } from './versions-check.ts';

export type { Finding } from './finding.ts';

/** In the order of the report: what stops a start comes first, what takes long last. */
const CHECKS: readonly Check<DoctorDeps>[] = [
  startCheck,
  rightsCheck,
  spaceCheck,
  limitsCheck,
  clockCheck,
  keysCheck,
  tlsCheck,
  versionsCheck,
  catalogCheck,
  storeCheck,
  flushCheck,
  damageCheck,
  journalCheck,
  blobsCheck,
];

/** The doctor reads a catalog that nobody uses without SQLite's locks, because taking them leaves files behind. */
const DISTURBED = warning('catalog-disturbed', {
  found: 'a server or a command began to use the catalog while the doctor read it',
  means: 'other findings that rest on the catalog may be wrong',
  advice: 'run the doctor again',
});

/**
 * Runs all checks, one after the other.
 * @param config as from `readConfig`; of the certificate, only the paths count.
 * @param onFinding called with each finding.
 * @throws SettingError when there is no data folder.
 */
export async function examineFolder(
  config: Config,
  isFull: boolean,
  onFinding: (check: string, finding: Finding) => void,
): Promise<void> {
  requireStoreOnDisk(config, 'moraine doctor');
  const folder = dataFolder(config.data);
  if (!existsSync(folder.path))
    throw new SettingError(`there is no data folder at ${folder.path}: give --data the one to examine`);
  const { catalog, catalogError } = await openCatalog(config, folder);
  const store = existsSync(folder.store) ? new DiskStore(folder.store, systemRandom, nodeHash) : undefined;
  const deps: DoctorDeps = {
    ...{ config, folder, isFull, catalog, catalogError, store },
    machine: thisMachine(config, folder),
    fs: realFileSystem,
    random: systemRandom,
    contents: new DiskContents(folder.store),
  };
  try {
    for (const check of CHECKS)
      for (const finding of await runCheck(check, deps)) onFinding(check.name, finding);
    if (catalog?.wasDisturbed()) onFinding(catalogCheck.name, DISTURBED);
  } finally {
    await store?.close();
    await catalog?.close();
  }
}

/** A check that cannot be completed is a finding, too. */
async function runCheck(check: Check<DoctorDeps>, deps: DoctorDeps): Promise<readonly Finding[]> {
  try {
    return await check.run(deps);
  } catch (error) {
    return [
      fault('check-fails', {
        found: (error as Error).message,
        means: 'this check could not be completed, so more may be wrong',
        advice: 'repair what the text above or another finding names, and run the doctor again',
      }),
    ];
  }
}

async function openCatalog(
  config: Config,
  folder: DataFolder,
): Promise<Pick<DoctorDeps, 'catalog' | 'catalogError'>> {
  const none = { catalog: undefined, catalogError: undefined };
  try {
    if ((await surveyCatalog(config, folder, true)).kind === 'none') return none;
    const { catalogUrl, catalogTimeoutMs } = config;
    const catalog =
      catalogUrl === undefined
        ? await examineSqlite(folder.catalog)
        : await examinePostgres(catalogUrl, catalogTimeoutMs);
    return { ...none, catalog };
  } catch (error) {
    return { ...none, catalogError: error as Error };
  }
}
