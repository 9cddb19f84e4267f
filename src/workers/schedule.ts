/** Something that runs again and again until it is stopped. */
export interface Scheduled {
  /** Resolves when a run under way has come to its end; there is none afterwards. */
  stop(): Promise<void>;
}

/**
 * Runs `task`, then again `pauseMs` after it ended, so that runs never overlap. A failure is told and the
 * next run comes all the same.
 * @param firstMs until the first run.
 */
export function repeat(
  pauseMs: number,
  task: () => Promise<void>,
  onError: (error: unknown) => void,
  firstMs = pauseMs,
): Scheduled {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  const run = (): void => {
    running = task()
      .catch(onError)
      .then(() => {
        if (!stopped) timer = setTimeout(run, pauseMs);
      });
  };
  timer = setTimeout(run, firstMs);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
