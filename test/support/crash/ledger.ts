/** What clients know of a server that may die at any moment: its acknowledged changes and its possible ones. */

/** The vault with the archives. */
export const VAULT = 'crash';

/** A body's tree hash and length. */
export interface Content {
  readonly treeHash: string;
  readonly size: number;
}

export interface VaultEntry {
  readonly name: string;
  state: 'asked' | 'kept' | 'deleting' | 'deleted';
}

export interface ArchiveEntry extends Content {
  readonly id: string;
  state: 'kept' | 'deleting' | 'deleted';
  /** Whether its bytes were read after they were acknowledged. */
  wasRead: boolean;
}

/** A place of an upload: the part last acknowledged there, and later parts that got no answer. */
export interface PlaceEntry {
  acknowledged: Content | null;
  sent: Content[];
  wasRead: boolean;
}

export interface UploadEntry {
  readonly id: string;
  readonly places: Map<number, PlaceEntry>;
  state: 'open' | 'completing' | 'completed' | 'aborting' | 'aborted';
  claim: Content | null;
  archiveId: string | null;
  /** Only one client at a time uses it. */
  isTaken: boolean;
}

export class Ledger {
  readonly vaults: VaultEntry[] = [];
  readonly archives = new Map<string, ArchiveEntry>();
  readonly uploads = new Map<string, UploadEntry>();
  /** Tree hashes of single uploads that were sent: an archive may exist although the client never got its id. */
  readonly sent = new Set<string>();
  /** Blobs that were read and verified. */
  readonly blobs = new Map<string, Content>();
  /** Entries that the journal must have, because their changes were acknowledged. */
  readonly entries = new Set<string>();
  /** Names of the markers of packs at the time of a kill: the next start must remove them. */
  readonly markers = new Set<string>();
  /** Violations of what the server guarantees. */
  readonly violations: string[] = [];
  /** Number of acknowledgements by kind. */
  readonly counts: Record<string, number> = {};

  acknowledged(kind: string, fact?: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    if (fact !== undefined) this.entries.add(fact);
  }

  violated(what: string): void {
    this.violations.push(what);
  }

  /** Records the violation unless it holds. */
  expect(holds: boolean, what: string): void {
    if (!holds) this.violated(what);
  }

  keptArchives(): ArchiveEntry[] {
    return [...this.archives.values()].filter(({ state }) => state === 'kept');
  }

  uploadsIn(...states: UploadEntry['state'][]): UploadEntry[] {
    return [...this.uploads.values()].filter(({ state }) => states.includes(state));
  }
}

/** The places of an upload, by offset. */
export function placesInOrder({ places }: UploadEntry): [number, PlaceEntry][] {
  return [...places].sort(([a], [b]) => a - b);
}
