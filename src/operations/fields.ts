/** Where an operation's inputs come from, and how their text becomes a value. */

/** The request as fields see it. */
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
  /** Missing ones are named before any value is looked at. */
  readonly required: boolean;
  /** @throws ApiError that names the value. */
  parse(source: FieldSource): Value;
}

type Parse<Raw, Value> = (raw: Raw) => Value;

/** A header that may be absent: `parse` gets undefined then. */
export function header<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { location: 'header', name, required: false, parse: (source) => parse(source.header(name)) };
}

/** A header whose absence is a 400 `Required parameter missing`. */
export function requiredHeader<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { ...header(name, parse), required: true };
}

/** A query parameter. */
export function query<Value>(name: string, parse: Parse<string | undefined, Value>): Field<Value> {
  return { location: 'query', name, required: false, parse: (source) => parse(source.query(name)) };
}

/** A member of the JSON body, whose absence `parse` judges. */
export function member<Value>(name: string, parse: Parse<unknown, Value>): Field<Value> {
  return { location: 'member', name, required: false, parse: (source) => parse(source.member(name)) };
}
