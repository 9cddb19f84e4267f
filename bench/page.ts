/** Writes figures into docs/benchmarks.md, whose text is written by hand. A pair of markers encloses each section's figures. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram } from './programs.ts';
import { markdownReport, type SectionReport } from './report.ts';

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const BIOME = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'));

export class Page {
  readonly #facts: readonly (readonly [string, string])[];

  /** @param facts about the machine. Each section has its own, because it may have run elsewhere. */
  constructor(facts: readonly (readonly [string, string])[]) {
    this.#facts = facts;
  }

  /** Replaces the figures of one section, and formats them like all pages. */
  async write(report: SectionReport): Promise<void> {
    const facts = this.#facts.map(([name, value]) => `${name}: ${value}`).join('; ');
    const [begin, end] = [`<!-- begin ${report.section.name} -->`, `<!-- end ${report.section.name} -->`];
    const text = readFileSync(PAGE, 'utf8');
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from)
      throw new Error(`${PAGE} has no markers for the section ${report.section.name}`);
    const block = `${begin}\n\n${markdownReport(report)}\n\n${facts}.\n\n`;
    writeFileSync(PAGE, text.slice(0, from) + block + text.slice(to));
    await runProgram(process.execPath, [BIOME, 'format', '--write', PAGE]);
  }
}
