/** What power cuts leave of changes that were not flushed. */
import type { Survival } from './file-node.ts';
import type { Random } from './random.ts';

/** Nothing. */
export const NOTHING: Survival = {
  keeps: () => false,
  keepsSector: () => false,
  keepsLength: () => false,
  sectorBytes: 512,
};

/** All of it. */
export const ALL: Survival = {
  keeps: () => true,
  keepsSector: () => true,
  keepsLength: () => true,
  sectorBytes: 4096,
};

/** Any part, torn at 512 or 4,096 bytes. Draws how likely anything survives, then decides for each sector and name. */
export function subset(random: Random): Survival {
  const share = random.pick([0.1, 0.5, 0.9]) ?? 0.5;
  return {
    keeps: () => random.chance(share),
    keepsSector: () => random.chance(share),
    keepsLength: () => random.chance(0.5),
    sectorBytes: random.chance(0.5) ? 512 : 4096,
  };
}
