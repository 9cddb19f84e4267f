import { requireNoLock, requireStrongKeys } from '../weak-keys.ts';
import type { DoctorDeps } from './deps.ts';
import { type Check, fault, ok, warning } from './finding.ts';

type Deps = Pick<DoctorDeps, 'config'> & {
  readonly store: Pick<NonNullable<DoctorDeps['store']>, 'noteNames'> | undefined;
  readonly catalog:
    | { readonly reads: Pick<NonNullable<DoctorDeps['catalog']>['reads'], 'listLocked'> }
    | undefined;
};

/** Root's key from the environment. */
export const keysCheck: Check<Deps> = {
  name: 'root key',
  async run({ config, store, catalog }) {
    try {
      requireStrongKeys(config);
      if (store && catalog) await requireNoLock(config, catalog.reads, store);
    } catch (error) {
      const means = 'a server does not start with these settings';
      return [
        fault('weak-key', { found: (error as Error).message, means, advice: 'do what this text says' }),
      ];
    }
    if (!config.rootKey?.weak || config.emulator)
      return [
        ok(config.rootKey ? 'the root key of the settings is long enough' : 'the settings give no root key'),
      ];
    return [
      warning('weak-key', {
        found:
          'the root key of the settings is shorter than 16 characters, and --allow-weak-root-key is given',
        means: 'anyone who can reach the server can guess it and do everything',
        advice: 'give a longer id and secret, or none: the first start makes a key',
      }),
    ];
  },
};
