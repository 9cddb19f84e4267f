/** One run of the load generator against one server: rates, latencies, and the processor time of both. */
import type { LoadJob, LoadResult } from './load.ts';
import type { LoadProcess } from './load-process.ts';
import { processorSeconds } from './processor-time.ts';
import type { Reference, Row } from './section.ts';

export interface Measured extends LoadResult {
  /** Processor time of all processes of the server; undefined if they are unknown. */
  readonly serverSeconds: number | undefined;
}

const GIB = 2 ** 30;

/** Runs a job. @param finish called after the last response; its time counts. */
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

/** Bytes sent and received per second, in MB/s (a million bytes). */
export function megabytesPerSecond({ sentBytes, receivedBytes, ms }: LoadResult): number {
  return (sentBytes + receivedBytes) / 1000 / ms;
}

export function requestsPerSecond({ answers, ms }: LoadResult): number {
  return (answers / ms) * 1000;
}

/** The columns of a row for the processor time of the runs. */
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

/** One row for each reference of a figure. Only the first has the processor time. */
export function heldAgainst(row: Row, references: readonly (Reference & Pick<Row, 'target'>)[]): Row[] {
  if (references.length === 0) return [row];
  return references.map(({ name, samples, target }, i) => {
    const { name: figure, unit, better, samples: own } = row;
    const held = { reference: { name, samples }, ...(target && { target }) };
    return i === 0 ? { ...row, ...held } : { name: figure, unit, better, samples: own, ...held };
  });
}
