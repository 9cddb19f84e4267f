/** Names and paths in a disk store's folder (docs/format.md). */
import { join } from 'node:path';
import { BlobMissing } from '../../domain/blob-store.ts';
import { IDENTITY_FILE } from '../../domain/store-identity.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';

const NAME = /^[0-9a-f]{32}$/;
const PACKED = /^([0-9a-f]{32})\.(0|[1-9]\d{0,14})$/;
const MARKER = /^([0-9a-f]{32})\.open$/;
const REMOVALS = /^([0-9a-f]{32})\.removed$/;
const PACK_FILE = /^([0-9a-f]{32})\.pack$/;
const JOURNAL_FILE = /^[0-9a-f]{32}\.jsonl$/;
const COMPACTING = /^[0-9a-f]{32}\.compacted$/;

/** Names of all folders for blobs in files of their own. */
export const BLOB_FOLDERS: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, '0'),
);

/** The two forms of a reference: a blob in a file of its own, or one in a pack. */
export type BlobName = { readonly name: string } | PackedName;

/** A blob in a pack: the pack's name, and the place at which its record was written. */
export interface PackedName {
  readonly pack: string;
  readonly place: number;
}

/**
 * References come from our own catalog, but no path is built from unchecked text.
 * @throws BlobMissing for a text that is no reference of a disk store.
 */
export function parseRef(ref: string): BlobName {
  if (isBlobName(ref)) return { name: ref };
  const [, pack, place] = PACKED.exec(ref) ?? [];
  if (pack === undefined) throw new BlobMissing(ref);
  return { pack, place: Number(place) };
}

export function packedRef({ pack, place }: PackedName): string {
  return `${pack}.${place}`;
}

export function isBlobName(text: string): boolean {
  return NAME.test(text);
}

/** The pack whose file has this name. */
export function packOfFile(name: string): string | undefined {
  return PACK_FILE.exec(name)?.[1];
}

/** The pack whose list of removed blobs has this name. */
export function packOfRemovals(name: string): string | undefined {
  return REMOVALS.exec(name)?.[1];
}

/** The pack whose marker in `incoming/` has this name. */
export function packOfMarker(name: string): string | undefined {
  return MARKER.exec(name)?.[1];
}

/** Whether a name in `journal/` is that of a journal file. */
export function isJournalFile(name: string): boolean {
  return JOURNAL_FILE.test(name);
}

/** Whether a name in `incoming/` is that of a half-compacted pack. */
export function isCompacting(name: string): boolean {
  return COMPACTING.test(name);
}

/**
 * The paths of one store, and the file system that has them. Callers pass names that `parseRef` or the store's random
 * numbers gave.
 */
export class DiskPaths {
  readonly fs: FileSystem;
  readonly #folder: string;

  constructor(folder: string, fs: FileSystem = realFileSystem) {
    this.#folder = folder;
    this.fs = fs;
  }

  get incoming(): string {
    return join(this.#folder, 'incoming');
  }

  get blobs(): string {
    return join(this.#folder, 'blobs');
  }

  get packs(): string {
    return join(this.#folder, 'packs');
  }

  get journal(): string {
    return join(this.#folder, 'journal');
  }

  get notes(): string {
    return join(this.#folder, 'notes');
  }

  /** Lists of blobs that a start did not find in its catalog. */
  get aside(): string {
    return join(this.#folder, 'aside');
  }

  /** Says which store this is, and to which catalog it belongs. */
  get identity(): string {
    return join(this.#folder, IDENTITY_FILE);
  }

  get format(): string {
    return join(this.#folder, 'format.json');
  }

  /** Something else in the store's folder. */
  other(name: string): string {
    return join(this.#folder, name);
  }

  incomingBlob(name: string): string {
    return join(this.incoming, name);
  }

  /** One of 256 folders: the last two digits of the name. */
  blobFolder(name: string): string {
    return join(this.blobs, name.slice(-2));
  }

  blob(name: string): string {
    return join(this.blobFolder(name), name);
  }

  pack(pack: string): string {
    return join(this.packs, `${pack}.pack`);
  }

  /** The list of the pack's removed records. */
  removals(pack: string): string {
    return join(this.packs, `${pack}.removed`);
  }

  /** Says up to where a pack is confirmed; exists while some of it is not. */
  marker(pack: string): string {
    return join(this.incoming, `${pack}.open`);
  }

  /** The new file of a pack that is being compacted. */
  compacting(pack: string): string {
    return join(this.incoming, `${pack}.compacted`);
  }
}
