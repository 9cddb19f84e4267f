/** How often a condition is looked at. */
const PAUSE_MS = 15;

/** Only what never comes takes so long: the limit must hold on a machine that is busy with other things. */
const LIMIT_MS = 120_000;

/** Waits until `check` gives something other than undefined or false. @throws Error that says what never came. */
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
