/** Time between two checks of a condition. */
const PAUSE_MS = 15;

/** Long, because a busy machine is slow; only a condition that never holds takes this long. */
const LIMIT_MS = 120_000;

/** Waits until `check` returns neither undefined nor false; returns that value. @throws Error that names `what`. */
export async function eventually<Value>(
  what: string,
  check: () => Value | undefined | false | Promise<Value | undefined | false>,
  withinMs = LIMIT_MS,
): Promise<Value> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
