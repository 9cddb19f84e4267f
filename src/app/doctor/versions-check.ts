import { FORMAT_VERSION, surveyDiskStore } from '../../blobs/disk/survey.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, type Finding, fault, ok, warning } from './finding.ts';

/** Three whole leaves and a short one, so that every kernel of the addon has work. */
const HASHED_BYTES = 3 * 1024 * 1024 + 12_345;

type Deps = Pick<DoctorDeps, 'folder' | 'fs' | 'random'> & {
  readonly machine: Pick<Machine, 'nodeVersion' | 'nativeHash'>;
  readonly catalog:
    | Pick<NonNullable<DoctorDeps['catalog']>, 'missingMigrations' | 'unknownMigrations'>
    | undefined;
};

/** Forms of store and catalog, Node.js, and the native hash. */
export const versionsCheck: Check<Deps> = {
  name: 'versions',
  run: async (deps) => [...(await judgeStore(deps)), ...judgeCatalog(deps), ...judgeHash(deps)],
};

async function judgeStore({ folder, fs }: Deps): Promise<readonly Finding[]> {
  const store = await surveyDiskStore(folder.store, fs);
  // The check `start` reports a store of an unknown form.
  if (store.kind !== 'store') return [];
  const { formatVersion } = store;
  const found = `the store has form ${formatVersion}`;
  if (formatVersion === FORMAT_VERSION) return [ok(found)];
  const means = `the next start makes it form ${FORMAT_VERSION}, which earlier versions of Moraine refuse`;
  return [warning('old-store', { found, means, advice: 'back up the data folder, then start the server' })];
}

function judgeCatalog({ catalog }: Deps): readonly Finding[] {
  if (catalog === undefined) return [];
  const { missingMigrations: missing, unknownMigrations: unknown } = catalog;
  if (unknown.length > 0) {
    return [
      fault('newer-catalog', {
        found: `the catalog has the migrations ${unknown.join(', ')}, which this version does not know`,
        means: 'a newer version of Moraine made it; this one does not start',
        advice: 'start that version',
      }),
    ];
  }
  if (missing.length === 0) return [ok('the catalog has all migrations')];
  return [
    warning('old-catalog', {
      found: `the catalog lacks the migrations ${missing.join(', ')}`,
      means: 'the next start applies them; the checks that read the catalog were left out',
      advice: 'back up the catalog, then start the server',
    }),
  ];
}

function judgeHash({ machine, random }: Deps): readonly Finding[] {
  const node = `Node.js ${machine.nodeVersion}`;
  const reasons: string[] = [];
  const native = machine.nativeHash((why) => reasons.push(why));
  if (native === undefined) {
    return [
      warning('no-native-hash', {
        found: `${node}; the native hash cannot be used: ${reasons.join('; ')}`,
        means: 'uploads and downloads are slower, and the scrub reads through the page cache',
        advice:
          'in a checkout, install a C compiler and run `npm run build`; otherwise install a package for this system',
      }),
    ];
  }
  const bytes = random(HASHED_BYTES);
  if (native.hashLeavesSync(bytes).equals(nodeHash.hashLeavesSync(bytes)))
    return [ok(`${node}; the native hash (${native.name}) gives the hashes of node:crypto`)];
  return [
    fault('wrong-hash', {
      found: `${node}; the native hash (${native.name}) and node:crypto give different hashes of ${HASHED_BYTES} bytes`,
      means: 'the processor or the memory of this machine is faulty, or the addon is',
      advice: 'stop the server; test the memory, and build the addon anew (npm run build)',
    }),
  ];
}
