import { DatabaseSync } from 'node:sqlite';
import { mock } from 'node:test';
import type { Fault, PlanListener, PlannedStatement } from './plan.ts';

/**
 * Explains every statement that any connection prepares. A connection prepares a statement once, so one that two
 * methods share is reported for the first.
 */
export function listenToSqlite(): PlanListener {
  const { prepare } = DatabaseSync.prototype;
  let heard: PlannedStatement[] = [];
  const listener = mock.method(
    DatabaseSync.prototype,
    'prepare',
    function (this: DatabaseSync, sql: string, options?: Parameters<typeof prepare>[1]) {
      const steps = prepare.call(this, `explain query plan ${sql}`).all() as unknown as Step[];
      const plan = steps.map(({ detail }) => detail).join('\n');
      heard.push({ sql, plan, faults: steps.flatMap((step) => faultOf(step, sql) ?? []) });
      return prepare.call(this, sql, options);
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

/** A row of `explain query plan`. */
interface Step {
  /** 0 for the statement's own steps; a subquery's steps have another step as parent. */
  readonly parent: number;
  readonly detail: string;
}

/** Columns in which many rows may have the same value. */
const SHARED = new Set(['account', 'region', 'vault_no', 'state', 'kind']);
/** Tables with one row. */
const SINGLE = new Set(['store_link', 'commit_number']);
/** Tables with few rows for each value: per vault at most 50 tags and one row per shard, per owner one policy. */
const FEW = new Set(['tags', 'vault_counts', 'retrieval_policies']);

/**
 * A step is a fault if it reads a whole table or index (`SCAN`), reads all rows of, say, one vault (`SEARCH` by no
 * narrower key), or sorts what it has read. The first two are allowed if a limit ends them.
 */
function faultOf({ detail, parent }: Step, sql: string): Fault | undefined {
  if (detail.startsWith('USE TEMP B-TREE')) return { table: 'sorted', what: detail };
  const limited = parent === 0 && / limit /i.test(sql);
  const scanned = /^SCAN (?!CONSTANT ROW|\d+-ROW VALUES)(\S+)/.exec(detail)?.[1];
  if (scanned !== undefined && !(limited && !/ where | having /i.test(sql))) {
    const table = tableOf(scanned, sql);
    return SINGLE.has(table) ? undefined : { table, what: detail };
  }
  const [, searched = '', terms = ''] = /^SEARCH (\S+) USING .*INDEX \S+ \((.*)\)/.exec(detail) ?? [];
  if (searched === '' || limited || !terms.split(' AND ').every(isShared)) return undefined;
  const table = tableOf(searched, sql);
  return FEW.has(table) ? undefined : { table, what: detail };
}

/** Whether a search term, such as `vault_no=?`, may match many rows. */
function isShared(term: string): boolean {
  return SHARED.has(/^(\w+)=\?$/.exec(term)?.[1] ?? '');
}

/** The table of a name, which may be an alias. */
function tableOf(name: string, sql: string): string {
  return new RegExp(`(?:from|join) "?(\\w+)"? (?:as )?"?${name}"?(?!\\w)`, 'i').exec(sql)?.[1] ?? name;
}
