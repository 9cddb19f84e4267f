import { join } from 'node:path';
import type { JournalEntry, Stamp } from '../../domain/blob-store.ts';
import type { FileSystem, OpenFile } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { SharedRun } from '../../durable/shared-run.ts';
import { formatClosing, formatLine, LineTally } from './journal-lines.ts';

interface DiskJournalDeps {
  readonly fs: FileSystem;
  readonly folder: string;
  /** A file name that no other process uses. */
  readonly name: string;
  readonly flusher: FolderFlusher;
  readonly flush: Flush;
  readonly stamp: Stamp;
}

/** An entry and its line, which ends with a line feed. */
interface WaitingLine {
  readonly entry: JournalEntry;
  readonly text: string;
}

/**
 * The store's journal: a file for each process that writes, a line for each entry, each line with its own checksum.
 * Appends that arrive together are flushed together.
 */
export class DiskJournal {
  readonly #deps: DiskJournalDeps;
  readonly #appends = new SharedRun(() => this.#write(this.#waiting.splice(0)));
  #file: OpenFile | undefined;
  /** Bytes in the file that were flushed. */
  #length = 0;
  #tally = new LineTally();
  #waiting: WaitingLine[] = [];

  constructor(deps: DiskJournalDeps) {
    this.#deps = deps;
  }

  /**
   * Durable when it resolves. @throws the I/O error. A failed flush is final for the store. After a failed write
   * nothing is left in the file, and the same entries may be appended again.
   */
  append(entries: readonly JournalEntry[]): Promise<void> {
    const writer = this.#deps.stamp();
    this.#waiting.push(...entries.map((entry) => ({ entry, text: formatLine(entry, writer) })));
    return this.#appends.run();
  }

  /** Forgets what this process appended. */
  async clear(): Promise<void> {
    await this.#appends.settled();
    await this.#file?.truncate(0);
    this.#length = 0;
    this.#tally = new LineTally();
  }

  /**
   * Ends the file with the line that closes it; durable when it resolves. Nothing may be appended afterwards.
   * @throws the I/O error; then the next start closes the file.
   */
  async seal(): Promise<void> {
    await this.#appends.settled();
    if (this.#file && this.#tally.lines > 0)
      await this.#append(this.#file, formatClosing(this.#tally.closing()));
  }

  async close(): Promise<void> {
    await this.#appends.settled();
    await this.#file?.close();
  }

  async #write(lines: readonly WaitingLine[]): Promise<void> {
    // Failing to open the file leaves no torn line, so the next append opens it again.
    this.#file ??= await this.#open();
    await this.#append(this.#file, lines.map(({ text }) => text).join(''));
    for (const { entry, text } of lines) this.#tally.add(text.slice(0, -1), entry);
  }

  async #append(file: OpenFile, text: string): Promise<void> {
    const { flush } = this.#deps;
    try {
      await file.append(text);
    } catch (error) {
      // A failed write (a full disk) loses nothing that was flushed, but a torn line would hide those after it. If it
      // cannot be cut off, the failure is as final as that of a flush.
      await flush(() => file.truncate(this.#length));
      throw error;
    }
    await flush(() => file.flushData());
    this.#length += Buffer.byteLength(text);
  }

  async #open(): Promise<OpenFile> {
    const { fs, folder, name, flusher } = this.#deps;
    const file = await fs.open(join(folder, name), 'append');
    try {
      await flusher.flush();
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}
