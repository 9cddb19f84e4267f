import { writeSync } from 'node:fs';
import { type Logger, pino } from 'pino';

export type { Logger };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Size of the buffer for lines that cannot be written at the moment. When it is full, new lines are dropped. */
const WAITING_BYTES = 1024 * 1024;
const RETRY_MS = 50;

/** Logs one JSON line per event to standard error. Standard output is for what a person reads at the start. */
export function createLogger(level: LogLevel, bindings: Record<string, unknown> = {}): Logger {
  return pino({ level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime }, STANDARD_ERROR);
}

/**
 * Writes synchronously, so that the last lines of a process are not lost. If a write fails (a closed terminal, a full
 * disk), buffers the lines and retries. Pino's own output would end the server, or keep it from ending.
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
