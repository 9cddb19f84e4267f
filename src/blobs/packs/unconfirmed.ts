/** Packs of processes that ended before they confirmed every blob. */
import { BlobDamaged } from '../../domain/blob-store.ts';
import { isReadError } from '../../durable/errors.ts';
import { openIfPresent } from '../../durable/names.ts';
import { describeBlob } from '../blob/open.ts';
import { type DiskPaths, packOfMarker } from '../disk/paths.ts';
import { hasTable } from './file.ts';
import { HEADER_BYTES } from './format.ts';
import { parseMarker } from './marker.ts';
import { type ListedExtent, listRemaining } from './remaining.ts';
import type { PackRemovals } from './removals.ts';

interface UnconfirmedBlobsDeps {
  readonly paths: DiskPaths;
  readonly removals: PackRemovals;
  /** Whether this process writes the pack and keeps its marker. */
  owns(pack: string): boolean;
}

export class UnconfirmedBlobs {
  readonly #deps: UnconfirmedBlobsDeps;

  constructor(deps: UnconfirmedBlobsDeps) {
    this.#deps = deps;
  }

  /**
   * Lists unconfirmed blobs with an intact description. Their data may be damaged: if the catalog names such a blob, a
   * reader will find the damage; otherwise it does not matter.
   * @throws the I/O error, except a read error: it ends the list of that pack, and `confirmAll` reports the pack.
   */
  async *list(): AsyncIterable<string> {
    for (const pack of await this.#packs()) {
      try {
        for await (const extent of this.#unconfirmedIn(pack)) {
          if (extent.blob && (await describesItself(extent))) yield extent.blob.ref;
        }
      } catch (error) {
        if (!isReadError(error)) throw error;
      }
    }
  }

  /**
   * Removes the markers. Marks unreadable stretches as removed: nothing that was flushed is torn, so they were never
   * acknowledged. @returns packs that cannot be read, and stay unconfirmed. @throws the I/O error.
   */
  async confirmAll(): Promise<readonly string[]> {
    const left: string[] = [];
    for (const pack of await this.#packs()) {
      try {
        await this.#confirmPack(pack);
      } catch (error) {
        if (!isReadError(error)) throw error;
        left.push(this.#deps.paths.pack(pack));
      }
    }
    return left;
  }

  async #confirmPack(pack: string): Promise<void> {
    const { paths, removals } = this.#deps;
    for await (const extent of this.#unconfirmedIn(pack)) {
      if (await describesItself(extent)) continue;
      // Uses the position as its place, whatever a header there says.
      const blobBytes = Math.max(1, extent.bytes - HEADER_BYTES);
      await removals.add(pack, { place: extent.position, blobBytes });
    }
    await paths.fs.remove(paths.marker(pack));
  }

  async *#unconfirmedIn(pack: string): ReturnType<typeof listRemaining> {
    const { paths } = this.#deps;
    const from = await findConfirmedEnd(paths, pack);
    if (from !== undefined) yield* listRemaining(paths, pack, from);
  }

  async #packs(): Promise<string[]> {
    const { fs, incoming } = this.#deps.paths;
    const packs = (await fs.names(incoming)).map(packOfMarker);
    return packs.filter((pack) => pack !== undefined && !this.#deps.owns(pack)) as string[];
  }
}

/** Whether it is a blob at its place with an intact description. */
async function describesItself({ blob, record, position }: ListedExtent): Promise<boolean> {
  if (!blob || record?.place !== position) return false;
  try {
    await describeBlob(blob);
    return true;
  } catch (error) {
    if (error instanceof BlobDamaged) return false;
    throw error;
  }
}

/** Up to where the pack is confirmed; undefined if all of it is. */
export async function findConfirmedEnd(paths: DiskPaths, pack: string): Promise<number | undefined> {
  const confirmedEnd = parseMarker((await paths.fs.readFile(paths.marker(pack))).toString('utf8'));
  const file = await openIfPresent(paths.fs, paths.pack(pack));
  if (file === undefined) return undefined;
  try {
    const size = await file.size();
    // A copy of a running store may hold a marker beside a pack that was compacted later: all of that is confirmed.
    if (await hasTable(file, size)) return undefined;
    // Confirmed bytes were flushed before, so a marker beyond the end of the file is damaged.
    return confirmedEnd <= size ? confirmedEnd : 0;
  } finally {
    await file.close();
  }
}
