import { BlobDamaged, type JournalEntry, NO_STAMP, NoteDamaged } from '../../domain/blob-store.ts';
import { LOCK_NOTES } from '../../domain/lock-note.ts';
import type { EntriesListener, FoundBlob, JournalFile, StoreContents } from '../../domain/store-contents.ts';
import { JOURNAL_CLOSED_NOTE } from '../../domain/store-identity.ts';
import { inOrder } from '../blob/in-order.ts';
import { BLOB_FOLDERS, packedRef } from '../disk/paths.ts';
import { HEADER_BYTES, listExtents } from '../packs/index.ts';
import { describeBytes, describeEnd } from './describe.ts';
import { readJournal } from './journal-reader.ts';
import { ENDS, JOURNAL, NOTES, nameOfEnd, packKey, parseJournalKey } from './keys.ts';
import { memoryFile } from './object-file.ts';
import type { Objects } from './objects.ts';
import { listPacks } from './packs.ts';
import { ObjectTexts } from './texts.ts';

const READS_AT_ONCE = 16;

/** What a store in a bucket holds, read without changing anything. No process may use the store. */
export class S3Contents implements StoreContents {
  readonly #objects: Objects;
  readonly #notes: ObjectTexts;

  constructor(objects: Objects) {
    this.#objects = objects;
    this.#notes = new ObjectTexts(objects, NOTES, NO_STAMP);
  }

  /** The journal of a process counts as one file. */
  async journalFiles(): Promise<readonly JournalFile[]> {
    const files = new Map<string, number>();
    for await (const { key, size } of this.#objects.list(JOURNAL)) {
      const run = parseJournalKey(key)?.run;
      if (run !== undefined) files.set(run, (files.get(run) ?? 0) + size);
    }
    return [...files].map(([name, size]) => ({ name, size }));
  }

  /** Reports no entry as unproven: an object is stored, or it is not there. */
  async *entries(run: string, { onDamage }: EntriesListener): AsyncIterable<JournalEntry> {
    const text = await this.#notes.get(JOURNAL_CLOSED_NOTE);
    const closedBefore = text === undefined ? 0 : (JSON.parse(text) as { generation: number }).generation;
    yield* readJournal(this.#objects, run, closedBefore, ({ message }) => onDamage(message));
  }

  /** Ends are told apart by the first two digits of their names. */
  async *containers(): AsyncIterable<string> {
    yield* BLOB_FOLDERS;
    for await (const { pack } of listPacks(this.#objects, '')) yield pack;
  }

  blobs(container: string): AsyncIterable<FoundBlob> {
    return BLOB_FOLDERS.includes(container) ? this.#ends(container) : this.#pack(container);
  }

  async *#ends(digits: string): AsyncIterable<FoundBlob> {
    const keys = this.#objects.list(ENDS + digits);
    for await (const found of inOrder(keys, READS_AT_ONCE, ({ key }) => this.#describe(key)))
      if (found) yield found;
  }

  /** Undefined for what is no end. */
  async #describe(key: string): Promise<FoundBlob | undefined> {
    const ref = nameOfEnd(key);
    const found = ref === undefined ? undefined : await this.#objects.get(key);
    if (ref === undefined || found === undefined) return undefined;
    return describing(() => ({ ref, description: describeEnd(ref, found.bytes) }));
  }

  async *#pack(pack: string): AsyncIterable<FoundBlob> {
    for await (const { removed } of listPacks(this.#objects, pack)) {
      const { bytes } = (await this.#objects.get(packKey(pack))) ?? { bytes: Buffer.alloc(0) };
      for await (const { position, record } of listExtents(memoryFile(bytes), pack, 0)) {
        if (removed.has(record?.place ?? position)) continue;
        if (record === undefined) {
          yield { damage: `${packKey(pack)}: there is no whole blob at byte ${position}` };
          continue;
        }
        const ref = packedRef({ pack, place: record.place });
        const start = position + HEADER_BYTES;
        const blob = bytes.subarray(start, start + record.blobBytes);
        yield describing(() => ({ ref, description: describeBytes(ref, blob) }));
      }
    }
  }

  async lockNotes(onDamage: (damage: string) => void): Promise<readonly string[]> {
    const texts: string[] = [];
    for await (const name of this.#notes.names(LOCK_NOTES)) {
      try {
        texts.push((await this.#notes.get(name)) ?? '');
      } catch (error) {
        if (!(error instanceof NoteDamaged)) throw error;
        onDamage(error.message);
      }
    }
    return texts;
  }
}

function describing(describe: () => FoundBlob): FoundBlob {
  try {
    return describe();
  } catch (error) {
    if (!(error instanceof BlobDamaged)) throw error;
    return { damage: error.message };
  }
}
