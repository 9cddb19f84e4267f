import { join } from 'node:path';
import { tryPostgres, trySqlite } from '../../catalog/examine.ts';
import { placeOf } from '../catalog-place.ts';
import type { DoctorDeps } from './deps.ts';
import { type Check, type Finding, fault, ok } from './finding.ts';
import { withScratch } from './scratch.ts';

type Deps = Pick<DoctorDeps, 'config' | 'folder' | 'fs' | 'random' | 'catalog' | 'catalogError'>;

/** Whether the catalog can be opened and is whole, and whether its database keeps what is written. */
export const catalogCheck: Check<Deps> = {
  name: 'catalog',
  async run(deps) {
    const place = placeOf(deps.config.catalogUrl, deps.folder);
    return [judgeOpening(deps, place), await tryWriting(deps, place)];
  },
};

function judgeOpening({ catalog, catalogError, config }: Deps, place: string): Finding {
  if (catalogError === undefined)
    return ok(catalog === undefined ? `there is no catalog in ${place} yet` : `${place} can be read`);
  const advice =
    config.catalogUrl === undefined
      ? 'put it back as docs/operating.md says under "Restoring", or run `moraine rebuild --replace`'
      : 'see whether the database runs, and whether --catalog (MORAINE_CATALOG) is right';
  return fault('catalog-unusable', {
    found: catalogError.message,
    means: 'a server cannot find the archives: it does not start, or requests get a 500',
    advice,
  });
}

async function tryWriting(deps: Deps, place: string): Promise<Finding> {
  const { config, folder, random, catalog, catalogError } = deps;
  const { catalogUrl: url, catalogTimeoutMs } = config;
  try {
    if (url === undefined) {
      await withScratch(deps, folder.path, async (area) => trySqlite(join(area, 'trial.sqlite')));
      return ok('a scratch database beside the catalog kept a commit and took back a rollback');
    }
    if (catalog === undefined || catalogError !== undefined)
      return ok('not tried: the database has no catalog to write to');
    await tryPostgres(url, catalogTimeoutMs, `doctor-${random(8).toString('hex')}`);
    return ok('a transaction in the database was rolled back');
  } catch (error) {
    return fault('catalog-fails', {
      found: (error as Error).message,
      means: `${place} cannot be written as the server needs it: changes get a 500`,
      advice:
        url === undefined
          ? 'look at the disk, its mount options and the kernel log; the catalog needs a local file system'
          : 'look at the log of the database, the rights of its user, and whether it is read-only',
    });
  }
}
