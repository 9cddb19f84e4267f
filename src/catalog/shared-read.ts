/**
 * Shares one read among all calls with equal arguments of one turn of the event loop. Under load many requests for one
 * vault arrive in a turn, and each would take SQLite's read lock and the same row. The read begins after every call that
 * it answers, so each call sees what was committed before it.
 * @param keyOf equal texts stand for equal arguments.
 */
export function sharedRead<Args, Result>(
  read: (args: Args) => Promise<Result>,
  keyOf: (args: Args) => string,
): (args: Args) => Promise<Result> {
  const waiting = new Map<string, Promise<Result>>();
  return (args) => {
    const key = keyOf(args);
    const shared = waiting.get(key);
    if (shared) return shared;
    const result = afterThisTurn().then(() => {
      waiting.delete(key);
      return read(args);
    });
    waiting.set(key, result);
    return result;
  };
}

function afterThisTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
