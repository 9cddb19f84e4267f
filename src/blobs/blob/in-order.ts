/**
 * Runs a task for each item, `atOnce` at a time, and yields the results in the order of the items. When the caller stops
 * early, or a task fails, the tasks under way end first.
 * @param drop called with each result that was not yielded.
 */
export async function* inOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  atOnce: number,
  task: (item: Item) => Promise<Result>,
  drop: (result: Result) => Promise<void> = async () => {},
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
    for (const settled of await Promise.allSettled(running))
      if (settled.status === 'fulfilled') await drop(settled.value);
  }
}
