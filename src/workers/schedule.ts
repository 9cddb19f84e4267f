/** A task that repeats until it is stopped. */
export interface Scheduled {
  /** Resolves when the run under way has ended; no other follows. */
  stop(): Promise<void>;
}

/**
 * Runs `task`, and again `pauseMs` after each run's end, so that runs never overlap. A failed run is reported to `onError`
 * and does not stop the next.
 * @param firstMs time until the first run.
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
