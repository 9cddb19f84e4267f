/** What the machine can do at best, each measured on its own. All in MB/s (a million bytes). */
import { rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { loadNativeHash } from '../src/hashing/native-hash.ts';
import { nodeHash } from '../src/hashing/node-hash.ts';
import { runProgram } from './programs.ts';

const MIB = 2 ** 20;
/** Bytes of one hashing job: as many whole leaves as any engine takes at once. */
const JOB_BYTES = 16 * MIB;

/** SHA-256 of one core by `openssl speed`, 16 KiB at a time for a second of real time, as all else is timed. */
export async function opensslRate(): Promise<number> {
  const args = ['speed', '-mr', '-elapsed', '-evp', 'sha256', '-bytes', '16384', '-seconds', '1'];
  const { output, errors } = await runProgram('openssl', args);
  // +F:number:name:bytes a second
  const rate = /^\+F:[^\n]*:([\d.]+)\s*$/m.exec(output)?.[1];
  if (rate === undefined) throw new Error(`openssl speed printed no rate: ${output}${errors}`);
  return Number(rate) / 1e6;
}

/** The disk by `dd conv=fdatasync`: a copy of a file that is in the page cache, up to the flush at the end. */
export async function ddRate(source: string, target: string): Promise<number> {
  const { size } = await stat(source);
  const { errors } = await runProgram('dd', [`if=${source}`, `of=${target}`, 'bs=1M', 'conv=fdatasync']);
  await rm(target);
  const seconds = /, ([\d.e-]+) s, /.exec(errors.replaceAll(/(\d),(\d)/g, '$1.$2'))?.[1];
  if (seconds === undefined) throw new Error(`dd printed no time: ${errors}`);
  return size / 1e6 / Number(seconds);
}

/** Both hashes in one pass by the server's own engine, on all cores: no network, no disk. */
export function fusedHashRate(ms: number): Promise<number> {
  const engine = loadNativeHash() ?? nodeHash;
  const bytes = Buffer.alloc(JOB_BYTES, 0x5a);
  return rateOnAllCores(ms, () => {
    const hasher = engine.createPairHasher();
    return () => hasher.update([bytes]);
  });
}

/** Leaves of the tree alone, as a download is verified; on one core or on all. */
export function treeHashRate(ms: number, cores = availableParallelism()): Promise<number> {
  const engine = loadNativeHash() ?? nodeHash;
  const bytes = Buffer.alloc(JOB_BYTES, 0x5a);
  return rateOnAllCores(ms, () => () => engine.hashLeaves(bytes), cores);
}

/** @param lane makes the step of one of several streams: it hashes JOB_BYTES. */
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
