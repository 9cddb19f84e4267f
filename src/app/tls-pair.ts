/** Reloads the certificate and private key for new TLS connections when their files change. */
import { stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { readTlsPair, type TlsPair } from '../config/read.ts';
import type { Logger } from '../log.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';

/** Certificates are renewed days before they expire, so a minute is soon enough. */
const LOOK_PAUSE_MS = 60_000;

/** Watches the two files of a pair. */
export class TlsRenewal {
  readonly #log: Logger;
  readonly #take: (pair: TlsPair) => void;
  #pair: TlsPair;
  /** Fingerprint of the files when they were last read; undefined before. */
  #seen: string | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** @param take called with each new pair that can be used. */
  constructor(pair: TlsPair, log: Logger, take: (pair: TlsPair) => void) {
    this.#pair = pair;
    this.#log = log;
    this.#take = take;
  }

  /** Checks the inodes of the files once a minute. */
  schedule(): Scheduled {
    return repeat(
      LOOK_PAUSE_MS,
      () => this.look(false),
      (err) => this.#log.error({ err }, 'cannot check the certificate files'),
    );
  }

  /**
   * Resolves when a new pair is in use or was refused. Logs a pair that cannot be used, and keeps the old one: the two
   * files are written one after the other, so a mismatch may last only a moment.
   * @param asked whether an operator asked for it (SIGHUP): then reads the files even if they look unchanged.
   */
  look(asked: boolean): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look(asked));
    return this.#looking;
  }

  async #look(asked: boolean): Promise<void> {
    const { files } = this.#pair;
    const looks = `${await fingerprint(files.cert)} ${await fingerprint(files.key)}`;
    if (!asked && looks === this.#seen) return;
    this.#seen = looks;
    let found: TlsPair;
    try {
      found = readTlsPair(files.cert, files.key);
    } catch (error) {
      this.#log.error({ reason: (error as Error).message }, 'the certificate stays as it was');
      return;
    }
    const isNew = found.cert !== this.#pair.cert || found.key !== this.#pair.key;
    if (isNew) {
      this.#pair = found;
      this.#take(found);
    }
    if (isNew || asked)
      this.#log.info({ files }, isNew ? 'new certificate taken' : 'the certificate is the same');
  }
}

/** Uses the pair for new connections. Open connections keep theirs. */
export function renewTls(server: Server, { cert, key }: TlsPair): void {
  // A server with TLS is both an HTTP and a TLS server, but its declared type is only the first.
  const secure: unknown = server;
  if (secure instanceof TlsServer) secure.setSecureContext({ cert, key });
}

/** A text that changes whenever a file is replaced or written to. */
async function fingerprint(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join('-');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
