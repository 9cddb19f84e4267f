/** The certificate and private key that new TLS handshakes use: taken up from their files when these are renewed. */
import { stat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import { readTlsPair, type TlsPair } from '../config/read.ts';
import type { Logger } from '../log.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';

/** Certificates are renewed days before they expire. */
const LOOK_PAUSE_MS = 60_000;

/** Watches the two files of a pair. */
export class TlsRenewal {
  readonly #log: Logger;
  readonly #take: (pair: TlsPair) => void;
  #pair: TlsPair;
  /** What the files looked like when they were read last; undefined until then. */
  #seen: string | undefined;
  #looking: Promise<void> = Promise.resolve();

  /** @param take is given each pair that is new and can be used. */
  constructor(pair: TlsPair, log: Logger, take: (pair: TlsPair) => void) {
    this.#pair = pair;
    this.#log = log;
    this.#take = take;
  }

  /** Looks once a minute, at what the files' inodes say. */
  schedule(): Scheduled {
    return repeat(
      LOOK_PAUSE_MS,
      () => this.look(false),
      (err) => this.#log.error({ err }, 'the certificate files cannot be looked at'),
    );
  }

  /**
   * Resolves when a new pair was taken or refused. One that cannot be used is refused with a line in the log, and the
   * one before stays: the two files are written one after the other, and may belong together a moment later.
   * @param asked an operator wants to know (SIGHUP): the files are read even if they look as before.
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

/** Connections that are open keep what they began with. */
export function renewTls(server: Server, { cert, key }: TlsPair): void {
  // A server that speaks TLS is both a server of HTTP and one of TLS; its declared type says only the first.
  const secure: unknown = server;
  if (secure instanceof TlsServer) secure.setSecureContext({ cert, key });
}

/** Changes whenever a file is replaced or written to. */
async function fingerprint(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join('-');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
