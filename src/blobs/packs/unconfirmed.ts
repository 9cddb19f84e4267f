/** Packs of processes that ended before they confirmed every blob. */
import { BlobDamaged } from '../../domain/blob-store.ts';
import { isReadError } from '../../durable/errors.ts';
import { flushFile } from '../../durable/flush-file.ts';
import type { Flush } from '../../durable/folder-flusher.ts';
import { openIfPresent } from '../../durable/names.ts';
import { describeBlob } from '../blob/open.ts';
import { type DiskPaths, packedRef, packOfMarker } from '../disk/paths.ts';
import { hasTable } from './file.ts';
import { decodeHeader, HEADER_BYTES } from './format.ts';
import { parseMarker } from './marker.ts';
import { type ListedExtent, listRemaining } from './remaining.ts';
import type { PackRemovals } from './removals.ts';
import { describeBytes } from './whole.ts';

interface UnconfirmedBlobsDeps {
  readonly paths: DiskPaths;
  readonly removals: PackRemovals;
  readonly flush: Flush;
  /** Whether this process writes the pack and keeps its marker. */
  owns(pack: string): boolean;
}

/** Two reads of a pack gave different bytes, so what was stored is unknown. */
class Misread extends Error {}

/** Stretches are compared in pieces of this size, in which any packed blob fits. */
const PIECE_BYTES = 1024 * 1024;

export class UnconfirmedBlobs {
  readonly #deps: UnconfirmedBlobsDeps;
  /** Places that `list` named, by pack. */
  readonly #listed = new Map<string, Set<number>>();

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
      const listed = new Set<number>();
      this.#listed.set(pack, listed);
      try {
        for await (const extent of this.#unconfirmedIn(pack)) {
          if (!extent.blob || !(await describesItself(extent))) continue;
          listed.add(extent.position);
          yield extent.blob.ref;
        }
      } catch (error) {
        if (!isReadError(error)) throw error;
      }
    }
  }

  /**
   * Removes the markers. Marks unreadable stretches as removed: nothing that was flushed is torn, so they were never
   * acknowledged. A pack that the disk reads differently each time keeps its marker, or an acknowledged blob could be lost
   * by one misread sector.
   * @param unsettled references of `list` that must be asked about again. @returns packs that cannot be read, and stay
   * unconfirmed. @throws the I/O error.
   */
  async confirmAll(unsettled: ReadonlySet<string> = new Set()): Promise<readonly string[]> {
    const left: string[] = [];
    for (const pack of await this.#packs()) {
      try {
        await this.#confirmPack(pack, unsettled);
      } catch (error) {
        if (!isReadError(error) && !(error instanceof Misread)) throw error;
        left.push(this.#deps.paths.pack(pack));
      }
    }
    this.#listed.clear();
    return left;
  }

  async #confirmPack(pack: string, unsettled: ReadonlySet<string>): Promise<void> {
    const { paths, removals, flush } = this.#deps;
    const listed = this.#listed.get(pack);
    for await (const extent of this.#unconfirmedIn(pack)) {
      const { position, blob } = extent;
      if (await describesItself(extent)) {
        if (listed?.has(position) === false || unsettled.has(blob?.ref ?? '')) throw new Misread(pack);
        continue;
      }
      if (listed?.has(position) || !(await staysTorn(pack, extent))) throw new Misread(pack);
      // Uses the position as its place, whatever a header there says.
      const blobBytes = Math.max(1, extent.bytes - HEADER_BYTES);
      await removals.add(pack, { place: position, blobBytes });
    }
    // A blob that was cut off must not come back when no marker makes a start ask about it.
    await flushFile(paths.fs, paths.pack(pack), flush);
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

/** Whether a stretch that seems torn reads the same twice, and holds no whole blob at its beginning. */
async function staysTorn(pack: string, { file, position, bytes }: ListedExtent): Promise<boolean> {
  for (let done = 0; done < bytes; done += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, bytes - done);
    const piece = await file.readAt(position + done, length);
    if (!piece.equals(await file.readAt(position + done, length))) return false;
    if (done === 0 && holdsBlob(pack, position, piece)) return false;
  }
  return true;
}

function holdsBlob(pack: string, position: number, bytes: Buffer): boolean {
  const record = decodeHeader(pack, bytes.subarray(0, HEADER_BYTES));
  if (record?.place !== position) return false;
  const blob = bytes.subarray(HEADER_BYTES, HEADER_BYTES + record.blobBytes);
  return describeBytes(packedRef({ pack, place: position }), blob) !== undefined;
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
