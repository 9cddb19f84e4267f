/** The simulated file system does what the real one does, and a power cut leaves what it may leave. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { FileSystem, OpenFile, OpenMode } from '../../../src/durable/file-system.ts';
import { realFileSystem } from '../../../src/durable/real-file-system.ts';
import { nodeHash } from '../../../src/hashing/node-hash.ts';
import { temporaryFolder } from '../server.ts';
import { SimulatedDisk } from './disk.ts';
import type { Survival } from './file-node.ts';
import { SimulatedFileSystem } from './file-system.ts';
import { Random } from './random.ts';
import { type Fault, type Steps, systemError } from './steps.ts';
import { ALL, NOTHING, subset } from './survival.ts';

/** Paths of which some are below others, so that files get in the way of folders. */
const PATHS = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'a/a'];
const path = fc.constantFrom(...PATHS);
const mode = fc.constantFrom<OpenMode>('read', 'create', 'append');
/** Never empty: Node.js does not ask the system about nothing. */
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const text = fc.string({ minLength: 1 });
const length = fc.integer({ min: 1, max: 60 });
const position = fc.nat(60);
/** Which of the open files. */
const which = fc.nat(3);

/** A file system, the folder in it that a run may change, and the files that are open. */
interface World {
  readonly fs: FileSystem;
  readonly folder: string;
  readonly open: OpenFile[];
}

/** One call, with the same outcome on both file systems. */
type Call = (world: World) => Promise<unknown>;

type NamedCall = readonly [string, Call];

/** A call on a path. */
function onPath(
  name: string,
  run: (fs: FileSystem, path: string) => Promise<unknown>,
): fc.Arbitrary<NamedCall> {
  return path.map((one) => [`${name} ${one}`, ({ fs, folder }) => run(fs, `${folder}/${one}`)]);
}

/** A call with two paths. */
function onPaths(name: string, run: (fs: FileSystem, a: string, b: string) => Promise<unknown>) {
  return fc
    .tuple(path, path)
    .map(
      ([a, b]): NamedCall => [
        `${name} ${a} ${b}`,
        ({ fs, folder }) => run(fs, `${folder}/${a}`, `${folder}/${b}`),
      ],
    );
}

/** A call on an open file, with an argument. */
function onFile<Argument>(
  name: string,
  argument: fc.Arbitrary<Argument>,
  run: (file: OpenFile, argument: Argument) => Promise<unknown>,
): fc.Arbitrary<NamedCall> {
  return fc.tuple(which, argument).map(([number, value]) => [
    `${name} ${number} ${String(value)}`,
    async ({ open }) => {
      const file = open[number % Math.max(1, open.length)];
      return file && run(file, value);
    },
  ]);
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const opening = fc
  .tuple(path, mode)
  .map(
    ([one, how]): NamedCall => [
      `open ${one} ${how}`,
      async ({ fs, folder, open }) => void open.push(await fs.open(`${folder}/${one}`, how)),
    ],
  );
const data = fc.tuple(position, bytes);
const hasher = () => nodeHash.createPairHasher();

const call: fc.Arbitrary<NamedCall> = fc.oneof(
  opening,
  onPath('read', (fs, at) => fs.readFile(at)),
  onPath('lines', (fs, at) => all(fs.readLines(at))),
  onPath('stat', async (fs, at) => void (await fs.stat(at))),
  onPath('remove', (fs, at) => fs.remove(at)),
  onPath('removeTree', (fs, at) => fs.removeTree(at)),
  onPath('makeFolder', (fs, at) => fs.makeFolder(at)),
  onPath('names', async (fs, at) => (await fs.names(at)).sort()),
  onPath('list', async (fs, at) => namesOf(await fs.list(at))),
  onPaths('link', (fs, a, b) => fs.link(a, b)),
  onPaths('rename', (fs, a, b) => fs.rename(a, b)),
  onFile('write', data, (file, [at, some]) => file.writeAt(at, some)),
  onFile('write and hash', data, (file, [at, some]) => file.writeAndHash(hasher(), at, [some])),
  onFile('read at', fc.tuple(position, length), (file, [at, most]) => file.readAt(at, most)),
  onFile('read and hash', position, hashOf),
  onFile('append', text, (file, some) => file.append(some)),
  onFile('write whole', text, (file, some) => file.writeWhole(some)),
  onFile('append once', bytes, (file, some) => file.appendOnce(some)),
  onFile('truncate', position, (file, to) => file.truncate(to)),
  onFile('flush', fc.constant(''), (file) => file.flush()),
  onFile('flush data', fc.constant(''), (file) => file.flushData()),
  onFile('close', fc.constant(''), (file) => file.close()),
);

async function namesOf(list: AsyncIterable<{ readonly name: string }>): Promise<unknown> {
  return (await all(list)).map(({ name }) => name).sort();
}

async function hashOf(file: OpenFile, at: number): Promise<unknown> {
  const target = Buffer.alloc(30);
  const { bytesRead, leaves } = await file.readAndHash(nodeHash, at, target);
  return { bytesRead, leaves, target };
}

async function outcomeOf(world: World, run: Call): Promise<unknown> {
  try {
    return { value: await run(world) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A hash engine refuses the descriptor -1 of a closed file itself.
    return { code: code === 'ERR_OUT_OF_RANGE' ? 'EBADF' : code };
  }
}

/** A file system without faults but for these: the first step of the call fails. */
function failing(t: TestContext, name: string, fault: Fault): { fs: FileSystem; disk: SimulatedDisk } {
  const disk = new SimulatedDisk();
  let left = 1;
  const steps: Steps = {
    run: async (step, effect) => (step.call === name && left-- > 0 ? effect(fault) : effect()),
  };
  t.after(() => assert.ok(left <= 0, `${name} was not called`));
  return { fs: new SimulatedFileSystem(disk, steps), disk };
}

const KEEP_FIRST: Survival = {
  keeps: () => true,
  keepsSector: (() => {
    let sectors = 0;
    return () => sectors++ === 0;
  })(),
  keepsLength: () => false,
  sectorBytes: 512,
};

describe('the simulated file system', () => {
  it('does what the real file system does', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    let runs = 0;
    const property = fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
      const real: World = { fs: realFileSystem, folder: `${folder}/${runs++}`, open: [] };
      const simulated: World = { fs: new SimulatedFileSystem(), folder: '/x', open: [] };
      for (const world of [real, simulated]) await world.fs.makeFolder(world.folder);
      try {
        for (const [name, run] of calls)
          assert.deepEqual(await outcomeOf(simulated, run), await outcomeOf(real, run), name);
      } finally {
        for (const file of real.open) await file.close();
      }
    });
    await fc.assert(property, { numRuns: 300 });
  });

  it('keeps after a power cut what was flushed, in files and in folders', async () => {
    const disk = new SimulatedDisk();
    const fs = new SimulatedFileSystem(disk);
    await fs.makeFolder('/d');
    const [root, folder] = [await fs.open('/', 'read'), await fs.open('/d', 'read')];
    const file = await fs.open('/d/f', 'create');
    await file.append('flushed');
    await file.flushData();
    await Promise.all([root.flush(), folder.flush()]);
    await file.append(' and not');
    await (await fs.open('/d/g', 'create')).append('no name');
    disk.cutPower(NOTHING);
    assert.deepEqual(await fs.names('/d'), ['f']);
    assert.equal(String(await fs.readFile('/d/f')), 'flushed');
  });

  it('keeps everything after a power cut, if the disk was that lucky', async () => {
    const disk = new SimulatedDisk();
    const fs = new SimulatedFileSystem(disk);
    await (await fs.open('/f', 'create')).append('all of it');
    disk.cutPower(ALL);
    assert.equal(String(await fs.readFile('/f')), 'all of it');
  });

  it('tears writes at sectors', async () => {
    const disk = new SimulatedDisk();
    const fs = new SimulatedFileSystem(disk);
    await (await fs.open('/f', 'create')).writeAt(100, Buffer.alloc(1000, 'x'));
    disk.cutPower(KEEP_FIRST);
    const left = await fs.readFile('/f');
    assert.equal(left.length, 512);
    assert.equal(left.toString('latin1', 100), 'x'.repeat(412));
  });

  it('never loses what was flushed and never invents what was not written, whatever survives', async () => {
    const seed = fc.nat();
    const property = fc.asyncProperty(seed, async (number) => {
      const random = new Random(number);
      const disk = new SimulatedDisk();
      const fs = new SimulatedFileSystem(disk);
      const file = await fs.open('/f', 'create');
      await (await fs.open('/', 'read')).flush();
      await file.writeAt(0, Buffer.alloc(9000, 'a'));
      await file.flushData();
      await file.writeAt(6000, Buffer.alloc(6000, 'b'));
      disk.cutPower(subset(random));
      const left = await fs.readFile('/f');
      assert.equal(left.toString('latin1', 0, 6000), 'a'.repeat(6000));
      assert.match(left.toString('latin1', 6000, 9000), /^[ab]{3000}$/);
      assert.match(left.toString('latin1', 9000), /^[b\0]{0,3000}$/);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('loses what a failed flush dropped, although the next flush succeeds', async (t) => {
    const { fs, disk } = failing(t, 'fdatasync', { code: 'EIO', survival: NOTHING });
    const file = await fs.open('/f', 'create');
    await (await fs.open('/', 'read')).flush();
    await file.append('dropped');
    await assert.rejects(file.flushData(), { code: 'EIO', syscall: 'fdatasync' });
    assert.equal(String(await fs.readFile('/f')), 'dropped');
    await file.append(' kept');
    await file.flushData();
    disk.cutPower(ALL);
    assert.equal(String(await fs.readFile('/f')), `${'\0'.repeat(7)} kept`);
  });

  it('writes a part before a full disk refuses the rest', async (t) => {
    const { fs } = failing(t, 'write', { code: 'ENOSPC', share: 0.5 });
    const file = await fs.open('/f', 'create');
    await assert.rejects(file.append('12345678'), { code: 'ENOSPC' });
    assert.equal(String(await fs.readFile('/f')), '1234');
  });

  it('tells the number of bytes that a full disk took of an append in one write', async (t) => {
    const { fs } = failing(t, 'write', { code: 'ENOSPC', share: 0.5 });
    const file = await fs.open('/f', 'append');
    assert.equal(await file.appendOnce(Buffer.from('12345678')), 4);
    assert.equal(String(await fs.readFile('/f')), '1234');
  });

  it('clones a disk whose later changes do not meet', async () => {
    const disk = new SimulatedDisk();
    const fs = new SimulatedFileSystem(disk);
    const file = await fs.open('/f', 'create');
    await file.append('one');
    await fs.link('/f', '/g');
    const copy = new SimulatedFileSystem(disk.clone());
    await file.append(' two');
    await (await copy.open('/g', 'append')).append(' three');
    assert.equal(String(await fs.readFile('/g')), 'one two');
    assert.equal(String(await copy.readFile('/f')), 'one three');
  });

  it('makes errors as node:fs does', () => {
    const error = systemError('ENOENT', { kind: 'open', call: 'open', path: '/x' });
    const { code, errno, syscall, path: of } = error as NodeJS.ErrnoException;
    assert.deepEqual({ code, errno, syscall, of }, { code: 'ENOENT', errno: -2, syscall: 'open', of: '/x' });
    assert.equal(error.message, "ENOENT: no such file or directory, open '/x'");
  });
});
