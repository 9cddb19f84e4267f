/** Bugs that the simulator must find: each replaces a part of the server by one that does it wrong. */
import type { BlobStore } from '../../../src/domain/blob-store.ts';
import type { FileSystem, OpenFile } from '../../../src/durable/file-system.ts';
import { MIB } from './contents.ts';
import type { PlantedBug } from './server.ts';

/** An object with some methods replaced. */
function replacing<Thing extends object>(thing: Thing, methods: Partial<Thing>): Thing {
  return new Proxy(thing, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return methods[name as keyof Thing];
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** A file system whose files are changed as they are opened. */
function openingWith(
  fs: FileSystem,
  change: (file: OpenFile, path: string, mode: string) => Partial<OpenFile>,
): FileSystem {
  const open: FileSystem['open'] = async (path, mode, permissions) => {
    const file = await fs.open(path, mode, permissions);
    return replacing(file, change(file, path, mode));
  };
  return replacing(fs, { open });
}

const ignore = (): void => {};

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'drop the directory flush',
    // Only folders are flushed after they were opened for reading.
    fs: (fs) => openingWith(fs, (_, __, mode) => (mode === 'read' ? { flush: async () => {} } : {})),
  },
  {
    name: 'acknowledge before commit',
    catalog: (catalog) => ({
      ...catalog,
      addArchive: async (row) => void catalog.addArchive(row).catch(ignore),
    }),
  },
  {
    name: 'delete before the row',
    catalog: (catalog, blobs) => ({
      ...catalog,
      async deleteArchive(args) {
        const archive = await catalog.findArchive(args.vaultNo, args.id);
        if (archive?.ref) await blobs.remove(archive.ref);
        return catalog.deleteArchive(args);
      },
    }),
  },
  {
    name: 'lose an owed journal entry',
    journal: (append) => (entries) => append(entries).catch(ignore),
  },
  {
    name: "advance a pack's marker too far",
    fs: (fs) =>
      openingWith(fs, (file, path) => {
        if (!path.endsWith('.open')) return {};
        const pack = path.replace('/incoming/', '/packs/').replace('.open', '.pack');
        const writeAt: OpenFile['writeAt'] = async (position) => {
          const { size } = await fs.stat(pack).catch(() => ({ size: 0 }));
          await file.writeAt(position, Buffer.from(String(size).padStart(20, '0')));
        };
        return { writeAt };
      }),
  },
  {
    name: 'ignore a replaced part',
    catalog: (catalog) => ({
      ...catalog,
      async putPart(args) {
        if ((await catalog.partSequence(args.uploadNo, args.part.first)) === 0) await catalog.putPart(args);
      },
    }),
  },
  {
    name: 'swap two parts',
    catalog: (catalog) => ({
      ...catalog,
      putPart: (args) =>
        catalog.putPart({ ...args, part: { ...args.part, first: otherPlace(args.part.first) } }),
    }),
  },
  {
    name: 'confirm before the flush',
    fs: (fs) =>
      openingWith(fs, (file, path, mode) => {
        if (!path.endsWith('.pack') || mode !== 'create') return {};
        return { flushData: async () => void file.flushData().catch(ignore) };
      }),
  },
  { name: 'sweep during a rebuild', sweepsDuringRebuild: true },
  {
    name: 'store an import before its id is claimed',
    catalog: (catalog) => ({ ...catalog, claimArchiveId: async () => 'claimed' }),
  },
  {
    name: 'skip the older-catalog check',
    plan: (plan) => ({ ...plan, older: false, storeNumber: 0 }),
    repaired: (blobs) => replacing(blobs, blind(blobs)),
  },
];

/** The first two places change places. */
function otherPlace(first: number): number {
  if (first === 0) return MIB;
  return first === MIB ? 0 : first;
}

/** A store that does not tell how far its catalog had come. */
function blind(blobs: BlobStore): Partial<BlobStore> {
  return {
    lastEntrySeq: async () => 0,
    lastCommitNumber: async () => 0,
    note: async (name) => (name === 'catalog-older' ? undefined : blobs.note(name)),
    describe: async (ref) => ({ ...(await blobs.describe(ref)), writer: undefined }),
  };
}
