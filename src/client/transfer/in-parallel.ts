/**
 * Runs `work` on each item, at most `limit` at a time. Takes an item only when its work can begin, so that a source
 * which makes items large has no more than `limit` of them in memory. After the first failure nothing new begins, the
 * signal for the others is aborted, and all have ended before this rejects.
 * @throws the first failure.
 */
export async function inParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const both = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    try {
      while (failures.length === 0) {
        both.throwIfAborted();
        const { done, value } = await iterator.next();
        if (done) return;
        await work(value, both);
      }
    } catch (error) {
      failures.push(error);
      failed.abort(error);
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length === 0) return;
  await iterator.return?.();
  throw failures[0];
}
