import {
  type AsideBatch,
  type AsideBlob,
  type BlobDescription,
  type BlobDigests,
  type BlobLabel,
  BlobMissing,
  type BlobStore,
  type BlobWriter,
  type JournalEntry,
  type JournalSurvey,
  type LeafRun,
  type OpenBlob,
  StoreFailure,
} from '../../src/domain/blob-store.ts';
import { LEAF_BYTES, PairHasher, sha256 } from '../../src/treehash/index.ts';

interface MemoryBlob extends BlobDescription {
  readonly bytes: Buffer;
}

/** A blob store in memory, for tests. */
export class MemoryStore implements BlobStore {
  readonly #blobs = new Map<string, MemoryBlob>();
  readonly #unconfirmed = new Set<string>();
  readonly #entries: JournalEntry[] = [];
  readonly #notes = new Map<string, string>();
  readonly #aside = new Map<string, AsideBatch>();
  #commitNumber = 0;
  #made = 0;

  async create(size: number | null): Promise<BlobWriter> {
    const chunks: Uint8Array[] = [];
    const hasher = new PairHasher();
    let digests: BlobDigests | undefined;
    return {
      write: async (given) => {
        for (const chunk of given) {
          chunks.push(Uint8Array.from(chunk));
          hasher.update(chunk);
        }
      },
      digest: async () => {
        digests = hasher.digest();
        return digests;
      },
      finish: async (label) => this.#keep(size, Buffer.concat(chunks), label, digests ?? hasher.digest()),
      discard: async () => {
        chunks.length = 0;
      },
    };
  }

  #keep(size: number | null, bytes: Buffer, label: BlobLabel, digests: BlobDigests): string {
    if (size !== null && bytes.length !== size) {
      throw new StoreFailure(`${bytes.length} of ${size} bytes were written`);
    }
    const ref = `m${++this.#made}`;
    this.#blobs.set(ref, { ...digests, label, bytes, writer: undefined });
    this.#unconfirmed.add(ref);
    return ref;
  }

  async open(ref: string): Promise<OpenBlob> {
    const { bytes, ...description } = this.#get(ref);
    return {
      description,
      leaves: (first, last, unwanted) => leavesOf(bytes, first, last, unwanted),
      close: async () => {},
    };
  }

  async describe(ref: string): Promise<BlobDescription> {
    const { bytes: _, ...description } = this.#get(ref);
    return description;
  }

  #get(ref: string): MemoryBlob {
    const blob = this.#blobs.get(ref);
    if (!blob) throw new BlobMissing(ref);
    return blob;
  }

  async remove(ref: string): Promise<void> {
    this.#blobs.delete(ref);
    this.#unconfirmed.delete(ref);
  }

  confirm(ref: string): void {
    this.#unconfirmed.delete(ref);
  }

  async *unconfirmed(): AsyncIterable<string> {
    yield* this.#unconfirmed;
  }

  async confirmAll(): Promise<readonly string[]> {
    return [];
  }

  async compact(): Promise<void> {}

  async sealPack(): Promise<void> {}

  async *list(): AsyncIterable<string> {
    yield* this.#blobs.keys();
  }

  async appendEntries(entries: readonly JournalEntry[]): Promise<void> {
    this.#entries.push(...entries);
  }

  async *journalEntries(): AsyncIterable<JournalEntry> {
    yield* this.#entries;
  }

  async closeJournals(): Promise<JournalSurvey> {
    return { types: this.#entries.map(({ body }) => String(body['type'])), damage: [] };
  }

  async lastEntrySeq(): Promise<number> {
    return Math.max(0, ...this.#entries.map(({ seq }) => seq));
  }

  async lastCommitNumber(): Promise<number> {
    return this.#commitNumber;
  }

  async noteCommitNumber(number: number): Promise<void> {
    this.#commitNumber = number;
  }

  async setAside(blobs: readonly AsideBlob[], asideMs: number): Promise<void> {
    if (blobs.length === 0) return;
    const name = `${asideMs}-${++this.#made}`;
    this.#aside.set(name, { name, asideMs, blobs });
    for (const { ref } of blobs) this.confirm(ref);
  }

  async *listAside(): AsyncIterable<AsideBatch> {
    yield* [...this.#aside.values()].sort((a, b) => a.asideMs - b.asideMs);
  }

  async dropAside({ name }: AsideBatch): Promise<void> {
    this.#aside.delete(name);
  }

  async putNote(name: string, text: string): Promise<void> {
    this.#notes.set(name, text);
  }

  async note(name: string): Promise<string | undefined> {
    return this.#notes.get(name);
  }

  async removeNote(name: string): Promise<void> {
    this.#notes.delete(name);
  }

  async noteNames(prefix: string): Promise<readonly string[]> {
    return [...this.#notes.keys()].filter((name) => name.startsWith(prefix));
  }

  failure(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}
}

async function* leavesOf(
  bytes: Buffer,
  first: number,
  last: number,
  unwanted?: AbortSignal,
): AsyncGenerator<LeafRun> {
  for (let leaf = first; leaf <= last && leaf * LEAF_BYTES < bytes.length; leaf++) {
    unwanted?.throwIfAborted();
    const part = bytes.subarray(leaf * LEAF_BYTES, (leaf + 1) * LEAF_BYTES);
    yield { first: leaf, bytes: part, digests: sha256(part) };
  }
}
