import { join } from 'node:path';
import { makeBodies } from '../bodies.ts';
import { startLoad } from '../load-process.ts';
import type { BenchOptions, Row, Section } from '../section.ts';
import { buildServer } from '../servers/built.ts';
import { makeVault } from '../servers/vault-server.ts';
import { compareOperations } from '../vault-contest.ts';
import { measureInventories } from '../vault-inventory.ts';
import { measureStarts } from '../vault-starts.ts';

const ARCHIVES = { usual: 10_000_000, quick: 20_000 };

/** Makes the section. @param archives number of archives in the large vault; by default the section's own. */
export function largeVaultSection(archives?: number): Section {
  return {
    name: 'large-vault',
    about:
      'A vault of ten million archives, or as many as the command says, and an empty one, each in a server of its ' +
      'own with the same flags: the 99th percentile of 2,000 requests, 8 at a time. Then the inventory of the ' +
      'large one as JSON, in a server of one process, and how long a server that was killed in the middle of ' +
      'uploads takes until it is ready.',
    run: (options) => run(options, archives ?? (options.quick ? ARCHIVES.quick : ARCHIVES.usual)),
  };
}

async function run(options: BenchOptions, archives: number): Promise<readonly Row[]> {
  const main = await buildServer();
  const vaults = {
    large: { main, data: join(options.folder, 'large'), archives },
    empty: { main, data: join(options.folder, 'empty'), archives: 0 },
  };
  options.progress(`filling a vault with ${archives} archives`);
  for (const vault of Object.values(vaults)) await makeVault(options, vault);
  const bodies = await makeBodies(join(options.folder, 'bodies'), options.sizes.piece);
  const load = startLoad(options, bodies.file);
  return [
    ...(await compareOperations(options, vaults, bodies, load)),
    ...(await measureInventories(options, vaults.large)),
    ...(await measureStarts(options, vaults, bodies, load)),
  ];
}
