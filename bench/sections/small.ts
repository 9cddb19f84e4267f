import { join } from 'node:path';
import { type Bodies, makeBodies } from '../bodies.ts';
import { type Contender, contest, type Results } from '../contest.ts';
import { type LoadProcess, startLoad } from '../load-process.ts';
import { costs, heldAgainst, measureLoad, requestsPerSecond } from '../measured.ts';
import type { BenchOptions, Reference, Row, Section, Target } from '../section.ts';
import { startMoraine } from '../servers/moraine.ts';
import { startMoto } from '../servers/moto.ts';
import { startNaive } from '../servers/naive.ts';
import { startNginx } from '../servers/nginx.ts';
import { startS3 } from '../servers/s3-engine.ts';
import type { BenchServer } from '../servers/server.ts';
import { settle } from '../settle.ts';

/** Concurrent requests. */
const WIDTH = 64;
/** Time limit of a measurement, so that a slow server does not delay the others. */
const LIMIT_MS = 10_000;
const TARGET: Target = { kind: 'absolute', value: 5000 };

export const small: Section = {
  name: 'small',
  about:
    'Archives of 4 KiB, 64 at a time: UploadArchive, and PUTs of the same bodies. The 50th and 99th percentile of ' +
    'the time of a request as the client sees it, with 64 in progress.',
  run,
};

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const bodies = await makeBodies(join(options.folder, 'bodies'), options.sizes.piece);
  const load = startLoad(options, bodies.file);
  const moraine = await startMoraine(options);
  const others = [
    await startNaive(options),
    await startNginx(options),
    await startS3(options),
    await startMoto(options),
  ].filter((server) => server !== undefined);
  const all = [moraine, ...others];
  const results = await contest(
    options,
    all.map((server) => uploading(options, server, bodies, load)),
    () => settle(options),
  );
  return all.flatMap((server) => rowsOf(results, server, server === moraine ? others : []));
}

function uploading(
  { sizes }: BenchOptions,
  server: BenchServer,
  bodies: Bodies,
  load: LoadProcess,
): Contender {
  const { name, address, processes } = server;
  return {
    name,
    async measure() {
      const sent = Array.from({ length: sizes.small }, (_, i) => bodies.small[i % bodies.small.length]);
      const requests = server.prepareSmall(sent.filter((body) => body !== undefined));
      const job = { address, requests, connections: WIDTH, limitMs: LIMIT_MS, verify: false };
      const run = await measureLoad(load, job, processes);
      return { value: requestsPerSecond(run), run };
    },
  };
}

function rowsOf(results: Results, server: BenchServer, references: readonly BenchServer[]): Row[] {
  const runs = results.runs(server.name);
  const rate: Row = {
    name: server.name,
    unit: '1/s',
    better: 'higher',
    samples: results.values(server.name),
    ...costs(runs, 'request'),
    ...(server.note !== undefined && { note: `${server.name}: ${server.note}` }),
  };
  const against = references.map(({ name }): Reference => ({ name, samples: results.values(name) }));
  const latency = (name: string, samples: readonly number[]): Row => ({
    name: `${server.name}, ${name}`,
    unit: 'ms',
    better: 'lower',
    samples,
  });
  return [
    ...(references.length > 0 ? [{ ...rate, target: TARGET }] : []),
    ...heldAgainst(rate, against),
    latency(
      'p50',
      runs.map(({ p50Ms }) => p50Ms),
    ),
    latency(
      'p99',
      runs.map(({ p99Ms }) => p99Ms),
    ),
  ];
}
