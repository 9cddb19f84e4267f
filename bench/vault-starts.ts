/** Measures how long a killed server takes to serve again. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bodies } from './bodies.ts';
import type { LoadProcess } from './load-process.ts';
import type { BenchOptions, Row } from './section.ts';
import { startVaultServer, type VaultFolder, type VaultServer } from './servers/vault-server.ts';
import type { ComparedVaults, Which } from './vault-contest.ts';

const READY_MS = 2000;
/** Concurrent uploads. */
const WIDTH = 8;
/** Time during which the server gets uploads before it is killed. */
const BUSY_MS = 500;

/** Times from the start of the program until it serves, after a SIGKILL during uploads. */
export async function measureStarts(
  options: BenchOptions,
  vaults: ComparedVaults,
  bodies: Bodies,
  load: LoadProcess,
): Promise<Row[]> {
  const times = { large: [] as number[], empty: [] as number[] };
  for (let round = 1; round <= options.rounds; round++) {
    options.progress(`kill -9, round ${round} of ${options.rounds}`);
    for (const [which, vault] of Object.entries(vaults) as [Which, VaultFolder][]) {
      await killAmongUploads(await startVaultServer(options, vault), bodies, load);
      const { server, readyMs } = await startVaultServer(options, vault);
      times[which].push(readyMs);
      await server.stop();
    }
  }
  return [
    {
      name: 'start after kill -9',
      unit: 'ms',
      better: 'lower',
      samples: times.large,
      reference: { name: 'the empty vault', samples: times.empty },
      target: { kind: 'absolute', value: READY_MS },
    },
  ];
}

async function killAmongUploads(
  { server, address, glacier }: VaultServer,
  { small }: Bodies,
  load: LoadProcess,
): Promise<void> {
  const requests = small.map((body) => glacier.upload(body));
  const job = { address, requests, connections: WIDTH, limitMs: 10 * BUSY_MS, verify: false };
  const cut = load.run(job).catch(() => {});
  await pause(BUSY_MS);
  await server.kill();
  await cut;
}
