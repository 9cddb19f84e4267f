import { mock } from 'node:test';
import pg from 'pg';
import type { Fault, PlanListener, PlannedStatement } from './plan.ts';

/** More rows than any page or batch that the calls request. */
const ROWS_ALLOWED = 500;
const EXPLAINED = /^\s*(with|select|insert|update|delete)\b/i;

/** A step of a plan with its actual counts, from `explain (analyze, format json)`. */
interface Step {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  /** Average number of rows of one loop. */
  readonly 'Actual Rows': number;
  /** Number of loops. */
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Step[];
}

/**
 * Runs every statement of any connection twice: first for its plan with actual counts, rolled back; then for its
 * result.
 */
export function listenToPostgres(): PlanListener {
  const query = pg.Client.prototype.query as (this: pg.Client, ...args: unknown[]) => Promise<unknown>;
  const transacting = new WeakSet<pg.Client>();
  let heard: PlannedStatement[] = [];
  const listener = mock.method(
    pg.Client.prototype,
    'query',
    async function (this: pg.Client, ...args: unknown[]) {
      const { text, values } = statementOf(args);
      const run = async (sql: string, parameters?: readonly unknown[]) =>
        (await query.call(this, sql, parameters)) as pg.QueryResult;
      if (EXPLAINED.test(text)) heard.push(await explain(run, transacting.has(this), text, values));
      if (/^(begin|start transaction)/i.test(text)) transacting.add(this);
      if (/^(commit|rollback)\b/i.test(text)) transacting.delete(this);
      return query.apply(this, args);
    },
  );
  return {
    take() {
      const taken = heard;
      heard = [];
      return taken;
    },
    stop: () => listener.mock.restore(),
  };
}

/** Reads the arguments of `query(text, values)` or `query({ text, values })`. */
function statementOf([first, second]: readonly unknown[]): { text: string; values: readonly unknown[] } {
  if (typeof first === 'string') return { text: first, values: (second ?? []) as readonly unknown[] };
  const { text, values } = first as pg.QueryConfig;
  return { text, values: values ?? [] };
}

type Run = (sql: string, values?: readonly unknown[]) => Promise<pg.QueryResult>;

async function explain(
  run: Run,
  inTransaction: boolean,
  sql: string,
  values: readonly unknown[],
): Promise<PlannedStatement> {
  await run(inTransaction ? 'savepoint plan' : 'begin');
  try {
    const { rows } = await run(`explain (analyze, format json) ${sql}`, values);
    const { Plan } = rows[0]['QUERY PLAN'][0] as { Plan: Step };
    const steps = stepsOf(Plan);
    return {
      sql,
      plan: steps.map(describe).join('\n'),
      faults: steps.flatMap((step) => faultOf(step) ?? []),
    };
  } finally {
    await run(inTransaction ? 'rollback to savepoint plan' : 'rollback');
  }
}

function stepsOf(step: Step): Step[] {
  return [step, ...(step.Plans ?? []).flatMap(stepsOf)];
}

function describe(step: Step): string {
  return `${step['Node Type']} ${step['Relation Name'] ?? ''} (${rowsRead(step)} rows read)`;
}

function rowsRead(step: Step): number {
  const once =
    step['Actual Rows'] +
    (step['Rows Removed by Filter'] ?? 0) +
    (step['Rows Removed by Index Recheck'] ?? 0);
  return once * step['Actual Loops'];
}

/** A sequential scan that ends early is not a fault, because it only checks whether there is any row. */
function faultOf(step: Step): Fault | undefined {
  const table = step['Relation Name'];
  if (table === undefined || step['Node Type'] === 'ModifyTable') return undefined;
  return rowsRead(step) > ROWS_ALLOWED ? { table, what: describe(step) } : undefined;
}
