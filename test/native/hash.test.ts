import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { HashEngine, PairHasher } from '../../src/hashing/hash-engine.ts';
import { loadNativeHash } from '../../src/hashing/native-hash.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { DIGEST_BYTES, LEAF_BYTES, leafCount } from '../../src/treehash/index.ts';
import { unlessPresent } from '../support/require.ts';

const KIB = 1024;
const MIB = LEAF_BYTES;
const why: string[] = [];
const native = loadNativeHash((line) => why.push(line));
const noNative = unlessPresent(native !== undefined, `the native hash (${why.join('; ')})`);
const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const noShim = process.platform !== 'linux' || noNative || unlessPresent(hasCompiler, 'a C compiler');
const noTrim = native?.giveBackMemory ? false : 'this C library does not return memory';

const folder = mkdtempSync(join(tmpdir(), 'moraine-hash-'));
after(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The expected hashes, computed with node:crypto alone. */
function expected(bytes: Uint8Array): { linear: string; leaves: string } {
  let leaves = '';
  for (let i = 0; i < leafCount(bytes.length); i++) leaves += sha256(bytes.subarray(i * MIB, (i + 1) * MIB));
  return { linear: sha256(bytes), leaves };
}

function hex(digest: { linear: Buffer; leaves: Buffer }): { linear: string; leaves: string } {
  assert.equal(digest.linear.length, DIGEST_BYTES);
  return { linear: digest.linear.toString('hex'), leaves: digest.leaves.toString('hex') };
}

/** The API's tree hash in its simplest form. */
function treeHash(leaves: Buffer): string {
  let level = Array.from({ length: leaves.length / 32 }, (_, i) => leaves.subarray(i * 32, i * 32 + 32));
  while (level.length > 1) {
    const next: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const pair = level.slice(i, i + 2);
      next.push(
        pair.length === 2 ? createHash('sha256').update(Buffer.concat(pair)).digest() : Buffer.concat(pair),
      );
    }
    level = next;
  }
  return Buffer.concat(level).toString('hex');
}

/** Pattern S of the vectors: byte i is the exclusive or of the four bytes of i. */
const S = Buffer.alloc(16 * MIB + 5);
for (let i = 0; i < S.length; i++) S[i] = i ^ (i >> 8) ^ (i >> 16) ^ (i >> 24);

/** Pseudo-random bytes, the same in every run. */
const NOISE = Buffer.alloc(5 * MIB);
for (let i = 0, x = 0x2545f491; i < NOISE.length; i += 4) {
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  NOISE.writeInt32LE(x, i);
}

/** More leaves than any engine takes at once, all different. */
const LONG = Buffer.alloc(35 * MIB + 8, NOISE.subarray(0, 5 * MIB - 3));

/** Content (pattern S, one repeated byte, or a text), length, linear hash (- if unknown), tree hash. */
const VECTORS = `
S 0 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
S 1 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
S 1023 551c2ce44c436df97c359ef9b8d48633d077804687487c837f953ffd9d6ce63b 551c2ce44c436df97c359ef9b8d48633d077804687487c837f953ffd9d6ce63b
S 1048575 3a23ffca247a53008aa6d9d0d60eaccbfc5291aa036e2bc90da4e09c71b8c877 3a23ffca247a53008aa6d9d0d60eaccbfc5291aa036e2bc90da4e09c71b8c877
S 1048576 9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd 9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd
S 1048577 c422bdfb339517edba3eb3110e631b9a93991dbdb2ee3ca1ddb91948fe210baf a4235dfa4360f6e3b753eec847fc49fdecce6fc70578489918ec372718924df6
S 2097151 ac7e291d23ea07c587bd3aaf4cecbf20f57b65149ea150abc9682825af8465f1 364bb906d8b5e8f59536b9ba87653291bf59f35e73abe31f42e9604119a5e0fa
S 2097152 ff595a0efabe363a3f96957001e471bde72330dbf3875f0e967fc1fd07e4c74d acc47ea8aea61d894f1c028af7c8427e70b55fbd69e840f888385dcc2b329b16
S 2621440 e27a221647eb054a0d1bc7cbd5c36a94cdc0e1a793d26c4ac1da696719fdfc11 356f04533c67fa9d76726c4c94df2aa28050f4c9407193a9817df700a1c4e83e
S 3145728 cc0585159c8e5c4c27e08eae0c19cb5ebc86a12a93c6287bc058e1e30c7a129b dfde7823ff04f5a111c01e2c8c07de00459ae860bf0b2f0d28a28a3f3f129068
S 3145729 4bed50eaab376914bd74a013acf3b0f106d59dd35b0c67be7a263ecd61772743 faf65386a951866f5a497a484c2999b55b2c1ee0ef967062b61d01412e33ac30
S 3670016 b442c56118bab3d014b68e68611e327557293f10da1470e7b68fab81a95c6b01 8b085357c2f2b4081613a011f1632d0a43d3221787955c1e0b22a89703e59a14
S 4194304 84c2719a0a1974aefc0ed2bf13dc2cf02dda82037a51c14975ec34e78c87a52e 38c7dd39e4f6235b623ee2866bee41cac37d8f647c52fac3b382f06b72e7258a
S 5242880 6fac87da614d6136b1a25f68deb2ffe9fedca47edbca85416f807e657e1027ec d47cd7961ddcfe8d5b1545ef9d190ef0a3dd7745441fda2b4c12ce76936249ba
S 6815744 3c3f06fd4937b3248f0da97f5c2f6f432c3c60d801ae4601e51cf273926bc585 1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed
S 7340032 5de38bdb0dca6c5f1ea36a0c3da78fd3a5b6e912db9c0d1179fb6c4fe41555af 850d5a79c06d697c724cbc8002da7c2e965f9945f2e9efa1eafa8ade1def0488
S 8388608 466cd1b0dd8676761eff76562813fb641c0565067dece7a1d33d53f136c71a81 7d0c992d3f5f8f4e8e8180bb4a916c5216f8dcc6c012c8bc3dd2545cea73e081
S 8388609 ae071a67434ce89d23ac2e4303dd6e2fce17974dcee4665a7843a7fa29c961f7 4c20c2b2c8bf161c17e81c9b603e3f7a4ef94304eff84fe6b349b5fab23a2cc4
S 16777221 045c426120e3a4f281a817511a1d0645be84c1e99975deb75cd3083e9b3d0bc6 cb99580cc3cd27fdb1ca64cf22e1fd2534b2d00f43f336df6b16a2e7615888d0
0x00 1048576 30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58 30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58
0x00 1048577 2cb74edba754a81d121c9db6833704a8e7d417e5b13d1a19f4a52f007d644264 28638dab8d5e1754a4ecb38b0ebe6df66c844f94aed142d4d0283d208bb786cd
0x00 2097152 5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee 861890b487038d840e9d71d43bbc0fd4571453fb9d9b1f370caa3582a29b0ec7
0x00 3145728 bbd05cf6097ac9b1f89ea29d2542c1b7b67ee46848393895f5a9e43fa1f621e5 ca6cc129a4514ec765de86a4e7a49adf44842c9cac213c383ebe4071271bdf21
0x00 4608000 - 3d760edb291bfc9d90d35809243de092aea4c47b308290ad12d084f69988ae0c
0x00 5242880 c036cbb7553a909f8b8877d4461924307f27ecb66cff928eeeafd569c3887e29 3de9bfb690ff216d907474b4aa56a6f77a8c846a08b26885d4ab2282092a757e
0x00 6815744 d85ef2a08aeac2812a648deb875485a6e3848fc3d43ce4aa380937f08199f86b 7fce0b2525bccf5bd8ed75ec7b7eb52de9b5c0aac4cf60f485aed45a934e9cf5
0x00 8388608 2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74 0b338127d84703658c14afde2ff57e928f124414760906c556de546a9c713e41
0x30 262144 - 6faefade5a638cd3545d638dd5754763658e32209e69420cb559b7650d4bf93a
0x30 2621440 2c3309aa9bf62e66f4103f5eed6ed4179cf35fd03122215f88b56504d226d38c 86118ad0c187fd240db59a37360e0e7f8a3a0c608eed740b4cd7b4271ab45171
0x30 3145728 b506b0128398687483a1849b2ca1f8bb85456280e46b108729f02b28541894f1 940257b3e0d13f92c98dc3fc32182e3acd07a81fe82f2b2dcd1802e1eedc5a3c
0x30 5767168 68aff0c5a91aa0491752bfb96e3fef33eb74953804f6a2f7b708d5bcefa8ff6b 154e26c78fd74d0c2c9b3cc4644191619dc4f2cd539ae2a74d5fd07957a3ee6a
0xff 3145728 908b6cfc9aef496dd5ab5c5540d80c6383ed6e92f86044574c996315381bc064 8ee18c8a00cbc4895eb15c19b32e6284e2576028766235925d9f2437e7dea369
0xff 8388608 9f9b02f5ee6cbef5e018c1ee424095fc21a842ea6968c0d36114b5930dab2ba1 00f42f21c0f6d9cb8e3f6983d43e667b14522886bfd3dc40644141b12569ce96
text 12 7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069 7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069
`
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as [string, string, string, string]);

function vectorBytes(what: string, length: number): Uint8Array {
  if (what === 'S') return S.subarray(0, length);
  return what === 'text' ? Buffer.from('Hello World!') : Buffer.alloc(length, Number(what));
}

/** Lengths and cuts around the limits where the code takes another path, and random ones. */
const edges = fc
  .tuple(
    fc.constantFrom(0, 64, 128, 4096, 64 * KIB, MIB, 2 * MIB, 3 * MIB, 4 * MIB),
    fc.integer({ min: -66, max: 66 }),
  )
  .map(([edge, by]) => Math.max(0, edge + by));
const lengths = fc.oneof(edges, fc.nat(300), fc.nat(4 * MIB));
const cuts = fc.array(fc.oneof(edges, fc.nat(300), fc.nat(4 * MIB)), { maxLength: 12 });
const starts = fc.nat(70);

/** Cuts `bytes` at each position inside it; a repeated position makes an empty buffer. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...at.filter((position) => position <= bytes.length), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

for (const [name, engine, skip] of [
  ['native', native ?? nodeHash, noNative],
  ['node:crypto', nodeHash, false],
] as const) {
  describe(`the ${name} hash engine`, { skip }, () => suite(engine));
}

function suite(engine: HashEngine): void {
  for (const [what, length, linear, tree] of VECTORS) {
    test(`vector: ${length} bytes of ${what}`, async () => {
      const bytes = vectorBytes(what, Number(length));
      const hasher = engine.createPairHasher();
      hasher.updateSync([bytes]);
      const digest = hasher.digest();
      if (linear !== '-') assert.equal(digest.linear.toString('hex'), linear);
      assert.equal(treeHash(digest.leaves), tree);
      assert.equal(treeHash(engine.hashLeavesSync(bytes)), tree);
      assert.equal(treeHash(await engine.hashLeaves(bytes)), tree);
    });
  }

  test('hashes any length, alignment and chunking synchronously', () => {
    fc.assert(
      fc.property(lengths, starts, cuts, fc.boolean(), (length, start, at, atOnce) => {
        const bytes = NOISE.subarray(start, start + length);
        const hasher = engine.createPairHasher();
        const buffers = cut(bytes, at);
        if (atOnce) hasher.updateSync(buffers);
        else for (const buffer of buffers) hasher.updateSync([buffer]);
        assert.deepEqual(hex(hasher.digest()), expected(bytes));
      }),
      { numRuns: 200 },
    );
  });

  test('computes leaves alone, for any length and alignment', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, starts, async (length, start) => {
        const bytes = NOISE.subarray(start, start + length);
        const { leaves } = expected(bytes);
        assert.equal(engine.hashLeavesSync(bytes).toString('hex'), leaves);
        assert.equal((await engine.hashLeaves(bytes)).toString('hex'), leaves);
      }),
      { numRuns: 100 },
    );
  });

  test('computes as many leaves as an engine takes at once, fewer and more', async () => {
    const most = engine.leavesAtOnce;
    assert.ok(Number.isInteger(most) && most >= 1 && most <= 16, `${most} leaves at once`);
    for (const leaves of [15, 16, 17, 32, 35]) {
      for (const more of [-65, 0, 3]) {
        const bytes = LONG.subarray(5, 5 + leaves * MIB + more);
        const wanted = expected(bytes).leaves;
        assert.equal(engine.hashLeavesSync(bytes).toString('hex'), wanted, `${bytes.length} bytes`);
        assert.equal((await engine.hashLeaves(bytes)).toString('hex'), wanted, `${bytes.length} bytes`);
      }
    }
  });

  test('computes both hashes of more leaves than an engine takes at once', async () => {
    assert.ok([1, 16].includes(engine.pairLeavesAtOnce), `${engine.pairLeavesAtOnce} leaves at once`);
    for (const [start, length, at] of [
      [0, 35 * MIB + 8, []],
      [5, 32 * MIB, [16 * MIB]],
      [0, 33 * MIB - 1, [MIB, 17 * MIB]],
      [3, 34 * MIB + 1, [2 * MIB, 17 * MIB + 64]],
      [1, 35 * MIB + 7, [17 * MIB + 13]],
    ] as const) {
      const bytes = LONG.subarray(start, start + length);
      const wanted = expected(bytes);
      const [oneByOne, together] = [engine.createPairHasher(), engine.createPairHasher()];
      for (const buffer of cut(bytes, at)) oneByOne.updateSync([buffer]);
      await together.update(cut(bytes, at));
      assert.deepEqual(hex(oneByOne.digest()), wanted, `${length} bytes, cut at ${at}`);
      assert.deepEqual(hex(together.digest()), wanted, `${length} bytes, cut at ${at}`);
    }
  });

  test('computes both hashes for any cuts between runs of sixteen leaves', () => {
    const bytes = LONG.subarray(1, 1 + 34 * MIB);
    const wanted = expected(bytes);
    const from = fc.oneof(fc.constantFrom(0, 64, MIB, 2 * MIB), fc.nat(2 * MIB));
    const more = fc.oneof(fc.constantFrom(16 * MIB, 17 * MIB), fc.integer({ min: 15 * MIB, max: 18 * MIB }));
    fc.assert(
      fc.property(from, more, fc.nat(34 * MIB), (first, second, any) => {
        const hasher = engine.createPairHasher();
        for (const buffer of cut(bytes, [first, first + second, any])) hasher.updateSync([buffer]);
        assert.deepEqual(hex(hasher.digest()), wanted);
      }),
      { numRuns: 10 },
    );
  });

  test('gives the same hashes for updates of every kind in any order, and writes the bytes to the file', async () => {
    const path = join(folder, 'mixed');
    const kinds = fc.infiniteStream(fc.constantFrom('sync', 'async', 'write'));
    await fc.assert(
      fc.asyncProperty(lengths, starts, cuts, kinds, async (length, start, at, kind) => {
        const bytes = NOISE.subarray(start, start + length);
        const hasher = engine.createPairHasher();
        const file = Buffer.alloc(length);
        const fd = openSync(path, 'w');
        writeFileSync(fd, file);
        for (const buffer of cut(bytes, at)) {
          const position = buffer.byteOffset - bytes.byteOffset;
          const halves = [buffer.subarray(0, buffer.length >> 1), buffer.subarray(buffer.length >> 1)];
          const how = kind.next().value;
          if (how === 'sync') hasher.updateSync(halves);
          else if (how === 'async') await hasher.update(halves);
          else await hasher.writeAndHash(fd, position, halves);
          if (how === 'write') file.set(buffer, position);
        }
        closeSync(fd);
        assert.deepEqual(hex(hasher.digest()), expected(bytes));
        assert.ok(readFileSync(path).equals(file));
      }),
      { numRuns: 60 },
    );
  });

  test('hashes every length up to three blocks, fed byte by byte', () => {
    for (let length = 0; length <= 192; length++) {
      const bytes = NOISE.subarray(7, 7 + length);
      const hasher = engine.createPairHasher();
      for (let i = 0; i < length; i++) hasher.updateSync([bytes.subarray(i, i + 1)]);
      assert.deepEqual(hex(hasher.digest()), expected(bytes));
    }
  });

  test('accepts more buffers in one job than the system takes at once', async () => {
    const bytes = NOISE.subarray(0, 3000 * 700);
    const buffers = cut(
      bytes,
      Array.from({ length: 2999 }, (_, i) => (i + 1) * 700),
    );
    const fd = openSync(join(folder, 'many'), 'w');
    const hasher = engine.createPairHasher();
    await hasher.writeAndHash(fd, 100, buffers);
    closeSync(fd);
    assert.deepEqual(hex(hasher.digest()), expected(bytes));
    assert.ok(readFileSync(join(folder, 'many')).subarray(100).equals(bytes));
  });

  test('accepts empty buffers and empty lists of buffers', async () => {
    const hasher = engine.createPairHasher();
    const fd = openSync(join(folder, 'empty'), 'w');
    hasher.updateSync([]);
    hasher.updateSync([new Uint8Array(0)]);
    await hasher.update([]);
    await hasher.writeAndHash(fd, 0, [new Uint8Array(0), new Uint8Array(0)]);
    closeSync(fd);
    assert.deepEqual(hex(hasher.digest()), expected(new Uint8Array(0)));
    assert.equal(readFileSync(join(folder, 'empty')).length, 0);
  });

  test('accepts shared memory, and arrays from another realm', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(MIB + 3), 1, MIB + 1);
    shared.set(NOISE.subarray(0, shared.length));
    const foreign = runInNewContext('Uint8Array.from([1, 2, 3])') as Uint8Array;
    const hasher = engine.createPairHasher();
    await hasher.update([shared, foreign]);
    hasher.updateSync([foreign]);
    const all = Buffer.concat([NOISE.subarray(0, shared.length), foreign, foreign]);
    assert.deepEqual(hex(hasher.digest()), expected(all));
  });

  test('keeps many concurrent hashers apart', async () => {
    await Promise.all(
      Array.from({ length: 24 }, async (_, n) => {
        const bytes = NOISE.subarray(n, n + 100_000 * (n + 1) + n);
        const hasher = engine.createPairHasher();
        const fd = openSync(join(folder, `at-once-${n}`), 'w');
        for (let at = 0; at < bytes.length; at += 300_001) {
          const piece = bytes.subarray(at, at + 300_001);
          await (n % 2 === 0 ? hasher.update([piece]) : hasher.writeAndHash(fd, at, [piece]));
        }
        closeSync(fd);
        assert.deepEqual(hex(hasher.digest()), expected(bytes));
        if (n % 2 === 1) assert.ok(readFileSync(join(folder, `at-once-${n}`)).equals(bytes));
      }),
    );
  });

  test('hashes what it reads from a file', async () => {
    const path = join(folder, 'read');
    writeFileSync(path, NOISE);
    const fd = openSync(path, 'r');
    await fc.assert(
      fc.asyncProperty(fc.nat(NOISE.length + 100), lengths, async (position, length) => {
        const target = new Uint8Array(length + 3).subarray(3);
        const { bytesRead, leaves } = await engine.readAndHash(fd, position, target);
        const there = NOISE.subarray(position, position + length);
        assert.equal(bytesRead, there.length);
        assert.ok(there.equals(target.subarray(0, bytesRead)));
        assert.equal(leaves.toString('hex'), expected(there).leaves);
      }),
      { numRuns: 60 },
    );
    closeSync(fd);
  });

  test("reports the system's error for a file that cannot be written or read", async () => {
    const path = join(folder, 'errors');
    writeFileSync(path, 'abc');
    const readOnly = openSync(path, 'r');
    const hasher = engine.createPairHasher();
    hasher.updateSync([NOISE.subarray(0, 100)]);
    await assert.rejects(
      hasher.writeAndHash(readOnly, 0, [NOISE.subarray(0, 10)]),
      (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'EBADF');
        assert.equal(error.errno, -9);
        assert.match(error.message, /EBADF: bad file descriptor/);
        return true;
      },
    );
    await assert.rejects(hasher.update([]), { code: 'ERR_HASHER_SPENT' });
    assert.throws(() => hasher.digest(), { code: 'ERR_HASHER_SPENT' });
    const writeOnly = openSync(path, 'r+');
    closeSync(writeOnly);
    await assert.rejects(engine.readAndHash(writeOnly, 0, new Uint8Array(5)), { code: 'EBADF' });
    const directory = openSync(folder, 'r');
    await assert.rejects(engine.readAndHash(directory, 0, new Uint8Array(5)), { code: 'EISDIR' });
    closeSync(directory);
    closeSync(readOnly);
  });

  test('a full disk', { skip: !existsSync('/dev/full') }, async () => {
    const fd = openSync('/dev/full', 'w');
    const hasher = engine.createPairHasher();
    await assert.rejects(hasher.writeAndHash(fd, 0, [NOISE.subarray(0, MIB)]), { code: 'ENOSPC' });
    assert.throws(() => hasher.updateSync([]), { code: 'ERR_HASHER_SPENT' });
    closeSync(fd);
  });

  test('allows one update at a time', async () => {
    const bytes = NOISE.subarray(0, MIB + 1);
    const hasher = engine.createPairHasher();
    const first = hasher.update([bytes]);
    await assert.rejects(hasher.update([bytes]), { code: 'ERR_HASHER_BUSY' });
    await assert.rejects(hasher.writeAndHash(1, 0, [bytes]), { code: 'ERR_HASHER_BUSY' });
    assert.throws(() => hasher.updateSync([bytes]), { code: 'ERR_HASHER_BUSY' });
    assert.throws(() => hasher.digest(), { code: 'ERR_HASHER_BUSY' });
    await first;
    assert.deepEqual(hex(hasher.digest()), expected(bytes));
  });

  test('returns a digest only once', async () => {
    const hasher = engine.createPairHasher();
    hasher.updateSync([Buffer.from('abc')]);
    hasher.digest();
    assert.throws(() => hasher.digest(), { code: 'ERR_HASHER_SPENT' });
    assert.throws(() => hasher.updateSync([]), { code: 'ERR_HASHER_SPENT' });
    await assert.rejects(hasher.update([]), { code: 'ERR_HASHER_SPENT' });
    await assert.rejects(hasher.writeAndHash(1, 0, []), { code: 'ERR_HASHER_SPENT' });
  });

  test('refuses wrong types without changing anything', async () => {
    const wrong = [undefined, null, 1, 'abc', {}, [], new ArrayBuffer(8), new DataView(new ArrayBuffer(8))];
    const wrongArrays = [new Uint16Array(4), new Int8Array(4), new Uint8ClampedArray(4), new Float64Array(4)];
    const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    const hasher = engine.createPairHasher();
    for (const value of [...wrong, ...wrongArrays] as unknown as Uint8Array[]) {
      const buffers = [Buffer.from('xyz'), value];
      assert.throws(() => hasher.updateSync(buffers), type);
      await assert.rejects(hasher.update(buffers), type);
      await assert.rejects(hasher.writeAndHash(1, 0, buffers), type);
      assert.throws(() => engine.hashLeavesSync(value), type);
      await assert.rejects(engine.hashLeaves(value), type);
      await assert.rejects(engine.readAndHash(0, 0, value), type);
    }
    for (const value of [
      ...wrong.filter((w) => !Array.isArray(w)),
      new Uint8Array(2),
    ] as unknown as Uint8Array[][]) {
      assert.throws(() => hasher.updateSync(value), type);
      await assert.rejects(hasher.update(value), type);
    }
    for (const value of [undefined, null, '1', 1n, {}] as unknown as number[]) {
      await assert.rejects(hasher.writeAndHash(value, 0, []), type);
      await assert.rejects(hasher.writeAndHash(1, value, []), type);
      await assert.rejects(engine.readAndHash(0, value, new Uint8Array(1)), type);
    }
    const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' };
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      await assert.rejects(hasher.writeAndHash(value, 0, []), range);
      await assert.rejects(hasher.writeAndHash(1, value, []), range);
      await assert.rejects(engine.readAndHash(0, value, new Uint8Array(1)), range);
    }
    await assert.rejects(hasher.writeAndHash(2 ** 31, 0, []), range);
    assert.deepEqual(hex(hasher.digest()), expected(new Uint8Array(0)));
  });

  test('treats a detached buffer as empty', async () => {
    const bytes = new Uint8Array(100);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    const hasher = engine.createPairHasher();
    hasher.updateSync([bytes]);
    await hasher.update([bytes]);
    assert.deepEqual(hex(hasher.digest()), expected(new Uint8Array(0)));
  });

  test("resumes after a job in its caller's async context", async () => {
    const storage = new AsyncLocalStorage<string>();
    await storage.run('mine', async () => {
      await engine.createPairHasher().update([NOISE]);
      assert.equal(storage.getStore(), 'mine');
    });
  });
}

describe('the native engine alone', { skip: noNative }, () => {
  const engine = native ?? nodeHash;
  const names = ['prebuilds/', 'build/sha256.'].map(
    (name) => `../../native/${name}${process.platform}-${process.arch}.node`,
  );
  const files = names.map((name) => fileURLToPath(new URL(name, import.meta.url)));
  const file = files.find((path) => existsSync(path)) ?? '';
  type Call = (...args: unknown[]) => unknown;
  const addon = (): Record<string, Call> => createRequire(import.meta.url)(file);
  const call = (name: string, ...args: unknown[]): unknown => addon()[name]?.(...args);

  test('names itself', () => {
    assert.equal(engine.offMainThread, true);
    assert.match(engine.name, /SHA/);
  });

  test('keeps memory alive while a job uses it, even if the caller drops all references', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const jobs = Array.from({ length: 40 }, async (_, n) => {
      const buffers = [Buffer.alloc(200_000, n), Buffer.alloc(MIB, n + 1)];
      const wanted = expected(Buffer.concat(buffers));
      let hasher: PairHasher | undefined = engine.createPairHasher();
      const digest = (h: PairHasher) => h.digest();
      const done = hasher.update(buffers);
      const leaves = engine.hashLeaves(Buffer.alloc(2 * MIB, n));
      buffers.length = 0;
      await done;
      assert.deepEqual(hex(digest(hasher)), wanted);
      hasher = undefined;
      assert.equal((await leaves).toString('hex'), expected(Buffer.alloc(2 * MIB, n)).leaves);
    });
    for (let i = 0; i < 20; i++) {
      // Hashers whose promises are not awaited, some of them at work.
      for (let n = 0; n < 20; n++) engine.createPairHasher().updateSync([NOISE.subarray(0, 2 * MIB)]);
      void engine.createPairHasher().update([Buffer.alloc(MIB, i)]);
      collect();
      await new Promise(setImmediate);
    }
    await Promise.all(jobs);
  });

  test('refuses a resizable buffer in the thread pool, but not synchronously', async () => {
    const bytes = new Uint8Array(new ArrayBuffer(10, { maxByteLength: 20 }));
    const hasher = engine.createPairHasher();
    await assert.rejects(hasher.update([bytes]), TypeError);
    await assert.rejects(hasher.writeAndHash(1, 0, [bytes]), TypeError);
    await assert.rejects(engine.hashLeaves(bytes), TypeError);
    await assert.rejects(engine.readAndHash(0, 0, bytes), TypeError);
    hasher.updateSync([bytes]);
    assert.deepEqual(hex(hasher.digest()), expected(new Uint8Array(10)));
  });

  test('survives arrays that run code while they are read', async () => {
    const hasher = call('createPairHasher');
    const bytes = NOISE.subarray(0, MIB);
    /** An array whose second element runs `code` when it is read, and is `bytes`. */
    const running = (first: Uint8Array, code: () => void) => {
      return Object.defineProperty([first], 1, {
        get: () => {
          code();
          return bytes;
        },
      });
    };
    const inner = Promise.withResolvers<unknown>();
    const updates = running(bytes, () => call('update', hasher, [bytes], inner.resolve));
    assert.throws(() => call('update', hasher, updates, assert.fail), { code: 'ERR_HASHER_BUSY' });
    await inner.promise;
    const gone = new Uint8Array(1000);
    const detaches = running(gone, () => structuredClone(gone.buffer, { transfer: [gone.buffer] }));
    call('updateSync', hasher, detaches);
    const throws = running(bytes, () => assert.fail('mine'));
    assert.throws(() => call('updateSync', hasher, throws), /mine/);
    const all = Buffer.concat([bytes, bytes]);
    const { linear, leaves } = expected(all);
    assert.equal((call('digest', hasher) as Buffer).toString('hex'), linear + leaves);
  });

  test('refuses too many buffers before it reads any', () => {
    const hasher = engine.createPairHasher();
    assert.throws(() => hasher.updateSync(new Array(2 ** 32 - 1)), { code: 'ERR_OUT_OF_RANGE' });
  });

  test("survives any arguments to the addon's functions with at most an exception", async () => {
    const foreign = [
      new Proxy({}, {}),
      new Proxy([], {}),
      new Map(),
      Symbol('x'),
      10n,
      new Date(),
      async () => {},
    ];
    const plain = [undefined, null, true, '', 'abc', -1, 1.5, Number.NaN, 2 ** 31, 1e300, {}, [], [{}], [[]]];
    const bytes = [new Uint8Array(0), new Uint8Array(32), new Uint8Array(64), [new Uint8Array(9)], () => {}];
    const value = fc.constantFrom<unknown>(...plain, ...foreign, ...bytes, 'HASHER', 'HASHER', 'HASHER');
    const names = Object.keys(addon()).filter((name) => typeof addon()[name] === 'function');
    assert.equal(names.length, noTrim ? 9 : 10);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), fc.array(value, { maxLength: 6 }), async (name, args) => {
        const own = call('createPairHasher');
        try {
          call(name, ...args.map((arg) => (arg === 'HASHER' ? own : arg)));
        } catch (error) {
          assert.match((error as NodeJS.ErrnoException).code ?? '', /^ERR_/);
        }
        await new Promise(setImmediate);
      }),
      { numRuns: 3000 },
    );
  });

  test('raises what a callback throws as an uncaught exception, and the next job works', () => {
    const script = `
      const addon = require(${JSON.stringify(file)});
      const hasher = addon.createPairHasher();
      process.on('uncaughtException', (error) => {
        console.log(error.message);
        addon.update(hasher, [Buffer.from('b')], () => console.log(addon.digest(hasher).length));
      });
      addon.update(hasher, [Buffer.from('a')], () => { throw new Error('thrown'); });`;
    const { stdout, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    assert.equal(stdout, 'thrown\n64\n');
    assert.equal(status, 0);
  });

  test('can be loaded by worker threads, which may be terminated in the middle of jobs', async () => {
    const url = new URL('../../src/hashing/native-hash.ts', import.meta.url).href;
    const script = `
      const { parentPort } = require('node:worker_threads');
      import(${JSON.stringify(url)}).then(async ({ loadNativeHash }) => {
        const engine = loadNativeHash();
        const bytes = Buffer.alloc(8 * 1024 * 1024 + 1, 7);
        const hasher = engine.createPairHasher();
        hasher.updateSync([bytes]);
        const hex = hasher.digest().linear.toString('hex');
        for (let i = 0; i < 6; i++) {
          engine.createPairHasher().update([bytes, bytes]).catch(() => {});
          engine.hashLeaves(bytes).catch(() => {});
        }
        parentPort.postMessage(hex);
      });`;
    const wanted = sha256(Buffer.alloc(8 * MIB + 1, 7));
    for (let round = 0; round < 4; round++) {
      const worker = new Worker(script, { eval: true });
      const hex = await new Promise((resolve, reject) =>
        worker.once('message', resolve).once('error', reject),
      );
      assert.equal(hex, wanted);
      await worker.terminate();
    }
  });

  test('lets a process end in the middle of jobs', () => {
    const script = `
      const addon = require(${JSON.stringify(file)});
      const bytes = Buffer.alloc(64 * 1024 * 1024);
      for (let i = 0; i < 8; i++) addon.update(addon.createPairHasher(), [bytes], () => {});
      process.exit(3);`;
    assert.equal(spawnSync(process.execPath, ['-e', script]).status, 3);
  });

  test('reports a file size limit after a partial write', {
    skip: process.platform !== 'linux',
  }, () => {
    const path = join(folder, 'limited');
    const script = `
      const addon = require(${JSON.stringify(file)});
      const fd = require('node:fs').openSync(${JSON.stringify(path)}, 'w');
      const bytes = Buffer.alloc(300_000, 1);
      addon.writeAndHash(addon.createPairHasher(), fd, 0, [bytes, bytes, bytes], (errno) => console.log(errno));`;
    const shell = 'ulimit -f 512; exec "$0" -e "$1"';
    const { stdout } = spawnSync('bash', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
    assert.equal(stdout, '27\n', 'EFBIG');
    assert.equal(readFileSync(path).length, 512 * KIB);
  });

  test('returns freed memory to the system, even between blocks in use', { skip: noTrim }, () => {
    const script = `
      const addon = require(${JSON.stringify(file)});
      const mib = () => process.memoryUsage.rss() / ${MIB};
      const buffers = Array.from({ length: 2000 }, () => addon.alignedBuffer(64 * 1024));
      for (let i = 0; i < 2000; i++) if (i % 20 > 0) buffers[i].buffer.transfer(0);
      // The memory of a transferred buffer is freed a little later.
      setImmediate(() => {
        const before = mib();
        addon.giveBackMemory();
        console.log(before - mib() > 60, buffers[20].every((byte) => byte === 0));
      });`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    assert.equal(stdout, 'true true\n', stderr);
  });

  test('handles short writes, short reads and interruptions', { skip: noShim }, () => {
    const shim = join(folder, 'short-io.so');
    const source = fileURLToPath(new URL('short-io.c', import.meta.url));
    const built = spawnSync('cc', ['-shared', '-fPIC', '-O1', source, '-o', shim]);
    assert.equal(built.status, 0, String(built.stderr));
    const path = join(folder, 'short');
    const url = new URL('../../src/hashing/native-hash.ts', import.meta.url).href;
    const script = `
      import { openSync, readFileSync } from 'node:fs';
      const { loadNativeHash } = await import(${JSON.stringify(url)});
      const engine = loadNativeHash();
      const fd = openSync(${JSON.stringify(path)}, 'w+');
      const hasher = engine.createPairHasher();
      const buffers = Array.from({ length: 90 }, (_, i) => Buffer.alloc(i * 811, i));
      await hasher.writeAndHash(fd, 5, buffers);
      const digest = hasher.digest();
      const wanted = Buffer.concat(buffers);
      for (let i = 0; i < 10; i++) {
        const target = Buffer.alloc(4_000_000);
        const { bytesRead, leaves } = await engine.readAndHash(fd, 5, target);
        console.log(wanted.equals(target.subarray(0, bytesRead)), leaves.equals(digest.leaves), leaves.length);
      }`;
    // A preloaded sanitizer library must stay first.
    const env = { ...process.env, LD_PRELOAD: [process.env['LD_PRELOAD'], shim].filter(Boolean).join(':') };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env,
    });
    assert.equal(stdout, 'true true 128\n'.repeat(10), stderr);
    const [again = 0, early = 0] = ['again', 'no end'].map(
      (what) => stderr.split('\n').filter((line) => line === what).length,
    );
    assert.ok(
      again > 0 && again < 10,
      `${again} reads were not available at once: some must be and some must not`,
    );
    assert.ok(early > 0, 'no read ended early');
  });
});

describe('memory for unbuffered files', { skip: noNative }, () => {
  const engine = native as HashEngine;

  test('has the requested length and is zeroed', () => {
    for (const bytes of [1, 4096, MIB]) {
      const buffer = engine.alignedBuffer?.(bytes) ?? assert.fail();
      assert.equal(buffer.length, bytes);
      assert.ok(buffer.equals(Buffer.alloc(bytes)));
    }
  });

  test('is refused for invalid lengths', () => {
    for (const bytes of [0, -1, 1.5, Number.NaN, 2 ** 31, '4096' as unknown as number]) {
      assert.throws(() => engine.alignedBuffer?.(bytes), /bytes must be an integer from 1 to 2\^30/);
    }
  });

  test('is not offered by the node:crypto engine', () => {
    assert.equal(nodeHash.alignedBuffer, undefined);
  });
});
