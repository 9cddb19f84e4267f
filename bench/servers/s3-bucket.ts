/** An S3-compatible engine with its own bucket. Each body is an object whose hash the signature covers. */
import { sendRaw } from '../../test/support/request.ts';
import type { Body } from '../bodies.ts';
import type { LoadRequest } from '../load.ts';
import { type BenchServer, bodiless, headOf } from './server.ts';
import { NOTHING_HASH, type S3Access, signS3 } from './sign-s3.ts';

export interface S3Engine extends S3Access {
  readonly name: string;
  readonly endpoint: string;
  /** Process ids; empty if unknown. */
  readonly processes: readonly number[];
  /** Removes deleted objects from the disk at once; by themselves, engines do it later. */
  collectGarbage(): Promise<void>;
}

export interface S3Server extends BenchServer {
  /** Removes all objects and the bucket, if the engine remains after the benchmark. */
  removeBucket(): Promise<void>;
}

/** Number of objects deleted at a time. */
const WIDTH = 16;

export async function startBucket(engine: S3Engine): Promise<S3Server> {
  const { hostname, port, host } = new URL(engine.endpoint);
  const address = { host: hostname, port: Number(port || 80) };
  const bucket = new Bucket(engine, host);
  await bucket.send('PUT');
  return {
    name: engine.name,
    note: 'one hash and the signature checked, durable; one object for each piece',
    address,
    processes: engine.processes,
    prepareLarge: async (pieces) => ({
      requests: pieces.map((piece) => bucket.put(piece, 'large')),
      finish: async () => {},
    }),
    prepareSmall: (bodies) => bodies.map((body) => bucket.put(body, 'small')),
    async prepareDownload(bodies, _pieces, load) {
      const request = bucket.put(bodies.piece, 'download');
      await load.run({
        address,
        requests: [request],
        connections: 1,
        limitMs: Number.POSITIVE_INFINITY,
        verify: false,
      });
      return { request: () => bucket.get('download'), bytes: bodies.piece.length };
    },
    async removeLarge() {
      await bucket.remove('large');
      await engine.collectGarbage();
    },
    async removeBucket() {
      for (const kind of ['large', 'small', 'download'] as const) await bucket.remove(kind);
      await bucket.send('DELETE');
    },
  };
}

type Kind = 'large' | 'small' | 'download';

class Bucket {
  readonly #engine: S3Engine;
  readonly #host: string;
  readonly #path = `/bench${Date.now()}`;
  /** Paths of objects that may exist. */
  readonly #objects: Record<Kind, string[]> = { large: [], small: [], download: [] };
  #serial = 0;

  constructor(engine: S3Engine, host: string) {
    this.#engine = engine;
    this.#host = host;
  }

  put({ offset, length, linearHash }: Body, kind: Kind): LoadRequest {
    const path = `${this.#path}/${kind}${this.#serial++}`;
    this.#objects[kind].push(path);
    const headers = this.#sign('PUT', path, linearHash, { 'content-length': String(length) });
    return { head: headOf('PUT', path, headers), offset, length };
  }

  /** Path of the last object put of this kind. */
  get(kind: Kind): LoadRequest {
    const path = this.#objects[kind].at(-1) ?? '';
    return bodiless(headOf('GET', path, this.#sign('GET', path, NOTHING_HASH)));
  }

  async remove(kind: Kind): Promise<void> {
    const paths = this.#objects[kind].splice(0);
    const lane = async (): Promise<void> => {
      for (let path = paths.pop(); path !== undefined; path = paths.pop()) await this.send('DELETE', path);
    };
    await Promise.all(Array.from({ length: WIDTH }, lane));
  }

  /** Sends a request without a body; by default to the bucket. @throws Error if it fails. */
  async send(method: string, path = this.#path): Promise<void> {
    const headers = this.#sign(method, path, NOTHING_HASH);
    const { status, text } = await sendRaw(this.#engine.endpoint, { method, target: path, headers });
    if (status > 299) throw new Error(`${method} ${path}: ${status} ${text}`);
  }

  #sign(method: string, path: string, hash: string, more: Readonly<Record<string, string>> = {}) {
    const headers = { host: this.#host, 'x-amz-content-sha256': hash, ...more };
    return signS3({ method, path, headers }, this.#engine, new Date());
  }
}
