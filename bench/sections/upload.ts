import { join } from 'node:path';
import { type Bodies, makeBodies } from '../bodies.ts';
import { type Contender, contest, type Results } from '../contest.ts';
import { type LoadProcess, startLoad } from '../load-process.ts';
import { ddRate, fusedHashRate } from '../machine-limits.ts';
import { costs, heldAgainst, measureLoad, megabytesPerSecond } from '../measured.ts';
import type { BenchOptions, Row, Section } from '../section.ts';
import { startMoraine } from '../servers/moraine.ts';
import { startMoto } from '../servers/moto.ts';
import { startNaive } from '../servers/naive.ts';
import { startNginxTwice } from '../servers/nginx.ts';
import { writeRepeated } from '../servers/plain-put.ts';
import { startS3 } from '../servers/s3-engine.ts';
import type { BenchServer } from '../servers/server.ts';
import { settle } from '../settle.ts';
import { leastOf } from '../statistics.ts';

/** Concurrent pieces. */
const WIDTHS = [4, 8] as const;
/** Share of the rate that disk and processor allow. */
const TARGET = 0.8;
const HASH_MS = 500;
const DD = 'dd conv=fdatasync';
const FUSED = 'fused hash, all cores';

export const upload: Section = {
  name: 'upload',
  about:
    'A large upload in pieces, 4 and 8 pieces at a time: Moraine gets a multipart upload, up to the answer to ' +
    'Complete; the others get each piece as a file, an object or an archive of its own. `dd` and the fused hash (both ' +
    'hashes by the server’s own engine on all cores, without network or disk) are measured in the same rounds.',
  run,
};

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const bodies = await makeBodies(join(options.folder, 'bodies'), options.sizes.piece);
  const load = startLoad(options, bodies.file);
  const moraine = await startMoraine(options);
  const others = [
    await startNaive(options),
    ...((await startNginxTwice(options)) ?? []),
    await startS3(options),
    await startMoto(options),
  ].filter((server) => server !== undefined);
  const results = await contest(
    options,
    [
      ...(await limits(options, bodies)),
      ...WIDTHS.flatMap((width) =>
        [moraine, ...others].map((server) => uploading(options, { server, width, bodies, load })),
      ),
    ],
    () => settle(options),
  );
  return WIDTHS.flatMap((width) => rowsOf(results, width, moraine, others));
}

async function limits({ folder, sizes }: BenchOptions, bodies: Bodies): Promise<Contender[]> {
  const source = join(folder, 'source');
  await writeRepeated(bodies.file, source, sizes.pieces);
  return [
    { name: DD, measure: async () => ({ value: await ddRate(source, join(folder, 'copy')) }) },
    { name: FUSED, measure: async () => ({ value: await fusedHashRate(HASH_MS) }) },
  ];
}

interface Uploading {
  readonly server: BenchServer;
  readonly width: number;
  readonly bodies: Bodies;
  readonly load: LoadProcess;
}

function uploading({ sizes }: BenchOptions, { server, width, bodies, load }: Uploading): Contender {
  const { address, processes } = server;
  return {
    name: nameOf(server, width),
    async measure() {
      const { requests, finish } = await server.prepareLarge(
        Array.from({ length: sizes.pieces }, () => bodies.piece),
      );
      const job = { address, requests, connections: width, limitMs: Number.POSITIVE_INFINITY, verify: false };
      const run = await measureLoad(load, job, processes, finish);
      await server.removeLarge();
      return { value: megabytesPerSecond(run), run };
    },
  };
}

function nameOf(server: BenchServer, width: number): string {
  return `${server.name}, ${width} at a time`;
}

function rowsOf(
  results: Results,
  width: number,
  moraine: BenchServer,
  others: readonly BenchServer[],
): Row[] {
  const row = (server: BenchServer): Row => ({
    name: nameOf(server, width),
    unit: 'MB/s',
    better: 'higher',
    samples: results.values(nameOf(server, width)),
    ...costs(results.runs(nameOf(server, width)), 'GiB'),
    ...(server.note !== undefined && { note: `${server.name}: ${server.note}` }),
  });
  const possible = leastOf(results.values(DD), results.values(FUSED));
  return [
    ...heldAgainst(row(moraine), [
      {
        name: 'the lower of dd and the fused hash',
        samples: possible,
        target: { kind: 'ratio', value: TARGET },
      },
      { name: DD, samples: results.values(DD) },
      { name: FUSED, samples: results.values(FUSED) },
      ...others.map((server) => ({ name: server.name, samples: results.values(nameOf(server, width)) })),
    ]),
    ...others.map(row),
  ];
}
