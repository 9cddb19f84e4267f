import { join } from 'node:path';
import { makeBodies } from '../bodies.ts';
import { contest } from '../contest.ts';
import { startLoad } from '../load-process.ts';
import { ddRate, opensslRate } from '../machine-limits.ts';
import { costs, measureLoad, megabytesPerSecond } from '../measured.ts';
import type { BenchOptions, Row, Section } from '../section.ts';
import { startDiscard } from '../servers/discard.ts';
import { writeRepeated } from '../servers/plain-put.ts';
import { settle } from '../settle.ts';

const CONNECTIONS = 4;
const OPENSSL = 'SHA-256 of one core, openssl';
const DD = 'disk, dd conv=fdatasync';
const LOOPBACK = 'loopback';

export const limits: Section = {
  name: 'limits',
  about:
    'What the machine can do: SHA-256 of one core (`openssl speed -elapsed -evp sha256 -bytes 16384 -seconds 1`), the disk ' +
    '(`dd bs=1M conv=fdatasync` of a file of random bytes in the page cache), and the loopback (the load generator ' +
    `over ${CONNECTIONS} connections to a server that discards what it receives).`,
  run,
};

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const { folder, sizes } = options;
  const bodies = await makeBodies(join(folder, 'bodies'), sizes.piece);
  const source = join(folder, 'source');
  await writeRepeated(bodies.file, source, sizes.pieces);
  const load = startLoad(options, bodies.file);
  const discard = await startDiscard(options);
  const results = await contest(
    options,
    [
      { name: OPENSSL, measure: async () => ({ value: await opensslRate() }) },
      { name: DD, measure: async () => ({ value: await ddRate(source, join(folder, 'copy')) }) },
      {
        name: LOOPBACK,
        async measure() {
          const request = discard.request(bodies.piece);
          const requests = Array.from({ length: sizes.pieces }, () => request);
          const job = {
            requests,
            connections: CONNECTIONS,
            limitMs: Number.POSITIVE_INFINITY,
            verify: false,
          };
          const run = await measureLoad(load, { address: discard.address, ...job }, discard.processes);
          return { value: megabytesPerSecond(run), run };
        },
      },
    ],
    () => settle(options),
  );
  return [OPENSSL, DD, LOOPBACK].map((name) => ({
    name,
    unit: 'MB/s',
    better: 'higher',
    samples: results.values(name),
    ...costs(results.runs(name), 'GiB'),
  }));
}
