import { OLDER_NOTE } from '../../domain/store-identity.ts';
import { planStart, StartRefused } from '../start-plan.ts';
import type { DoctorDeps } from './deps.ts';
import { type Check, fault, ok, warning } from './finding.ts';

/** Whether a start would be refused. */
export const startCheck: Check<Pick<DoctorDeps, 'config' | 'folder' | 'random' | 'fs'>> = {
  name: 'start',
  async run({ config, folder, random, fs }) {
    try {
      const { identity, older, storeNumber, catalogNumber } = await planStart(
        config,
        folder,
        random,
        fs,
        true,
      );
      const generation = identity.generation - 1;
      if (!older && generation === 0)
        return [ok('no server of this version has started here yet, and one may')];
      if (!older)
        return [ok(`store ${identity.storeId} and its catalog belong together, generation ${generation}`)];
      return [
        warning('catalog-older', {
          found: `the catalog is at commit ${catalogNumber}, the store at ${storeNumber}, or one of them says that it is older`,
          means: `the catalog was restored from a backup: archives stored since are not in it, and nothing is removed (note ${OLDER_NOTE})`,
          advice:
            'if you have a newer catalog, put it back; if not, see what a start set aside (moraine store aside), then run ' +
            '`moraine catalog accept`, or `moraine rebuild --replace`',
        }),
      ];
    } catch (error) {
      const { message } = error as Error;
      const means = 'a server cannot start on this data folder';
      if (error instanceof StartRefused)
        return [fault('start-refused', { found: message, means, advice: 'do what this text says' })];
      const advice =
        'put back or repair what is named above; docs/operating.md, "Restoring", says what each file is for';
      return [fault('start-fails', { found: message, means, advice })];
    }
  },
};
