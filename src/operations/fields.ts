/** Where an operation's inputs come from, and how they are parsed. */

/** The parts of a request that fields read. */
export interface FieldSource {
  /** Value of a header by its lower-case name; undefined when it was not sent. */
  header(name: string): string | undefined;
  query(name: string): string | undefined;
  /** A member of the JSON body; undefined when absent or null, which the API treats alike. */
  member(name: string): unknown;
}

export interface Field<Value> {
  readonly location: 'header' | 'query' | 'member';
  readonly name: string;
  /** Missing required fields are reported before any value is parsed. */
  readonly required: boolean;
  /** Whether a request that has it without signing it is refused. Only headers can be unsigned. */
  readonly mustBeSigned?: boolean;
  /** @throws Refusal that names the value. */
  parse(source: FieldSource): Value;
}

type Parse<Raw, Value> = (raw: Raw) => Value;

/** An optional header: `parse` gets undefined when it is absent. */
export function header<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { location: 'header', name, required: false, parse: (source) => parse(source.header(name)) };
}

/** An optional header that the signature must cover. */
export function signedHeader<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { ...header(name, parse), mustBeSigned: true };
}

/** A required header: its absence is a 400 `Required parameter missing`. */
export function requiredHeader<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { ...header(name, parse), required: true };
}

/** An optional query parameter: `parse` gets undefined when it is absent. */
export function query<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { location: 'query', name, required: false, parse: (source) => parse(source.query(name)) };
}

/** A member of the JSON body. `parse` decides whether it may be absent. */
export function member<Value>(name: string, parse: Parse<unknown, Value>): Field<Value> {
  return { location: 'member', name, required: false, parse: (source) => parse(source.member(name)) };
}
