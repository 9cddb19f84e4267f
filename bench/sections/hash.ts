import { createHash, hash as hashOnce } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { HashEngine } from '../../src/hashing/hash-engine.ts';
import { loadNativeHash } from '../../src/hashing/native-hash.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { type Contender, contest } from '../contest.ts';
import { opensslRate } from '../machine-limits.ts';
import type { BenchOptions, Reference, Row, Section, Target } from '../section.ts';

const MIB = 2 ** 20;
/** Size of the buffers that come from a socket. */
const CHUNK_BYTES = 64 * 1024;
const STREAMS = 4;
/** Size of the whole leaves hashed or read together: the most that any engine takes at once. */
const MANY_BYTES = 16 * MIB;
const FUSED_TARGET: Target = { kind: 'ratio', value: 0.9 };
const TREE_TARGET: Target = { kind: 'ratio', value: 1.6 };
const OPENSSL = 'openssl speed';

export const hash: Section = {
  name: 'hash',
  about:
    'Both hashes of a body in one pass, and the leaves of the tree alone, in the server’s own engine called from Node, ' +
    'against one SHA-256 by `openssl speed`. “Pool” is the thread pool, which the server uses for all but small bodies.',
  run,
};

/** A thing to time: `step` hashes `bytes`. `streams` of them run concurrently, each with its own number. */
interface Timed {
  readonly name: string;
  readonly bytes: number;
  readonly step: (stream: number) => unknown;
  readonly streams?: number;
  readonly target?: Target;
}

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const native = loadNativeHash(options.progress);
  const fd = openSync(join(options.folder, 'file'), 'w+');
  options.atEnd(() => closeSync(fd));
  writeSync(fd, Buffer.alloc(MANY_BYTES, 0x5a));
  const timed = [...plain(), ...(native ? withTargets(native, fd) : []), ...onEngine(nodeHash, fd)];
  const ms = options.quick ? 20 : 400;
  const results = await contest(options, [
    { name: OPENSSL, measure: async () => ({ value: await opensslRate() }) },
    ...timed.map((one) => timing(one, ms)),
  ]);
  const reference: Reference = { name: OPENSSL, samples: results.values(OPENSSL) };
  const row = (name: string): Row => ({
    name,
    unit: 'MB/s',
    better: 'higher',
    samples: results.values(name),
  });
  return [
    row(OPENSSL),
    ...timed.map(({ name, target }) => ({ ...row(name), reference, ...(target && { target }) })),
  ];
}

function timing({ name, bytes, step, streams = 1 }: Timed, ms: number): Contender {
  return {
    name,
    async measure() {
      const began = performance.now();
      let done = 0;
      const run = async (stream: number): Promise<void> => {
        do {
          const running = step(stream);
          // Awaits only promises, because awaiting a value would cost more than a small hash.
          if (running instanceof Promise) await running;
          done += bytes;
        } while (performance.now() - began < ms);
      };
      await Promise.all(Array.from({ length: streams }, (_, stream) => run(stream)));
      return { value: done / 1000 / (performance.now() - began) };
    },
  };
}

/** The rates that a program can reach with node:crypto alone. */
function plain(): Timed[] {
  const bytes = Buffer.alloc(MIB, 0x5a);
  const linear = createHash('sha256');
  const twoPasses = () => {
    linear.update(bytes);
    hashOnce('sha256', bytes, 'buffer');
  };
  return [
    { name: 'node:crypto, one SHA-256', bytes: MIB, step: () => linear.update(bytes) },
    { name: 'node:crypto, both hashes in two passes', bytes: MIB, step: twoPasses },
  ];
}

function onEngine(engine: HashEngine, fd: number): Timed[] {
  const name = (what: string) => `${engine.name}: ${what}`;
  const many = Buffer.alloc(MANY_BYTES, 0x5a);
  const two = many.subarray(0, 2 * MIB);
  const small = many.subarray(0, 4096);
  const chunksOf = (mib: number) =>
    Array.from({ length: (mib * MIB) / CHUNK_BYTES }, (_, i) =>
      many.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
    );
  const [oneMiB, fourMiB] = [chunksOf(1), chunksOf(4)];
  const pairs = Array.from({ length: STREAMS }, () => engine.createPairHasher());
  const smallPair = () => {
    const pair = engine.createPairHasher();
    pair.updateSync([small]);
    pair.digest();
  };
  const update = (stream: number, buffers: readonly Buffer[]) => pairs[stream]?.update(buffers);
  const write = (stream: number) => pairs[stream]?.writeAndHash(fd, stream * MIB, oneMiB);
  const inline: Timed[] = [
    { name: name('both hashes'), bytes: MIB, step: () => pairs[0]?.updateSync(oneMiB) },
    { name: name('both hashes, 16 leaves'), bytes: MANY_BYTES, step: () => pairs[0]?.updateSync([many]) },
    { name: name('tree alone'), bytes: MANY_BYTES, step: () => engine.hashLeavesSync(many) },
    { name: name('tree alone, two leaves'), bytes: 2 * MIB, step: () => engine.hashLeavesSync(two) },
    { name: name('4 KiB bodies, both hashes'), bytes: 4096, step: smallPair },
    { name: name('4 KiB bodies, one hash for both'), bytes: 4096, step: () => engine.hashLeavesSync(small) },
  ];
  if (!engine.offMainThread) return inline;
  return [
    ...inline,
    { name: name('both, pool, jobs of 1 MiB'), bytes: MIB, step: (n) => update(n, oneMiB) },
    { name: name('both, pool, jobs of 4 MiB'), bytes: 4 * MIB, step: (n) => update(n, fourMiB) },
    { name: name('both, pool, jobs of 16 MiB'), bytes: MANY_BYTES, step: (n) => update(n, [many]) },
    { name: name('both, pool, 4 streams'), bytes: MIB, step: (n) => update(n, oneMiB), streams: STREAMS },
    {
      name: name('tree alone, pool, 4 streams'),
      bytes: MANY_BYTES,
      step: () => engine.hashLeaves(many),
      streams: STREAMS,
    },
    { name: name('write to the page cache, and both'), bytes: MIB, step: write },
    { name: name('write to the page cache, and both, 4 streams'), bytes: MIB, step: write, streams: STREAMS },
    {
      name: name('read from the page cache, and tree'),
      bytes: MANY_BYTES,
      step: readInto(engine, fd, MANY_BYTES),
    },
    { name: name('read two leaves, and tree'), bytes: 2 * MIB, step: readInto(engine, fd, 2 * MIB) },
  ];
}

/**
 * Adds targets to the rows that measure only the kernels. Of the two rows for both hashes, only the one that the server
 * uses gets a target. The targets do not apply to the fallback engine.
 */
function withTargets(engine: HashEngine, fd: number): Timed[] {
  const [both, bothOfMany, tree, ...others] = onEngine(engine, fd);
  const many = engine.pairLeavesAtOnce > 1;
  const aim = (timed: Timed | undefined, target: Target | undefined): Timed[] =>
    timed ? [{ ...timed, ...(target && { target }) }] : [];
  return [
    ...aim(both, many ? undefined : FUSED_TARGET),
    ...aim(bothOfMany, many ? FUSED_TARGET : undefined),
    ...aim(tree, TREE_TARGET),
    ...others,
  ];
}

function readInto(engine: HashEngine, fd: number, bytes: number): () => Promise<unknown> {
  const target = Buffer.alloc(bytes);
  return () => engine.readAndHash(fd, 0, target);
}
