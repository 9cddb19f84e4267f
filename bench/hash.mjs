/**
 * What the hashes cost: `node bench/hash.mjs [rounds] [milliseconds]`. Each round measures everything once,
 * one after the other, so that a slow minute of the machine hits all alike; ratios are to the same round's
 * `openssl speed`, which is one SHA-256 on one core. Prints medians and the span of all rounds.
 */
import { spawnSync } from 'node:child_process';
import { createHash, hash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadNativeHash } from '../src/hashing/native-hash.ts';
import { nodeHash } from '../src/hashing/node-hash.ts';

const MIB = 1024 * 1024;
const rounds = Number(process.argv[2] ?? 7);
const millis = Number(process.argv[3] ?? 400);
const native = loadNativeHash((why) => console.log(why));

const one = Buffer.alloc(MIB, 0x5a);
const eight = Buffer.alloc(8 * MIB, 0x5a);
/** A MiB as it comes from a socket. */
const chunks = Array.from({ length: 16 }, (_, i) => one.subarray(i * 65536, (i + 1) * 65536));
const fourMiB = Array.from({ length: 64 }, (_, i) => eight.subarray(i * 65536, (i + 1) * 65536));
const small = one.subarray(0, 4096);

const folder = mkdtempSync(join(tmpdir(), 'moraine-bench-'));
const fd = openSync(join(folder, 'file'), 'w+');

/** Repeats `step`, which takes `bytes`, for the time given; MB/s. */
function rate(bytes, step) {
  return () => {
    const start = performance.now();
    let done = 0;
    do {
      step();
      done += bytes;
    } while (performance.now() - start < millis);
    return done / (performance.now() - start) / 1000;
  };
}

/** As `rate` for steps that return a promise, `width` at a time. */
function rateAsync(bytes, width, step) {
  return async () => {
    const start = performance.now();
    let done = 0;
    const lane = async (n) => {
      do {
        await step(n);
        done += bytes;
      } while (performance.now() - start < millis);
    };
    await Promise.all(Array.from({ length: width }, (_, n) => lane(n)));
    return done / (performance.now() - start) / 1000;
  };
}

function openssl() {
  const args = ['speed', '-mr', '-seconds', '1', '-bytes', String(MIB), '-evp', 'sha256'];
  const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
  // +F:number:name:bytes a second
  return Number(/^\+F:[^\n]*:([\d.]+)\s*$/m.exec(stdout ?? '')?.[1]) / 1e6;
}

function twoPasses() {
  const linear = createHash('sha256');
  return rate(MIB, () => {
    linear.update(one);
    hash('sha256', one, 'buffer');
  });
}

function rows() {
  const linear = createHash('sha256');
  const list = [
    ['openssl speed, one SHA-256', openssl],
    ['node:crypto, one SHA-256', rate(MIB, () => linear.update(one))],
    ['node:crypto, both hashes in two passes', twoPasses()],
    ['node:crypto, 4 KiB bodies', rate(4096, () => hash('sha256', small, 'buffer'))],
  ];
  for (const engine of native ? [native, nodeHash] : [nodeHash]) {
    const pairs = Array.from({ length: 4 }, () => engine.createPairHasher());
    const pair = pairs[0];
    const target = Buffer.alloc(4 * MIB);
    list.push(
      [`${engine.name}: both hashes, sync`, rate(MIB, () => pair.updateSync([one]))],
      [`${engine.name}: both hashes, sync, 64 KiB buffers`, rate(MIB, () => pair.updateSync(chunks))],
      [`${engine.name}: leaves alone, sync`, rate(8 * MIB, () => engine.hashLeavesSync(eight))],
      [`${engine.name}: 4 KiB bodies, leaves alone, sync`, rate(4096, () => engine.hashLeavesSync(small))],
    );
    const fresh = () => {
      const hasher = engine.createPairHasher();
      hasher.updateSync([small]);
      hasher.digest();
    };
    list.push([`${engine.name}: 4 KiB bodies, both hashes, sync`, rate(4096, fresh)]);
    if (engine !== native) continue;
    list.push(
      [`${engine.name}: both hashes, pool, 1 MiB jobs`, rateAsync(MIB, 1, () => pair.update(chunks))],
      [`${engine.name}: both hashes, pool, 4 MiB jobs`, rateAsync(4 * MIB, 1, () => pair.update(fourMiB))],
      [`${engine.name}: both hashes, pool, 4 streams`, rateAsync(MIB, 4, (n) => pairs[n].update(chunks))],
      [
        `${engine.name}: leaves alone, pool, 4 at once`,
        rateAsync(8 * MIB, 4, () => engine.hashLeaves(eight)),
      ],
      [
        `${engine.name}: write to page cache and hash`,
        rateAsync(MIB, 1, () => pair.writeAndHash(fd, 0, chunks)),
      ],
      [
        `${engine.name}: the same, 4 streams`,
        rateAsync(MIB, 4, (n) => pairs[n].writeAndHash(fd, n * MIB, chunks)),
      ],
      [
        `${engine.name}: read from page cache and hash`,
        rateAsync(4 * MIB, 1, () => engine.readAndHash(fd, 0, target)),
      ],
    );
  }
  return list;
}

const measured = rows().map(([name, measure]) => ({ name, measure, rates: [] }));
for (let round = 0; round < rounds; round++) {
  for (const row of measured) row.rates.push(await row.measure());
}
closeSync(fd);
rmSync(folder, { recursive: true });

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const base = measured[0].rates;
console.log(`${rounds} rounds\n${'MB/s'.padStart(69)}  ratio   (span)`);
for (const { name, rates } of measured) {
  const ratios = rates.map((value, i) => value / base[i]);
  const span = `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}`;
  const ratio = median(ratios).toFixed(2);
  console.log(`${name.padEnd(61)} ${median(rates).toFixed(0).padStart(7)}  ${ratio.padStart(5)}   (${span})`);
}
