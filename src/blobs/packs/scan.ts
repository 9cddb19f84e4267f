/** Scrubbing packs: reads each once, and judges every record that was not removed. */
import type { BlobVerdict, DamagedFile, ScrubbedPack, ScrubStep } from '../../domain/scrub-store.ts';
import { isReadError } from '../../durable/errors.ts';
import { exists } from '../../durable/names.ts';
import { release } from '../blob/buffer-pool.ts';
import type { DirectFile } from '../blob/direct-file.ts';
import { type JudgeDeps, judgeBytes } from '../blob/judge.ts';
import { type DiskPaths, type PackedName, packedRef } from '../disk/paths.ts';
import {
  decodeHeader,
  decodeRemovals,
  decodeTable,
  HEADER_BYTES,
  nextPosition,
  type PackRecord,
  recordBytes,
  tableBytes,
  tableSize,
} from './format.ts';
import { PackWindow } from './window.ts';

/** Judging a record takes about as long as hashing so many bytes. */
const RECORD_COST_BYTES = 32 * 1024;
/** Other work of the process gets its turn after about a millisecond. */
const TURN_BYTES = 2 * 1024 * 1024;
/** Blobs of one step. */
const STEP_BLOBS = 500;

interface ScanDeps extends JudgeDeps {
  readonly paths: DiskPaths;
}

/** What a step in a pack has found. */
export type PackStep = Pick<ScrubStep, 'blobs' | 'files' | 'pack'>;

/** Scans a pack; yields nothing if there is none. The last step has `pack`. @throws the I/O error. */
export async function* scanPack(deps: ScanDeps, pack: string): AsyncGenerator<PackStep> {
  const { paths, files } = deps;
  // Reads the list before the pack: a compaction may replace the pack and drop the list at any moment.
  const removed = await readRemovals(deps, pack);
  const isOpen = await exists(paths.fs, paths.marker(pack));
  const file = await files.open(paths.pack(pack));
  if (file === undefined) return;
  const window = new PackWindow(deps, file);
  try {
    const scan = new PackScan(deps, { pack, removed, isOpen, file, window });
    for await (const blobs of scan.run()) yield { blobs, files: [], pack: null };
    yield { blobs: [], files: scan.faults(), pack: scan.pack() };
  } finally {
    release(window.bytes);
    await file.close();
  }
}

/** Judges one blob of a pack. Undefined if its record is not at its place. @throws the I/O error. */
export async function judgePacked(
  { files, paths }: ScanDeps,
  { pack, place }: PackedName,
  { start, total }: { readonly start: number; readonly total: number },
): Promise<BlobVerdict | undefined> {
  const file = await files.open(paths.pack(pack));
  if (file === undefined) return undefined;
  const ref = packedRef({ pack, place });
  try {
    const bytes = await file.readAt(start - HEADER_BYTES, HEADER_BYTES + total);
    if (decodeHeader(pack, bytes.subarray(0, HEADER_BYTES))?.place !== place) return undefined;
    return judgeBytes(files.engine, ref, bytes.subarray(HEADER_BYTES));
  } catch (error) {
    if (!isReadError(error)) throw error;
    return { ref, description: null, damage: [{ leaf: null, kind: 'unreadable' }] };
  } finally {
    await file.close();
  }
}

async function readRemovals({ paths, files }: ScanDeps, pack: string): Promise<ReadonlyMap<number, number>> {
  const file = await files.open(paths.removals(pack));
  if (file === undefined) return new Map();
  try {
    return decodeRemovals(pack, await file.readAt(0, file.size));
  } finally {
    await file.close();
  }
}

interface Scanned {
  readonly pack: string;
  readonly removed: ReadonlyMap<number, number>;
  /** Whether the pack has a marker: its last bytes may be half-written. */
  readonly isOpen: boolean;
  readonly file: DirectFile;
  readonly window: PackWindow;
}

class PackScan {
  readonly #deps: ScanDeps;
  readonly #scanned: Scanned;
  readonly #places = new Set<number>();
  readonly #faults: string[] = [];

  constructor(deps: ScanDeps, scanned: Scanned) {
    this.#deps = deps;
    this.#scanned = scanned;
  }

  /** Yields the verdicts about some blobs at a time. */
  async *run(): AsyncGenerator<readonly BlobVerdict[]> {
    const { pack, removed, file, window } = this.#scanned;
    const isAtHome = (await this.#headerAt(0))?.place === 0;
    let verdicts: BlobVerdict[] = [];
    let [at, spent] = [await this.#endOfTable(), 0];
    let gap = at;
    while (at < file.size) {
      const header = await this.#headerAt(at);
      const record = isAtHome && header?.place !== at ? undefined : header;
      const bytes = record && (await window.at(at + HEADER_BYTES, record.blobBytes));
      if (record === undefined || bytes === undefined) {
        at = nextPosition(at);
        continue;
      }
      this.#judgeGap(gap, at);
      if (!removed.has(record.place)) {
        this.#places.add(record.place);
        verdicts.push(judgeBytes(this.#deps.files.engine, packedRef({ pack, place: record.place }), bytes));
      }
      at += recordBytes(record.blobBytes);
      gap = at;
      spent += RECORD_COST_BYTES + record.blobBytes;
      if (spent >= TURN_BYTES) {
        spent = 0;
        await new Promise(setImmediate);
      }
      if (verdicts.length >= STEP_BLOBS) {
        yield verdicts;
        verdicts = [];
      }
    }
    // Bytes at the end of a pack with a marker are being written, or were when a process died.
    if (!this.#scanned.isOpen) this.#judgeGap(gap, file.size);
    yield verdicts;
  }

  async #headerAt(position: number): Promise<PackRecord | undefined> {
    const bytes = await this.#scanned.window.at(position, HEADER_BYTES);
    return bytes && decodeHeader(this.#scanned.pack, bytes);
  }

  /** End of the table; 0 without an intact one. */
  async #endOfTable(): Promise<number> {
    const { file, window } = this.#scanned;
    const head = await window.at(0, HEADER_BYTES);
    const records = head && tableSize(head);
    if (records === undefined) return 0;
    const bytes = tableBytes(records);
    const table = bytes <= file.size ? decodeTable(await file.readAt(0, bytes)) : undefined;
    if (table) return bytes;
    this.#faults.push('its table is not what was written');
    return 0;
  }

  #judgeGap(from: number, to: number): void {
    if (from >= to) return;
    const noted = this.#scanned.removed.get(from);
    if (noted !== undefined && recordBytes(noted) >= to - from) return;
    // Without its table, a pack begins with bytes that are no record.
    if (this.#faults.length === 0) this.#faults.push(`there is no whole record at byte ${from}`);
  }

  /** What is wrong with the pack itself. */
  faults(): DamagedFile[] {
    const { window, pack } = this.#scanned;
    if (window.unreadable > 0) this.#faults.push(`the disk fails to read ${window.unreadable} bytes`);
    return this.#faults.map((why) => ({ path: fileOfPack(pack), why }));
  }

  pack(): ScrubbedPack {
    const { pack, file } = this.#scanned;
    const has = (ref: string): boolean => {
      const place = Number(ref.slice(pack.length + 1));
      return place >= file.size || this.#places.has(place);
    };
    // The character after a dot is a slash.
    return { after: `${pack}.`, before: `${pack}/`, has };
  }
}

/** The file of a pack, within the store. */
function fileOfPack(pack: string): string {
  return `packs/${pack}.pack`;
}
