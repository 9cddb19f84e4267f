/** One run of the load generator against one server: rates, latencies, and what it cost both. */
import type { LoadJob, LoadResult } from './load.ts';
import type { LoadProcess } from './load-process.ts';
import { processorSeconds } from './processor-time.ts';
import type { Reference, Row } from './section.ts';

export interface Measured extends LoadResult {
  /** Processor time of all processes of the server; undefined where they are not known. */
  readonly serverSeconds: number | undefined;
}

const GIB = 2 ** 30;

/** @param finish what is still to be done after the last answer; its time counts. */
export async function measureLoad(
  load: LoadProcess,
  job: LoadJob,
  processes: readonly number[],
  finish: () => Promise<void> = async () => {},
): Promise<Measured> {
  const before = processorSeconds(processes);
  const result = await load.run(job);
  const finishing = performance.now();
  await finish();
  const ms = result.ms + performance.now() - finishing;
  const serverSeconds = processes.length === 0 ? undefined : processorSeconds(processes) - before;
  return { ...result, ms, serverSeconds };
}

/** MB/s: a million bytes, sent and received. */
export function megabytesPerSecond({ sentBytes, receivedBytes, ms }: LoadResult): number {
  return (sentBytes + receivedBytes) / 1000 / ms;
}

export function requestsPerSecond({ answers, ms }: LoadResult): number {
  return (answers / ms) * 1000;
}

/** The columns of a row that tell what the runs cost. */
export function costs(runs: readonly Measured[], per: 'request' | 'GiB'): Pick<Row, 'serverCpu' | 'loadCpu'> {
  const units = ({ answers, sentBytes, receivedBytes }: Measured) =>
    per === 'request' ? answers : (sentBytes + receivedBytes) / GIB;
  const known = runs.flatMap((run) =>
    run.serverSeconds === undefined ? [] : [run.serverSeconds / units(run)],
  );
  return {
    ...(known.length > 0 && { serverCpu: { per, samples: known } }),
    ...(runs.length > 0 && { loadCpu: runs.map((run) => (run.cpuSeconds / run.ms) * 1000) }),
  };
}

/** The same figure once for each thing that it is held against; only the first tells what it cost. */
export function heldAgainst(row: Row, references: readonly (Reference & Pick<Row, 'target'>)[]): Row[] {
  if (references.length === 0) return [row];
  return references.map(({ name, samples, target }, i) => {
    const { name: figure, unit, better, samples: own } = row;
    const held = { reference: { name, samples }, ...(target && { target }) };
    return i === 0 ? { ...row, ...held } : { name: figure, unit, better, samples: own, ...held };
  });
}
