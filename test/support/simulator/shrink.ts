/** Shortens a sequence of events that fails. */

/**
 * Leaves out events, many at once and then one by one, as long as the rest still fails.
 * @param fails whether these events fail, in the same way or another. @param mostRuns how often it may be asked.
 */
export async function shrink<Event>(
  events: readonly Event[],
  fails: (events: readonly Event[]) => Promise<boolean>,
  mostRuns = 300,
): Promise<readonly Event[]> {
  let left = events;
  let runs = 0;
  for (let size = Math.ceil(left.length / 2); size >= 1; ) {
    let isShorter = false;
    for (let at = left.length - size; at > -size && runs < mostRuns; at -= size) {
      const rest = left.filter((_, i) => i < at || i >= at + size);
      runs++;
      if (rest.length === left.length || !(await fails(rest))) continue;
      left = rest;
      isShorter = true;
    }
    if (runs >= mostRuns || (size === 1 && !isShorter)) break;
    if (size > 1) size = Math.ceil(size / 2);
  }
  return left;
}
