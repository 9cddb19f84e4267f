/** Formats figures as a table: text for a terminal, Markdown for docs/benchmarks.md. */
import type { Row, Section } from './section.ts';
import { ratiosOf, type Spread, spreadOf } from './statistics.ts';

export interface SectionReport {
  readonly section: Section;
  /** The command that runs only this section with the same sizes. */
  readonly command: string;
  readonly rows: readonly Row[];
}

const HEADINGS = ['figure', 'value', 'held against', 'ratio', 'wanted', 'server CPU', 'load CPU'] as const;
/** Columns of text; all others are numbers, aligned to the right. */
const TEXT_COLUMNS = [0, 2];

export function textReport({ section, command, rows }: SectionReport): string {
  const cells = [[...HEADINGS], ...cellsOf(rows)];
  const widths = HEADINGS.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i] ?? 0, i))
      .join('  ')
      .trimEnd(),
  );
  return [`== ${section.name}: ${command}`, ...lines, ...notesOf(rows), ''].join('\n');
}

function pad(cell: string, width: number, column: number): string {
  return TEXT_COLUMNS.includes(column) ? cell.padEnd(width) : cell.padStart(width);
}

export function markdownReport({ section, command, rows }: SectionReport): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = HEADINGS.map((_, i) => (TEXT_COLUMNS.includes(i) ? '---' : '--:'));
  const notes = notesOf(rows).map((note) => `- ${note}.`);
  return [
    `### ${section.name}`,
    section.about,
    `\`${command}\``,
    [line(HEADINGS), line(rule), ...cellsOf(rows).map(line)].join('\n'),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
  ].join('\n\n');
}

/** Writes a figure with several references only once. */
function cellsOf(rows: readonly Row[]): string[][] {
  return rows.map((row, i) => {
    const before = rows[i - 1];
    const repeated = before?.name === row.name && before.unit === row.unit;
    return repeated
      ? ['', '', ...comparison(row), '', '']
      : [row.name, figure(row), ...comparison(row), ...costsOf(row)];
  });
}

function figure({ samples, unit }: Row): string {
  return `${showSpread(spreadOf(samples), showNumber)} ${unit}`;
}

/** The cells for the reference, the ratio and the target. */
function comparison({ samples, reference, target, better, unit }: Row): string[] {
  const sign = better === 'higher' ? '≥' : '≤';
  const unitOf = target?.kind === 'absolute' ? ` ${unit}` : '';
  const wanted = target ? `${sign} ${showNumber(target.value)}${unitOf}` : '';
  if (!reference) return ['', '', wanted];
  const ratio = spreadOf(ratiosOf(samples, reference.samples));
  return [reference.name, showSpread(ratio, (value) => value.toFixed(2)), wanted];
}

function costsOf({ serverCpu, loadCpu }: Row): string[] {
  const server = serverCpu
    ? serverCpu.per === 'GiB'
      ? `${spreadOf(serverCpu.samples).median.toFixed(2)} s/GiB`
      : `${(spreadOf(serverCpu.samples).median * 1e6).toFixed(0)} µs/request`
    : '';
  return [server, loadCpu ? `${(spreadOf(loadCpu).median * 100).toFixed(0)} %` : ''];
}

function showSpread({ median, least, greatest }: Spread, show: (value: number) => string): string {
  return `${show(median)} (${show(least)}..${show(greatest)})`;
}

/** Rounds to three significant digits. */
function showNumber(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

/** All notes, each once, because several rows may have the same. */
function notesOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(({ note }) => note ?? []))];
}
