/** Measures the inventory of a large vault: time, and peak memory of the server. */
import { setTimeout as pause } from 'node:timers/promises';
import { jobsOf } from '../test/support/jobs.ts';
import { peakMiB } from './memory.ts';
import type { BenchOptions, Row } from './section.ts';
import { VAULT } from './servers/glacier.ts';
import { startVaultServer, type VaultFolder } from './servers/vault-server.ts';

const SECONDS = 60;
const MIB = 256;
/** Few rounds, because inventories take most of the time. */
const ROUNDS = 3;
const POLL_MS = 200;

/** Runs each inventory in a new server of one process, so that the peak memory is its own. */
export async function measureInventories(options: BenchOptions, large: VaultFolder): Promise<Row[]> {
  const seconds: number[] = [];
  const peaks: number[] = [];
  for (let round = 1; round <= Math.min(options.rounds, ROUNDS); round++) {
    options.progress(`inventory ${round}`);
    const { server, glacier } = await startVaultServer(options, large, ['--workers', '1']);
    const jobs = jobsOf(glacier.api);
    const began = performance.now();
    const id = await jobs.startInventory(VAULT, { Format: 'JSON' });
    // Polls rarely, so that the answers take little of the measured time.
    while ((await jobs.describe(VAULT, id))['StatusCode'] === 'InProgress') await pause(POLL_MS);
    seconds.push((performance.now() - began) / 1000);
    peaks.push(peakMiB(server.process.pid ?? 0));
    await server.stop();
  }
  const row = (name: string, unit: string, samples: readonly number[], value: number): Row => ({
    ...{ name: `inventory in JSON, ${name}`, unit, better: 'lower', samples },
    target: { kind: 'absolute', value },
  });
  return [row('time', 's', seconds, SECONDS), row('peak memory of the server', 'MiB', peaks, MIB)];
}
