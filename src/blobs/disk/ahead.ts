/**
 * Runs a task for each item, `atOnce` at a time, and yields the results in the order of the items. When the caller stops
 * early, the tasks under way end first.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item>,
  atOnce: number,
  task: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const run = task(item);
      // Awaited some turns later; until then a failure must not count as unhandled.
      run.catch(() => {});
      running.push(run);
      if (running.length >= atOnce) yield await (running.shift() as Promise<Result>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<Result>);
  } finally {
    await Promise.allSettled(running);
  }
}
