/** docs/benchmarks.md: its text is written by hand, its figures between markers, one pair for each section. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram } from './programs.ts';
import { markdownReport, type SectionReport } from './report.ts';

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const BIOME = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'));

export class Page {
  readonly #facts: readonly (readonly [string, string])[];

  /** @param facts about the machine: each section has them of its own, as it may have been run elsewhere. */
  constructor(facts: readonly (readonly [string, string])[]) {
    this.#facts = facts;
  }

  /** Puts the section in the place of its older figures, formatted as all pages; of others nothing changes. */
  async write(report: SectionReport): Promise<void> {
    const facts = this.#facts.map(([name, value]) => `${name}: ${value}`).join('; ');
    const [begin, end] = [`<!-- begin ${report.section.name} -->`, `<!-- end ${report.section.name} -->`];
    const text = readFileSync(PAGE, 'utf8');
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`there are no markers of ${report.section.name} in ${PAGE}`);
    const block = `${begin}\n\n${markdownReport(report)}\n\n${facts}.\n\n`;
    writeFileSync(PAGE, text.slice(0, from) + block + text.slice(to));
    await runProgram(process.execPath, [BIOME, 'format', '--write', PAGE]);
  }
}
