import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { flushFolder } from '../durable/folder-flusher.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { SharedRun } from '../durable/shared-run.ts';
import type { AuditEvent, ChainKey, Head } from './chain.ts';

const ROTATE_BYTES = 64 * 1024 * 1024;
/**
 * The head is at most so far behind while lines keep coming, in lines (and what came together with them) and in time:
 * written after each it would cost as many flushes as the lines themselves.
 */
const LINES_PER_HEAD = 256;
const HEAD_PAUSE_MS = 100;
/** `O_DSYNC` is a flush with each write: one job of the thread pool where writing and flushing would be two. */
const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_WRONLY } = constants;

/** `{chain}.{number}.log`: one chain for each process that wrote, cut into files. */
export function logName(chain: string, number: number): string {
  return `${chain}.${String(number).padStart(6, '0')}.log`;
}

/** `{chain}.head`: how far the chain went. */
export function headName(chain: string): string {
  return `${chain}.head`;
}

export interface AuditLogOptions {
  readonly folder: string;
  /** A name that no other process uses, of `a-z0-9`. */
  readonly chain: string;
  readonly key: ChainKey;
  /** A file that is longer than this is followed by the next. */
  readonly rotateBytes?: number;
  /** Called once, before a new chain's first record: the chain must be remembered outside its folder. */
  begun(chain: string): Promise<void>;
  /** The chain is there already and this is its end: records are appended to it. */
  continues?: ChainEnd;
}

/** Where a chain ends on disk. */
export interface ChainEnd {
  readonly head: Head;
  /** Number of the last file. */
  readonly number: number;
  /** Length of that file. */
  readonly bytes: number;
}

/** Appends events to this process's chain. Appends that arrive together are written and flushed together. */
export class AuditLog {
  readonly #options: AuditLogOptions;
  /** How far the chain goes, with what is being written. */
  #head: Head;
  /** How far it goes on disk. */
  #flushed: Head;
  /** How far the head on disk says that it goes. */
  #headOnDisk: Head;
  #number = 0;
  #bytes = 0;
  #file: FileHandle | undefined;
  #headFile: FileHandle | undefined;
  #heading: Promise<void> | undefined;
  /** Runs for a while after each writing of the head. */
  #headPause: NodeJS.Timeout | undefined;
  /** Lines since the head was written. */
  #behind = 0;
  #waiting: AuditEvent[] = [];
  readonly #appends = new SharedRun(() => this.#appendWaiting());
  #failure: unknown;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#head = options.continues?.head ?? options.key.beginning(options.chain);
    this.#flushed = this.#head;
    this.#headOnDisk = this.#head;
  }

  /** Name of the chain. */
  get chain(): string {
    return this.#options.chain;
  }

  /** What the head on disk says: how far an anchor may go, so that no crash leaves a head behind its anchor. */
  get headOnDisk(): Head {
    return this.#headOnDisk;
  }

  /**
   * Durable when it resolves.
   * @throws the I/O error; after one nothing more is taken, because the chain may be torn.
   */
  append(event: AuditEvent): Promise<void> {
    this.#waiting.push(event);
    return this.#appends.run();
  }

  /** Makes the files ready, so that the first record finds them open. @throws the I/O error. */
  async open(): Promise<void> {
    await this.#openFile();
  }

  /** Whether its files are open. */
  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Why nothing more is taken, or undefined while all is well: what cannot be recorded must not be done. */
  failure(): unknown {
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.#appends.settled();
    while (this.#heading || (this.#behind > 0 && this.#failure === undefined)) {
      this.#bringHead();
      await this.#heading;
    }
    await this.#file?.close();
    await this.#headFile?.close();
  }

  async #appendWaiting(): Promise<void> {
    await this.#writeEvents(this.#waiting.splice(0));
    this.#follow();
  }

  async #writeEvents(events: readonly AuditEvent[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    // A file that could not be opened has torn nothing: the next append tries again.
    const file = await this.#openFile();
    try {
      let text = '';
      for (const event of events) {
        const { line, head } = this.#options.key.append(this.#head, event);
        this.#head = head;
        text += `${line}\n`;
      }
      await writeAll(file, Buffer.from(text));
      this.#flushed = this.#head;
      this.#behind += events.length;
      this.#bytes += Buffer.byteLength(text);
    } catch (error) {
      this.#failure ??= error;
      // Lines of which nobody was told that they are there would stand in the log twice when they are written again.
      await file.truncate(this.#bytes).catch(() => {});
      throw error;
    }
  }

  /** The head follows the lines and nobody waits for it. */
  #follow(): void {
    if (!this.#headPause || this.#behind >= LINES_PER_HEAD) this.#bringHead();
  }

  #bringHead(): void {
    if (this.#heading || this.#behind === 0 || this.#failure !== undefined) return;
    clearTimeout(this.#headPause);
    this.#headPause = setTimeout(() => {
      this.#headPause = undefined;
      this.#follow();
    }, HEAD_PAUSE_MS).unref();
    this.#behind = 0;
    this.#heading = this.#writeHead()
      .catch((error) => {
        this.#failure ??= error;
      })
      .finally(() => {
        this.#heading = undefined;
        this.#follow();
      });
  }

  async #openFile(): Promise<FileHandle> {
    const { folder, chain, begun, rotateBytes = ROTATE_BYTES } = this.#options;
    if (this.#file && this.#bytes < rotateBytes) return this.#file;
    if (!this.#file && this.#options.continues) return this.#reopen(this.#options.continues);
    if (!this.#file) {
      // A head before anybody remembers the chain: from then on a missing or empty one is a fault.
      this.#headFile ??= await open(
        join(folder, headName(chain)),
        O_WRONLY | O_CREAT | O_EXCL | O_DSYNC,
        0o600,
      );
      await this.#writeHead();
      await flushFolder(realFileSystem, folder);
      await begun(chain);
    }
    const path = join(folder, logName(chain, this.#number));
    const next = await open(path, O_WRONLY | O_CREAT | O_APPEND | O_DSYNC, 0o600);
    // It is opened again by the next attempt: where descriptors are few, none may stay behind.
    await flushFolder(realFileSystem, folder).catch(async (error) => {
      await next.close();
      throw error;
    });
    await this.#file?.close();
    this.#file = next;
    this.#number++;
    this.#bytes = 0;
    return next;
  }

  async #reopen({ number, bytes }: ChainEnd): Promise<FileHandle> {
    const { folder, chain } = this.#options;
    this.#headFile ??= await open(join(folder, headName(chain)), O_WRONLY | O_DSYNC);
    this.#file = await open(join(folder, logName(chain, number)), O_WRONLY | O_APPEND | O_DSYNC);
    this.#number = number + 1;
    this.#bytes = bytes;
    return this.#openFile();
  }

  async #writeHead(): Promise<void> {
    const { chain, key } = this.#options;
    const head = this.#flushed;
    await this.#headFile?.write(Buffer.from(key.sealHead(chain, head)), 0, undefined, 0);
    this.#headOnDisk = head;
  }
}

/** The file is open so that a write that has returned is durable. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
