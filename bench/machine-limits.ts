/** Measures the limits of the machine, one at a time. All in MB/s (a million bytes). */
import { rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { loadNativeHash } from '../src/hashing/native-hash.ts';
import { nodeHash } from '../src/hashing/node-hash.ts';
import { runProgram } from './programs.ts';

const MIB = 2 ** 20;
/** Size of one hashing job: the most whole leaves that any engine hashes at once. */
const JOB_BYTES = 16 * MIB;

/** SHA-256 on one core by `openssl speed`, with 16 KiB at a time, for a second of real time. */
export async function opensslRate(): Promise<number> {
  const args = ['speed', '-mr', '-elapsed', '-evp', 'sha256', '-bytes', '16384', '-seconds', '1'];
  const { output, errors } = await runProgram('openssl', args);
  // The line is +F:number:name:bytes per second.
  const rate = /^\+F:[^\n]*:([\d.]+)\s*$/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`openssl speed printed no rate: ${output}${errors}`);
  return Number(rate) / 1e6;
}

/** The disk by `dd conv=fdatasync`: copies a file from the page cache, and flushes at the end. */
export async function ddRate(source: string, target: string): Promise<number> {
  const { size } = await stat(source);
  const { errors } = await runProgram('dd', [`if=${source}`, `of=${target}`, 'bs=1M', 'conv=fdatasync']);
  await rm(target);
  const seconds = /, ([\d.e-]+) s, /.exec(errors.replaceAll(/(\d),(\d)/g, '$1.$2'))?.[1];
  if (seconds === undefined) throw new Error(`dd printed no time: ${errors}`);
  return size / 1e6 / Number(seconds);
}

/** Both hashes in one pass by the server's engine, on all cores, without network and disk. */
export function fusedHashRate(ms: number): Promise<number> {
  const engine = loadNativeHash() ?? nodeHash;
  const bytes = Buffer.alloc(JOB_BYTES, 0x5a);
  return rateOnAllCores(ms, () => {
    const hasher = engine.createPairHasher();
    return () => hasher.update([bytes]);
  });
}

/** Only the leaves of the tree, as for verifying a download; on one core or on all. */
export function treeHashRate(ms: number, cores = availableParallelism()): Promise<number> {
  const engine = loadNativeHash() ?? nodeHash;
  const bytes = Buffer.alloc(JOB_BYTES, 0x5a);
  return rateOnAllCores(ms, () => () => engine.hashLeaves(bytes), cores);
}

/** Times several concurrent streams. @param lane returns a stream's step, which hashes JOB_BYTES. */
async function rateOnAllCores(
  ms: number,
  lane: () => () => Promise<unknown>,
  cores = availableParallelism(),
): Promise<number> {
  const began = performance.now();
  let bytes = 0;
  const run = async (step: () => Promise<unknown>): Promise<void> => {
    while (performance.now() - began < ms) {
      await step();
      bytes += JOB_BYTES;
    }
  };
  await Promise.all(Array.from({ length: cores }, () => run(lane())));
  return bytes / 1000 / (performance.now() - began);
}
