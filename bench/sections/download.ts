import { join } from 'node:path';
import { makeBodies } from '../bodies.ts';
import { type Contender, contest, type Results } from '../contest.ts';
import type { LoadRequest } from '../load.ts';
import { type LoadProcess, startLoad } from '../load-process.ts';
import { treeHashRate } from '../machine-limits.ts';
import { costs, heldAgainst, measureLoad, megabytesPerSecond } from '../measured.ts';
import type { BenchOptions, Row, Section } from '../section.ts';
import { startMoraine } from '../servers/moraine.ts';
import { startMoto } from '../servers/moto.ts';
import { startNginx } from '../servers/nginx.ts';
import { startS3 } from '../servers/s3-engine.ts';
import type { BenchServer } from '../servers/server.ts';
import { settle } from '../settle.ts';
import { leastOf } from '../statistics.ts';

/** Concurrent downloads. */
const WIDTHS = [1, 4] as const;
/** One stream downloads as much as four, because one archive alone takes less than a second. */
const ARCHIVES = 4;
/** Share of the rate that nginx and the tree hash allow. */
const TARGET = 0.8;
const HASH_MS = 500;
const NGINX = 'nginx';

export const download: Section = {
  name: 'download',
  about:
    'GetJobOutput of a large archive, one and four at a time, and GETs of as many bytes from the others. All of it is ' +
    'in the page cache, for servers that use it, because an uncounted download precedes each measurement. RGW ' +
    'and moto send one piece repeatedly. nginx verifies nothing. During the warm-up, every byte is compared ' +
    'with what was stored. The tree hash is measured in the same rounds: one stream uses one core, four use all.',
  run,
};

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const bodies = await makeBodies(join(options.folder, 'bodies'), options.sizes.piece);
  const load = startLoad(options, bodies.file);
  const moraine = await startMoraine(options);
  const others = [await startNginx(options), await startS3(options), await startMoto(options)].filter(
    (server) => server !== undefined,
  );
  const contenders: Contender[] = WIDTHS.map(hashing);
  for (const server of [moraine, ...others]) {
    const { request, bytes } = await server.prepareDownload(bodies, options.sizes.pieces, load);
    const times = (options.sizes.piece * options.sizes.pieces) / bytes;
    const requests = (archives: number) => Array.from({ length: archives * times }, request);
    contenders.push(...WIDTHS.map((width) => downloading(server, width, requests, load)));
  }
  const results = await contest(options, contenders, () => settle(options));
  return WIDTHS.flatMap((width) => rowsOf(results, width, moraine, others));
}

function hashing(width: number): Contender {
  return {
    name: hashName(width),
    measure: async () => ({ value: await (width === 1 ? treeHashRate(HASH_MS, 1) : treeHashRate(HASH_MS)) }),
  };
}

function downloading(
  server: BenchServer,
  width: number,
  requestsFor: (archives: number) => readonly LoadRequest[],
  load: LoadProcess,
): Contender {
  const { address, processes } = server;
  return {
    name: nameOf(server.name, width),
    async measure(warming) {
      const job = (archives: number) => ({
        address,
        requests: requestsFor(archives),
        connections: width,
        limitMs: Number.POSITIVE_INFINITY,
        verify: warming,
      });
      // Reads the file back into the page cache, which may have dropped it since the last measurement.
      await load.run(job(1));
      const run = await measureLoad(load, job(ARCHIVES), processes);
      return { value: megabytesPerSecond(run), run };
    },
  };
}

function nameOf(server: string, width: number): string {
  return `${server}, ${width} at a time`;
}

function hashName(width: number): string {
  return width === 1 ? 'tree hash, one core' : 'tree hash, all cores';
}

function rowsOf(
  results: Results,
  width: number,
  moraine: BenchServer,
  others: readonly BenchServer[],
): Row[] {
  const row = ({ name }: BenchServer): Row => ({
    name: nameOf(name, width),
    unit: 'MB/s',
    better: 'higher',
    samples: results.values(nameOf(name, width)),
    ...costs(results.runs(nameOf(name, width)), 'GiB'),
  });
  const hash = { name: hashName(width), samples: results.values(hashName(width)) };
  const nginx = results.values(nameOf(NGINX, width));
  const possible =
    nginx.length === 0
      ? []
      : [{ name: 'the lower of nginx and the tree hash', samples: leastOf(nginx, hash.samples) }];
  return [
    ...heldAgainst(row(moraine), [
      ...possible.map((reference) => ({ ...reference, target: { kind: 'ratio', value: TARGET } as const })),
      hash,
      ...others.map(({ name }) => ({ name, samples: results.values(nameOf(name, width)) })),
    ]),
    ...others.map(row),
  ];
}
