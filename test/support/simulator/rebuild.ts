/** `moraine rebuild` over a simulated installation on which no server runs. */

import { rebuildClaimed } from '../../../src/app/rebuild.ts';
import { DiskStore } from '../../../src/blobs/disk/disk-store.ts';
import { makeSqliteCatalog, removeSqliteFile } from '../../../src/catalog/rebuild/sqlite-target.ts';
import { NO_HASH } from './engine.ts';
import { SimulatedFileSystem } from './file-system.ts';
import type { ServerDeps } from './server.ts';
import { CONFIG } from './server.ts';

/** Rebuilds so far: a rebuild whose process died leaves files that no other must use. */
let rebuilds = 0;

/**
 * Rebuilds the catalog. The scratch and the new catalog are real files in memory, as every simulated catalog: a rebuild
 * whose process dies is begun anew.
 * @returns how much was reported as damaged. @throws what a rebuild throws.
 */
export async function simulateRebuild({ installation, process, random, bug }: ServerDeps): Promise<number> {
  const { folder, claims, catalog, disk } = installation;
  const fs = new SimulatedFileSystem(disk, process);
  claims.claim(folder, process);
  const made = `${catalog.path}.rebuilt-${rebuilds}`;
  const scratchPath = `${catalog.path}.scratch-${rebuilds++}`;
  const sweeps = bug?.sweepsDuringRebuild
    ? new DiskStore(folder.store, random.bytes, NO_HASH, { fs })
    : undefined;
  const { damaged } = await rebuildClaimed(
    {
      config: CONFIG,
      folder,
      fs,
      random: random.bytes,
      clock: { now: () => installation.nowMs() },
      scratchPath,
      openPlace: async () => ({
        make: (build) => makeSqliteCatalog(made, build),
        async publish() {
          process.runSync({ kind: 'commit', call: 'publish', path: 'catalog' }, () => catalog.replace(made));
          return undefined;
        },
        close: async () => removeSqliteFile(made),
      }),
    },
    { replace: true, onStep: () => {}, onDamage: () => {} },
  );
  // The bug: what no row named while there were no rows.
  if (sweeps) for await (const ref of sweeps.list()) await sweeps.remove(ref);
  claims.release(process);
  return damaged;
}
