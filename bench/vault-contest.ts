/** Sends the same requests to a large vault and to an empty one, in turn. */
import { availableParallelism } from 'node:os';
import type { Bodies } from './bodies.ts';
import { Results, type Sample } from './contest.ts';
import type { LoadProcess } from './load-process.ts';
import { measureLoad } from './measured.ts';
import { runProgram } from './programs.ts';
import type { BenchOptions, Row } from './section.ts';
import { VAULT } from './servers/glacier.ts';
import { startVaultServer, type VaultFolder, type VaultServer } from './servers/vault-server.ts';
import { type AskedVault, VAULT_OPERATIONS, type VaultOperation } from './vault-operations.ts';

export type Which = 'large' | 'empty';
export type ComparedVaults = Readonly<Record<Which, VaultFolder>>;

/** Requests of each operation, in each vault and round. */
const REQUESTS = { usual: 2000, quick: 40 };
/** Concurrent requests. */
const WIDTH = 8;
/** Archives uploaded into the empty vault before the first round. */
const KEPT = 100;
/** Retrievals finish at once; inventories do not finish while requests are timed. */
const FLAGS = ['--workers', String(availableParallelism()), '--job-times', 'standard=0s,inventory=24h'];
const RATIO = 1.5;

export async function compareOperations(
  options: BenchOptions,
  { large, empty }: ComparedVaults,
  bodies: Bodies,
  load: LoadProcess,
): Promise<Row[]> {
  const servers = {
    large: await startVaultServer(options, large, FLAGS),
    empty: await startVaultServer(options, empty, FLAGS),
  };
  const kept: string[] = [];
  for (let i = 0; i < KEPT; i++) kept.push(await servers.empty.glacier.api.upload(VAULT, `archive ${i}`));
  const vaults = {
    large: { ...large, kept: [] },
    empty: { ...empty, kept },
  };
  const count = options.quick ? REQUESTS.quick : REQUESTS.usual;
  const ask = (operation: VaultOperation, which: Which) =>
    askVault({ operation, server: servers[which], vault: vaults[which], count }, bodies, load);
  const results = await askInTurn(options, ask);
  for (const { server } of Object.values(servers)) await server.stop();
  return VAULT_OPERATIONS.map((operation) => operationRow(operation, results));
}

interface Asked {
  readonly operation: VaultOperation;
  readonly server: VaultServer;
  readonly vault: AskedVault;
  readonly count: number;
}

async function askVault(
  { operation, server, vault, count }: Asked,
  bodies: Bodies,
  load: LoadProcess,
): Promise<Sample> {
  const { address, glacier } = server;
  const requests = operation.requests(glacier, vault, bodies, count);
  const job = { address, requests, connections: WIDTH, limitMs: Number.POSITIVE_INFINITY, verify: false };
  const run = await measureLoad(load, job, [server.server.process.pid ?? 0]);
  return { value: run.p99Ms, run };
}

/** Measures both vaults in every round, in alternating order. The first round does not count. */
async function askInTurn(
  { rounds, progress }: BenchOptions,
  ask: (operation: VaultOperation, which: Which) => Promise<Sample>,
): Promise<Results> {
  const results = new Results();
  for (let round = 0; round <= rounds; round++) {
    progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    for (const operation of VAULT_OPERATIONS) {
      for (const which of vaultsOf(operation, round)) {
        // Flushes now, so that the flush does not count for the other vault.
        await runProgram('sync', []);
        const sample = await ask(operation, which);
        if (round > 0) results.add(`${operation.name}, ${which}`, sample);
      }
    }
  }
  return results;
}

function vaultsOf({ against }: VaultOperation, round: number): readonly Which[] {
  if (against !== undefined) return ['large'];
  return round % 2 === 0 ? ['empty', 'large'] : ['large', 'empty'];
}

function operationRow({ name, against = name }: VaultOperation, results: Results): Row {
  const reference = against === name ? 'the empty vault' : `${against}, in the empty vault`;
  return {
    name: `${name}, p99`,
    unit: 'ms',
    better: 'lower',
    samples: results.values(`${name}, large`),
    reference: { name: reference, samples: results.values(`${against}, empty`) },
    target: { kind: 'ratio', value: RATIO },
  };
}
