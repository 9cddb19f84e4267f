import { BlobDamaged, type JournalEntry, NoteDamaged } from '../../domain/blob-store.ts';
import { LOCK_NOTES } from '../../domain/lock-note.ts';
import type { EntriesListener, FoundBlob, JournalFile, StoreContents } from '../../domain/store-contents.ts';
import { JOURNAL_CLOSED_NOTE } from '../../domain/store-identity.ts';
import { isReadError, undefinedIfMissing } from '../../durable/errors.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { exists } from '../../durable/names.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { describeBlob } from '../blob/open.ts';
import { flushRemovals, packContents } from '../packs/index.ts';
import { readJournal } from './journal-files.ts';
import { BLOB_FOLDERS, DiskPaths, isBlobName, isJournalFile, packOfFile } from './paths.ts';
import { decodeStamped } from './stamped-text.ts';

/** What a store on disk holds, read without changing anything. No process may use the store. */
export class DiskContents implements StoreContents {
  readonly #paths: DiskPaths;

  constructor(folder: string, fs: FileSystem = realFileSystem) {
    this.#paths = new DiskPaths(folder, fs);
  }

  /** See `RebuildStore.settle`. @throws the I/O error. */
  async settle(): Promise<void> {
    // Version 1 has no packs.
    if (await exists(this.#paths.fs, this.#paths.packs)) await flushRemovals(this.#paths);
  }

  async journalFiles(): Promise<readonly JournalFile[]> {
    const { fs, journal } = this.#paths;
    const names = (await fs.names(journal)).filter(isJournalFile).sort();
    const files: JournalFile[] = [];
    for (const name of names) files.push({ name, size: (await fs.stat(`${journal}/${name}`)).size });
    return files;
  }

  async *entries(file: string, { onDamage, onUnproven }: EntriesListener): AsyncIterable<JournalEntry> {
    const { fs, journal } = this.#paths;
    const path = `${journal}/${file}`;
    const closedBefore = await this.#closedBefore();
    try {
      yield* readJournal(path, {
        ...{ fs, closedBefore, onUnproven },
        onDamage: ({ message }) => onDamage(message),
      });
    } catch (error) {
      if (!isReadError(error)) throw error;
      onDamage(`${path}: ${(error as Error).message}`);
    }
  }

  async #closedBefore(): Promise<number> {
    const text = await this.#note(JOURNAL_CLOSED_NOTE);
    return text === undefined ? 0 : (JSON.parse(text) as { generation: number }).generation;
  }

  /** @throws NoteDamaged. */
  async #note(name: string): Promise<string | undefined> {
    const path = `${this.#paths.notes}/${name}`;
    const content = await this.#paths.fs.readFile(path).catch(undefinedIfMissing);
    return content === undefined ? undefined : decodeStamped(path, content.toString('utf8')).text;
  }

  async *containers(): AsyncIterable<string> {
    yield* BLOB_FOLDERS;
    const { fs, packs } = this.#paths;
    // Version 1 has none.
    if ((await fs.stat(packs).catch(undefinedIfMissing)) === undefined) return;
    for await (const { name } of await fs.list(packs)) {
      const pack = packOfFile(name);
      if (pack !== undefined) yield pack;
    }
  }

  blobs(container: string): AsyncIterable<FoundBlob> {
    return BLOB_FOLDERS.includes(container) ? this.#filesIn(container) : packContents(this.#paths, container);
  }

  async *#filesIn(folder: string): AsyncIterable<FoundBlob> {
    const { fs, blobs } = this.#paths;
    for await (const { name } of await fs.list(`${blobs}/${folder}`))
      if (isBlobName(name)) yield await this.#describe(name);
  }

  async #describe(name: string): Promise<FoundBlob> {
    const path = this.#paths.blob(name);
    const file = await this.#paths.fs.open(path, 'read');
    try {
      const description = await describeBlob({ ref: name, file, start: 0, total: await file.size() });
      return { ref: name, description };
    } catch (error) {
      if (!(error instanceof BlobDamaged) && !isReadError(error)) throw error;
      return { damage: `${path}: ${(error as Error).message}` };
    } finally {
      await file.close();
    }
  }

  async lockNotes(onDamage: (damage: string) => void): Promise<readonly string[]> {
    const names = await this.#paths.fs.names(this.#paths.notes);
    const texts: string[] = [];
    for (const name of names.filter((one) => one.startsWith(LOCK_NOTES))) {
      try {
        texts.push((await this.#note(name)) ?? '');
      } catch (error) {
        if (!(error instanceof NoteDamaged)) throw error;
        onDamage(error.message);
      }
    }
    return texts;
  }
}
