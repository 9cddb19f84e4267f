import type { AuditLog } from './audit-log.ts';
import type { AuditEvent } from './chain.ts';

export interface RenewingLogDeps {
  /** Makes the log of a new chain; the caller opens it. */
  begin(): AuditLog;
  /**
   * Called when an event could not be written.
   * @returns whether to retry at once, because a full disk gave up some of its reserve. Never throws.
   */
  afterFailure(error: unknown): Promise<boolean>;
  /** Called when a chain has ended and its files are closed. Never throws. */
  onEnd(log: AuditLog): Promise<void>;
}

/**
 * An audit log that continues with a new chain after a failed write. A failed write or flush may have left any part of
 * its lines, so the old chain ends with its last acknowledged line. This is as safe as a restart: every acknowledged line
 * was flushed before its answer, and the new chain has files of its own.
 */
export class RenewingLog {
  readonly #deps: RenewingLogDeps;
  #log: AuditLog;
  /** Replaces `#log` once it is open. */
  #next: AuditLog | undefined;
  #opening: Promise<void> | undefined;
  #failure: unknown;

  /** Opens nothing yet. */
  constructor(deps: RenewingLogDeps) {
    this.#deps = deps;
    this.#log = deps.begin();
  }

  /** Appends an event; durable when it resolves. @throws the I/O error; the event is then not in the log. */
  append(event: AuditEvent): Promise<void> {
    return this.#trying(async () => {
      await this.#open();
      await this.#log.append(event);
    });
  }

  /** Resolves when the next event can probably be written. @throws the I/O error. */
  async ready(): Promise<void> {
    if (!this.#isOpen()) await this.#trying(() => this.#open());
  }

  /** Why the last event could not be written; undefined if it was. */
  failure(): unknown {
    return this.#failure;
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#end(this.#log);
    if (this.#next) await this.#end(this.#next);
  }

  /** The log of the current chain. */
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
    // Failing to open a chain leaves nothing torn, so try it again.
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
