/** Runs the load generator in its own process, and sends it jobs. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadJob, LoadResult } from './load.ts';
import type { BenchOptions } from './section.ts';

const PROGRAM = fileURLToPath(new URL('load.ts', import.meta.url));

export interface LoadProcess {
  /** Runs a job; one at a time. @throws Error for the first request that failed. */
  run(job: LoadJob): Promise<LoadResult>;
}

type Answer = { readonly result: LoadResult } | { readonly error: string };

/** Starts the process. @param bodies the file with the bodies of requests. */
export function startLoad({ atEnd }: Pick<BenchOptions, 'atEnd'>, bodies: string): LoadProcess {
  const child = fork(PROGRAM, [bodies], { serialization: 'advanced' });
  atEnd(() => {
    child.kill();
  });
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error('the load generator ended'));
        child.once('exit', onExit);
        child.once('message', (answer: Answer) => {
          child.off('exit', onExit);
          if ('result' in answer) resolve(answer.result);
          else reject(new Error(answer.error));
        });
        child.send(job);
      }),
  };
}
