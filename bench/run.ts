/**
 * `npm run bench -- [SECTION...]`: measures Moraine and other servers in the same run, and prints the figures. Asserts
 * nothing: the exit code is 0 if everything could be measured.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSystemOf, machineFacts } from './machine.ts';
import { type CommandLine, commandOf, readCommandLine, USAGE } from './options.ts';
import { Page } from './page.ts';
import { textReport } from './report.ts';
import type { Row, Section } from './section.ts';
import { download } from './sections/download.ts';
import { hash } from './sections/hash.ts';
import { idle } from './sections/idle.ts';
import { largeVaultSection } from './sections/large-vault.ts';
import { limits } from './sections/limits.ts';
import { scrub } from './sections/scrub.ts';
import { small } from './sections/small.ts';
import { upload } from './sections/upload.ts';
import { Undo } from './undo.ts';

let command: CommandLine;
try {
  command = readCommandLine(process.argv.slice(2));
} catch (error) {
  console.error(`${messageOf(error)}\n\n${USAGE}`);
  process.exit(2);
}
if (command.help) console.log(USAGE);
else await main(command);

async function main(line: CommandLine): Promise<void> {
  const undo = new Undo();
  const folder = await mkdtemp(join(line.folder ?? tmpdir(), 'moraine-bench-'));
  undo.add(() => rm(folder, { recursive: true, maxRetries: 5 }));
  const stopped = undoOnSignals(undo);
  try {
    await runSections(line, folder, undo);
  } catch (error) {
    process.exitCode = 1;
    if (!stopped()) console.error(messageOf(error));
  } finally {
    await undo.run();
  }
}

/** Stops on a signal. @returns a function that tells whether one came: failures then follow from ended servers. */
function undoOnSignals(undo: Undo): () => boolean {
  let stopped = false;
  const stop = (code: number) => async () => {
    stopped = true;
    await undo.run();
    process.exit(code);
  };
  process.on('SIGINT', stop(130)).on('SIGTERM', stop(143));
  return () => stopped;
}

async function runSections(line: CommandLine, folder: string, undo: Undo): Promise<void> {
  const sections = chosen(line);
  const facts = machineFacts(folder);
  if (fileSystemOf(folder) === 'tmpfs')
    throw new Error(`--folder must be on a disk, but ${folder} is in memory`);
  console.log(`${facts.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`);
  const page = line.write ? new Page(facts) : undefined;
  for (const section of sections) {
    const report = {
      section,
      command: commandOf(section, line),
      rows: await run(section, line, folder, undo),
    };
    console.log(textReport(report));
    await page?.write(report);
  }
}

/** The sections to run, in the order of the report. @throws Error for an unknown name. */
function chosen({ sections: names, archives }: CommandLine): readonly Section[] {
  const all = [limits, hash, upload, small, download, scrub, largeVaultSection(archives), idle];
  const unknown = names.find((name) => !all.some((section) => section.name === name));
  if (unknown !== undefined) throw new Error(`there is no section named ${unknown}`);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

async function run(
  section: Section,
  line: CommandLine,
  parent: string,
  outer: Undo,
): Promise<readonly Row[]> {
  const folder = join(parent, section.name);
  const undo = new Undo();
  outer.add(() => undo.run());
  undo.add(() => rm(folder, { recursive: true, maxRetries: 5 }));
  await mkdir(folder);
  const { rounds, quick, sizes } = line;
  const progress = (text: string) => console.error(`${section.name}: ${text}`);
  try {
    return await section.run({ rounds, quick, sizes, folder, progress, atEnd: (step) => undo.add(step) });
  } finally {
    await undo.run();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
