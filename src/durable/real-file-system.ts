import { constants, createReadStream } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  opendir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { HashEngine, HashedRead, PairHasher } from '../hashing/hash-engine.ts';
import type { FileSystem, OpenFile, OpenMode } from './file-system.ts';

/** Absent on systems that lack it (macOS). */
const { O_CREAT, O_DIRECT, O_RDONLY, O_WRONLY } = constants as {
  readonly O_CREAT: number;
  readonly O_DIRECT?: number;
  readonly O_RDONLY: number;
  readonly O_WRONLY: number;
};

const FLAGS: Readonly<Record<OpenMode, string | number | undefined>> = {
  read: 'r',
  create: 'wx',
  append: 'a',
  direct: O_DIRECT === undefined ? undefined : O_WRONLY | O_CREAT | O_DIRECT,
  'read-direct': O_DIRECT === undefined ? undefined : O_RDONLY | O_DIRECT,
};

/** The file system of this machine. */
export const realFileSystem: FileSystem = {
  async open(path, mode, permissions) {
    const flags = FLAGS[mode];
    if (flags === undefined) throw noDirectAccess(path);
    return new RealFile(await open(path, flags, permissions));
  },
  readFile: (path) => readFile(path),
  readLines: (path) => createInterface({ input: createReadStream(path) }),
  stat: (path) => stat(path),
  link,
  rename,
  remove: unlink,
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  names: (path) => readdir(path),
  list: (path) => opendir(path),
};

function noDirectAccess(path: string): Error {
  const message = `ENOTSUP: this system cannot go past the page cache, open '${path}'`;
  return Object.assign(new Error(message), { code: 'ENOTSUP', syscall: 'open', path });
}

class RealFile implements OpenFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async readAt(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }

  async readInto(position: number, target: Uint8Array, least: number): Promise<number> {
    let done = 0;
    while (done < least) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  async writeAt(position: number, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  writeWhole(text: string): Promise<void> {
    return this.#handle.writeFile(text);
  }

  append(text: string): Promise<void> {
    return this.#handle.appendFile(text);
  }

  async appendOnce(bytes: Uint8Array): Promise<number> {
    return (await this.#handle.write(bytes)).bytesWritten;
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  flushData(): Promise<void> {
    return this.#handle.datasync();
  }

  flush(): Promise<void> {
    return this.#handle.sync();
  }

  readAndHash(engine: HashEngine, position: number, target: Uint8Array): Promise<HashedRead> {
    return engine.readAndHash(this.#handle.fd, position, target);
  }

  writeAndHash(hasher: PairHasher, position: number, buffers: readonly Uint8Array[]): Promise<void> {
    return hasher.writeAndHash(this.#handle.fd, position, buffers);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
