/** A condition key's value in a request: one value, several, or none. */
export type ContextValue = string | readonly string[] | undefined;

/**
 * The condition values of one request. A value is looked up only when a policy names its key, so that a tag or an
 * archive's age is not read for requests whose policies do not need it.
 */
export interface RequestContext {
  /** @param key in lower case: key names are case-insensitive (IAM guide, "Condition"). */
  get(key: string): ContextValue;
}

/** Key in any case → value. */
export type ContextValues = Readonly<Record<string, ContextValue>>;

/**
 * A context of known condition values, for tests and simulations.
 * @param conditionValues Two keys that differ in case only (two such tags on one vault) are one condition key, which then
 *   has both values.
 */
export function contextOf(conditionValues: ContextValues): RequestContext {
  return contextOnDemand(() => conditionValues);
}

/** The same for values that are computed when the first is needed, because few policies need any. */
export function contextOnDemand(gather: () => ContextValues): RequestContext {
  let known: ReadonlyMap<string, readonly string[]> | undefined;
  return {
    get(key) {
      known ??= valuesByKey(gather());
      return known.get(key);
    },
  };
}

function valuesByKey(conditionValues: ContextValues): ReadonlyMap<string, readonly string[]> {
  const known = new Map<string, readonly string[]>();
  for (const [key, value] of Object.entries(conditionValues)) {
    if (value === undefined) continue;
    const name = key.toLowerCase();
    known.set(name, [...(known.get(name) ?? []), ...(typeof value === 'string' ? [value] : value)]);
  }
  return known;
}

/** All values of a key; undefined when it is absent. A key with an empty set of values counts as absent. */
export function valuesOf(context: RequestContext, key: string): readonly string[] | undefined {
  const value = context.get(key);
  if (value === undefined) return undefined;
  const values = typeof value === 'string' ? [value] : value;
  return values.length === 0 ? undefined : values;
}
