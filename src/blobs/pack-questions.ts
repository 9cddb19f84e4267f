/** Packs of processes that ended without saying of each blob whether the catalog knows it. */
import { readdir, readFile, unlink } from 'node:fs/promises';
import { BlobDamaged } from '../domain/blob-store.ts';
import { describeBlob } from './blob-file.ts';
import { type DiskPaths, packOfMarker } from './disk-paths.ts';
import { isReadError, openIfThere } from './file-names.ts';
import { hasTable } from './pack-file.ts';
import { HEADER_BYTES } from './pack-format.ts';
import { type ListedStretch, leftIn } from './pack-listing.ts';
import { parseMarker } from './pack-marker.ts';
import type { PackRemovals } from './pack-removals.ts';

interface QuestionsParts {
  readonly paths: DiskPaths;
  readonly removals: PackRemovals;
  /** Packs that this process answers for itself. */
  owns(pack: string): boolean;
}

export class PackQuestions {
  readonly #parts: QuestionsParts;

  constructor(parts: QuestionsParts) {
    this.#parts = parts;
  }

  /**
   * Blobs that say what they are, and of which nobody said that the catalog knows them. Their data may be damaged: if
   * the catalog knows them, that is for a reader to find, and else it does not matter.
   * @throws the I/O error, but not that of a disk that cannot read: what lies behind it is left to `settle`.
   */
  async *ask(): AsyncIterable<string> {
    for (const pack of await this.#packs()) {
      try {
        for await (const stretch of this.#inQuestion(pack)) {
          if (stretch.blob && (await describesItself(stretch))) yield stretch.blob.ref;
        }
      } catch (error) {
        if (!isReadError(error)) throw error;
      }
    }
  }

  /**
   * Takes the markers away. What does not say what it is is noted as removed: nothing that was flushed is torn, so it
   * was never acknowledged. @returns packs that cannot be read: they stay in question. @throws the I/O error.
   */
  async settle(): Promise<readonly string[]> {
    const left: string[] = [];
    for (const pack of await this.#packs()) {
      try {
        await this.#settle(pack);
      } catch (error) {
        if (!isReadError(error)) throw error;
        left.push(this.#parts.paths.pack(pack));
      }
    }
    return left;
  }

  async #settle(pack: string): Promise<void> {
    const { paths, removals } = this.#parts;
    for await (const stretch of this.#inQuestion(pack)) {
      if (await describesItself(stretch)) continue;
      // By where it begins, whatever a header there says.
      const blobBytes = Math.max(1, stretch.bytes - HEADER_BYTES);
      await removals.note(pack, { place: stretch.position, blobBytes });
    }
    await unlink(paths.marker(pack));
  }

  async *#inQuestion(pack: string): ReturnType<typeof leftIn> {
    const { paths } = this.#parts;
    const from = await judgedEnd(paths, pack);
    if (from !== undefined) yield* leftIn(paths, pack, from);
  }

  async #packs(): Promise<string[]> {
    const packs = (await readdir(this.#parts.paths.incoming)).map(packOfMarker);
    return packs.filter((pack) => pack !== undefined && !this.#parts.owns(pack)) as string[];
  }
}

/** Whether it is a blob, where it was written, whose description is proved. */
async function describesItself({ blob, record, position }: ListedStretch): Promise<boolean> {
  if (!blob || record?.place !== position) return false;
  try {
    await describeBlob(blob);
    return true;
  } catch (error) {
    if (error instanceof BlobDamaged) return false;
    throw error;
  }
}

/** Up to where the pack was judged; undefined when nothing of it is in question. */
async function judgedEnd(paths: DiskPaths, pack: string): Promise<number | undefined> {
  const judged = parseMarker(await readFile(paths.marker(pack), 'utf8'));
  const file = await openIfThere(paths.pack(pack));
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    // A copy of a running store may hold a marker beside a pack that was compacted later: all of it was judged.
    if (await hasTable(file, size)) return undefined;
    // What was judged was flushed before: a marker that says more was never written so.
    return judged <= size ? judged : 0;
  } finally {
    await file.close();
  }
}
