/** `doctor`: examines a data folder, or a store and a catalog, and says what to do about what it finds. */
import type { Command } from 'commander';
import { examineFolder, type Finding } from '../app/doctor/index.ts';
import { EXIT } from '../config/errors.ts';
import { pluralize } from './pluralize.ts';
import { addSettingFlags, flagsOf, readCommandConfig, runOrExit } from './settings-flags.ts';

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'examine a data folder, whether or not a server runs on it, with the settings of the server; exit code 1 if ' +
        'anything is found',
    )
    .option('--full', 'compare all blobs with the catalog, not a sample')
    .option('--json', 'print JSON, one object a line');
  addSettingFlags(command);
  command.action(() => {
    const { full, json, ...settings } = flagsOf(command);
    return runOrExit(() => run(settings, full === true, json === true));
  });
}

async function run(settings: Record<string, unknown>, isFull: boolean, isJson: boolean): Promise<void> {
  // The check of the certificate reports a pair that cannot be used.
  const config = readCommandConfig(settings, (cert, key) => ({ cert: '', key: '', files: { cert, key } }));
  const counts = { ok: 0, warning: 0, fault: 0 };
  await examineFolder(config, isFull, (check, finding) => {
    counts[finding.severity]++;
    for (const line of isJson ? [toJson(check, finding)] : toLines(check, finding))
      process.stdout.write(`${line}\n`);
  });
  const isHealthy = counts.warning + counts.fault === 0;
  if (!isHealthy) process.exitCode = EXIT.failed;
  if (isJson) return;
  const found = `${pluralize(counts.fault, 'fault')}, ${pluralize(counts.warning, 'warning')}`;
  process.stdout.write(
    `${isHealthy ? 'nothing is wrong' : `found: ${found}; docs/doctor.md explains each`}\n`,
  );
}

function toJson(check: string, finding: Finding): string {
  return JSON.stringify({ type: 'finding', check, ...finding });
}

function toLines(check: string, { severity, code, found, means, advice }: Finding): readonly string[] {
  if (severity === 'ok') return [`ok       ${check}: ${found}`];
  return [
    `${severity.padEnd(8)} ${check}: ${found} (${code})`,
    `         what it means: ${means}`,
    `         do: ${advice}`,
  ];
}
