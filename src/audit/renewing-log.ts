import type { AuditLog } from './audit-log.ts';
import type { AuditEvent } from './chain.ts';

export interface RenewingLogDeps {
  /** Makes the log of a new chain; it is opened by the caller. */
  begin(): AuditLog;
  /**
   * Called when a record could not be written.
   * @returns whether it is to be tried again at once: a disk was full and some of its reserve was given up. Never throws.
   */
  afterFailure(error: unknown): Promise<boolean>;
  /** Called when a chain has ended and its files are closed. Never throws. */
  onEnd(log: AuditLog): Promise<void>;
}

/**
 * An audit log that goes on with a new chain after a write failed. A failed write, or the flush in it, may have left any
 * part of its lines, so nothing more is added behind them: the old chain ends with its last acknowledged line. Nothing
 * that was acknowledged rests on the failed flush, since each line was flushed before its answer, and the new chain lies
 * in files of its own. So this is as safe as a restart.
 */
export class RenewingLog {
  readonly #deps: RenewingLogDeps;
  #log: AuditLog;
  /** Takes the place of `#log` once it is open. */
  #next: AuditLog | undefined;
  #opening: Promise<void> | undefined;
  #failure: unknown;

  /** Opens nothing yet. */
  constructor(deps: RenewingLogDeps) {
    this.#deps = deps;
    this.#log = deps.begin();
  }

  /** Durable when it resolves. @throws the I/O error; then the record is not in the log. */
  append(event: AuditEvent): Promise<void> {
    return this.#trying(async () => {
      await this.#open();
      await this.#log.append(event);
    });
  }

  /** Resolves when the next record can be written, as far as that is known. @throws the I/O error. */
  async ready(): Promise<void> {
    if (!this.#isOpen()) await this.#trying(() => this.#open());
  }

  /** Why the last record could not be written; undefined while all is well. */
  failure(): unknown {
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#end(this.#log);
    if (this.#next) await this.#end(this.#next);
  }

  /** The log of the chain that is written to. */
  get current(): AuditLog {
    return this.#log;
  }

  async #end(log: AuditLog): Promise<void> {
    await log.close();
    await this.#deps.onEnd(log);
  }

  #isOpen(): boolean {
    return this.#log.isOpen && this.#log.failure() === undefined;
  }

  async #open(): Promise<void> {
    if (this.#isOpen()) return;
    this.#opening ??= this.#openOrRenew().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async #openOrRenew(): Promise<void> {
    // A chain that could not be opened has torn nothing: it is tried again.
    if (this.#log.failure() === undefined) return this.#log.open();
    this.#next ??= this.#deps.begin();
    await this.#next.open();
    const old = this.#log;
    this.#log = this.#next;
    this.#next = undefined;
    await this.#end(old);
  }

  async #trying(task: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await task();
        this.#failure = undefined;
        return;
      } catch (error) {
        if (await this.#deps.afterFailure(error)) continue;
        this.#failure = error;
        throw error;
      }
    }
  }
}
