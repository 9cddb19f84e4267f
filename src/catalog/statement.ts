/**
 * Statements of the hot paths. Kysely builds and compiles each once a database; later runs only replace the values.
 * Building a query costs several times as much as running it.
 */
import type { Compilable, CompiledQuery, Kysely, RawBuilder } from 'kysely';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import type { Source } from './transaction.ts';

/** A statement that takes `Args` and returns rows. */
export interface Statement<Args, Row> {
  all(source: Source, args: Args): Promise<Row[]>;
  first(source: Source, args: Args): Promise<Row | undefined>;
}

/** Placeholder in a query for a value that is known when it runs. */
class Hole {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

interface Compiled {
  readonly query: CompiledQuery;
  /** For each parameter: the name of an argument, or undefined if the query itself has the value. */
  readonly names: readonly (string | undefined)[];
}

/**
 * @param build builds the query, once a database. The query's form may depend on `engine` but not on `args`: `build` may
 * only put members of `args` into the query as values.
 */
export function statement<Args extends object, Row>(
  build: (db: Kysely<Schema>, args: Args, engine: Engine) => Compilable<Row>,
): Statement<Args, Row> {
  const compiled: { [Name in Engine['name']]?: Compiled } = {};
  const all = async (source: Source, args: Args): Promise<Row[]> => {
    const { engine, db } = source;
    compiled[engine.name] ??= compile(build(db, holes<Args>(), engine));
    const { query, names } = compiled[engine.name] as Compiled;
    const values = args as Record<string, unknown>;
    const parameters = names.map((name, i) => (name === undefined ? query.parameters[i] : values[name]));
    return (await source.execute({ ...query, parameters })).rows as Row[];
  };
  return { all, first: async (source, args) => (await all(source, args))[0] };
}

/** The same for a statement in SQL. @param build builds it from the arguments, of which it may use the members as values. */
export function sqlStatement<Args extends object, Row>(
  build: (args: Args, engine: Engine) => RawBuilder<unknown>,
): Statement<Args, Row> {
  return statement<Args, Row>((db, args, engine) => {
    const built = build(args, engine);
    return { compile: () => built.compile(db) as CompiledQuery<Row> };
  });
}

function holes<Args extends object>(): Args {
  return new Proxy({}, { get: (_, name) => new Hole(String(name)) }) as Args;
}

function compile(built: Compilable): Compiled {
  const query = built.compile();
  return { query, names: query.parameters.map((value) => (value instanceof Hole ? value.name : undefined)) };
}
