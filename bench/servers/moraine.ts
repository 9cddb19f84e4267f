/** Moraine as a user runs it: a serving process for each core, SQLite, all hashes and signatures checked. */
import { readdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { foldDigests } from '../../src/treehash/index.ts';
import { eventually } from '../../test/support/poll.ts';
import { startServer } from '../../test/support/server.ts';
import type { Body } from '../bodies.ts';
import type { LoadRequest } from '../load.ts';
import type { BenchOptions } from '../section.ts';
import { type Glacier, glacierOf, VAULT } from './glacier.ts';
import type { BenchServer } from './server.ts';

const SWEPT_WITHIN_MS = 60_000;
/** Less than any piece, but more than the journal, which is never removed. */
const LEFT_BYTES = 2 ** 20;

/** Which Moraine to measure, if not the one of these sources. */
export interface MoraineBuild {
  /** Names the contender and its folder. */
  readonly name: string;
  /** The program: `dist/main.js` of a built checkout. */
  readonly main: string;
  /** More flags of `serve`. */
  readonly flags?: readonly string[];
}

export async function startMoraine(options: BenchOptions, build?: MoraineBuild): Promise<BenchServer> {
  const name = build?.name ?? 'Moraine';
  const data = join(options.folder, name.toLowerCase());
  const flags = ['--workers', String(availableParallelism()), '--log-level', 'warn', ...(build?.flags ?? [])];
  const starting = startServer({ data, flags, ...(build && { main: build.main }) });
  options.atEnd(async () => {
    const started = await starting.catch(() => undefined);
    await started?.stop();
  });
  const server = await starting;
  const { hostname: host, port } = new URL(server.url);
  const address = { host, port: Number(port) };
  const glacier = glacierOf(server);
  await glacier.api.createVault(VAULT);
  const uploads = new Uploads(glacier);
  return {
    name,
    address,
    processes: [server.process.pid ?? 0],
    async prepareLarge(pieces) {
      const { requests, complete } = await uploads.begin(pieces);
      return {
        requests,
        finish: async () => {
          await complete();
        },
      };
    },
    prepareSmall: (bodies) => bodies.map((body) => glacier.upload(body)),
    async prepareDownload(bodies, pieces, load) {
      const { requests, complete } = await uploads.begin(Array.from({ length: pieces }, () => bodies.piece));
      await load.run({ address, requests, connections: 4, limitMs: Number.POSITIVE_INFINITY, verify: false });
      const jobId = await glacier.retrieve(await complete(), 'Standard');
      return { request: () => glacier.output(jobId), bytes: bodies.piece.length * pieces };
    },
    async removeLarge() {
      await uploads.removeAll();
      await eventually(
        'the sweep',
        async () => (await bytesIn(join(data, 'store'))) < LEFT_BYTES,
        SWEPT_WITHIN_MS,
      );
    },
  };
}

/** Archives uploaded in parts. */
class Uploads {
  readonly #glacier: Glacier;
  readonly #archiveIds: string[] = [];

  constructor(glacier: Glacier) {
    this.#glacier = glacier;
  }

  /** @returns the requests of all parts, and a function that completes the upload and returns the archive's id. */
  async begin(
    pieces: readonly Body[],
  ): Promise<{ readonly requests: readonly LoadRequest[]; readonly complete: () => Promise<string> }> {
    const { api, part } = this.#glacier;
    const length = pieces[0]?.length ?? 0;
    const uploadId = await api.initiate(VAULT, length);
    const requests = pieces.map((piece, i) => part(uploadId, i * length, piece));
    const root = foldDigests(Buffer.concat(pieces.map(({ treeHash }) => Buffer.from(treeHash, 'hex'))));
    const complete = async () => {
      const treeHash = Buffer.from(root).toString('hex');
      const answer = await api.complete(VAULT, uploadId, pieces.length * length, treeHash);
      const archiveId = answer.headers['x-amz-archive-id'];
      if (archiveId === undefined) throw new Error(`not completed: ${answer.status} ${answer.text}`);
      this.#archiveIds.push(archiveId);
      return archiveId;
    };
    return { requests, complete };
  }

  async removeAll(): Promise<void> {
    for (const id of this.#archiveIds.splice(0)) {
      const answer = await this.#glacier.api.call('DELETE', `/-/vaults/${VAULT}/archives/${id}`);
      if (answer.status !== 204) throw new Error(`not deleted: ${answer.status} ${answer.text}`);
    }
  }
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  // A file that is removed meanwhile counts as empty.
  const sizes = files.map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
