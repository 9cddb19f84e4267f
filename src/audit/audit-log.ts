import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { flushFolder } from '../durable/folder-flusher.ts';
import { realFileSystem } from '../durable/real-file-system.ts';
import { SharedRun } from '../durable/shared-run.ts';
import type { AuditEvent, ChainKey, Head } from './chain.ts';

const ROTATE_BYTES = 64 * 1024 * 1024;
/**
 * How far the head may be behind, in lines (plus those written together) and in time. Writing it after each line would
 * double the number of flushes.
 */
const LINES_PER_HEAD = 256;
const HEAD_PAUSE_MS = 100;
/** `O_DSYNC` flushes with each write, so that writing and flushing take one job of the thread pool instead of two. */
const { O_APPEND, O_CREAT, O_DSYNC, O_EXCL, O_WRONLY } = constants;

/** Name of a log file: `{chain}.{number}.log`. Each process that writes has a chain, split into files. */
export function logName(chain: string, number: number): string {
  return `${chain}.${String(number).padStart(6, '0')}.log`;
}

/** Name of the head file, which says how far the chain goes: `{chain}.head`. */
export function headName(chain: string): string {
  return `${chain}.head`;
}

export interface AuditLogOptions {
  readonly folder: string;
  /** Name of the chain, in `a-z0-9`. No other process may use it. */
  readonly chain: string;
  readonly key: ChainKey;
  /** A new file begins when the last one is longer than this, bytes. */
  readonly rotateBytes?: number;
  /** Called once, before a new chain's first event. Must anchor the chain outside its folder. */
  begun(chain: string): Promise<void>;
  /** Where an existing chain ends; events are appended to it. */
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

/** Appends events to a chain. Appends that arrive together are written and flushed together. */
export class AuditLog {
  readonly #options: AuditLogOptions;
  /** How far the chain goes, including lines being written. */
  #head: Head;
  /** How far the chain goes on disk. */
  #flushed: Head;
  /** How far the chain goes according to the head on disk. */
  #headOnDisk: Head;
  #number = 0;
  #bytes = 0;
  #file: FileHandle | undefined;
  #headFile: FileHandle | undefined;
  #heading: Promise<void> | undefined;
  /** Runs for `HEAD_PAUSE_MS` after the head was written. */
  #headPause: NodeJS.Timeout | undefined;
  /** Lines written since the head. */
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

  /** The head on disk. An anchor must not go further, so that no crash leaves a head behind its anchor. */
  get headOnDisk(): Head {
    return this.#headOnDisk;
  }

  /**
   * Appends an event; durable when it resolves.
   * @throws the I/O error. All later calls then throw it too, because the chain may be torn.
   */
  append(event: AuditEvent): Promise<void> {
    this.#waiting.push(event);
    return this.#appends.run();
  }

  /** Opens the files before the first event. @throws the I/O error. */
  async open(): Promise<void> {
    await this.#openFile();
  }

  /** Whether its files are open. */
  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** Why the log accepts no more events; undefined while it does. */
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
    // Failing to open a file leaves nothing torn, so the next append tries again.
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
      // These lines were not acknowledged, and their writer may write them again: they must not stand here twice.
      await file.truncate(this.#bytes).catch(() => {});
      throw error;
    }
  }

  /** Writes the head soon after lines. No append waits for it. */
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
      // Write the head before the chain is anchored: once it is, a missing or empty head is a fault.
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
    // The next attempt opens the file again. Close it, because descriptors may be scarce.
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

/** Writes all bytes. They are durable when it resolves, because the file is open with `O_DSYNC`. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
