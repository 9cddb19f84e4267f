import { writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';

export type { Logger };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Bytes that wait where lines cannot be written at the moment; what comes beyond is lost. */
const WAITING_BYTES = 1024 * 1024;
const RETRY_MS = 50;

/** One JSON line an event, on standard error: standard output is for what a person reads at the start. */
export function createLogger(level: LogLevel, bindings: Record<string, unknown> = {}): Logger {
  return pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }, STANDARD_ERROR);
}

/**
 * Writes at once, so that the last words of a process are not lost. A terminal that was closed, or a log on a full
 * disk, must not end a server or hold up its end, as pino's own output would: lines wait and are tried again.
 */
class LineOutput {
  readonly #fd: number;
  #waiting: Buffer = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waiting.length + bytes.length > WAITING_BYTES) return;
    this.#waiting = this.#waiting.length > 0 ? Buffer.concat([this.#waiting, bytes]) : bytes;
    this.#flush();
  }

  #flush(): void {
    try {
      while (this.#waiting.length > 0)
        this.#waiting = this.#waiting.subarray(writeSync(this.#fd, this.#waiting));
    } catch {
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#flush();
      }, RETRY_MS).unref();
    }
  }
}

const STANDARD_ERROR = new LineOutput(2);
