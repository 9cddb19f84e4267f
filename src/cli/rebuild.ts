/** `rebuild`: makes the catalog anew from the store. */
import type { Command } from 'commander';
import { withCommandAudit } from '../app/command-audit.ts';
import { withCommandDeps } from '../app/command-deps.ts';
import { type RebuildReport, rebuild } from '../app/rebuild.ts';
import { EXIT } from '../config/errors.ts';
import type { Config } from '../config/read.ts';
import { pluralize } from './pluralize.ts';
import { addSettingFlags, flagsOf, readCommandConfig, runOrExit } from './settings-flags.ts';

const KEYS_SHOWN = 20;

export function addRebuild(program: Command): void {
  const command = program
    .command('rebuild')
    .description('make a lost catalog anew from the store and master.key, while no server runs')
    .option('--replace', 'replace a catalog that exists; it is kept under another name')
    .option('--json', 'print JSON lines');
  addSettingFlags(command, ['data', 'config', 'catalog']);
  command.action(() => {
    const { replace, json, ...settings } = flagsOf(command);
    return runOrExit(() => run(readCommandConfig(settings), replace === true, json === true));
  });
}

async function run(config: Config, replace: boolean, json: boolean): Promise<void> {
  const report = await rebuild(config, {
    replace,
    onStep: (what) => void process.stderr.write(`moraine: ${what}\n`),
    onDamage: (what) => print(json ? JSON.stringify({ type: 'damage', what }) : `damaged: ${what}`),
  });
  if (report.hasMasterKey) await audit(config, report);
  for (const line of json ? [JSON.stringify({ type: 'rebuilt', ...report })] : linesOf(report)) print(line);
  if (report.damaged > 0) process.exitCode = EXIT.damaged;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Audits the rebuild once there is a catalog. Without the key, the audit log cannot be written. */
async function audit(config: Config, report: RebuildReport): Promise<void> {
  const { vaults, archives, openUploads, accounts, users, keys, damaged } = report;
  const parameters = { vaults, archives, openUploads, accounts, users, keys, damaged };
  await withCommandDeps(config, (deps) =>
    withCommandAudit(deps, 'command', (auditChange) =>
      auditChange({ eventName: 'RebuildCatalog', account: null, parameters }),
    ),
  );
}

/** The report in plain words. */
function linesOf(report: RebuildReport): string[] {
  const { accounts, users, keys, vaults, archives, openUploads, garbage, aside, damaged } = report;
  const restored = [
    pluralize(accounts, 'account'),
    pluralize(users, 'user'),
    pluralize(keys, 'access key'),
    pluralize(vaults, 'vault'),
    pluralize(archives, 'archive'),
    pluralize(openUploads, 'open upload'),
  ];
  const lines = [`restored: ${restored.join(', ')}`];
  if (garbage > 0)
    lines.push(`left: ${pluralize(garbage, 'blob')}, deleted or replaced; the next server removes them`);
  if (aside > 0)
    lines.push(
      `left: ${pluralize(aside, 'blob')} that the journal does not tell about, set aside (\`moraine store aside\`)`,
    );
  lines.push(...keyLines(report));
  if (report.replaced !== undefined) lines.push(`the old catalog is kept as ${report.replaced}`);
  lines.push(damaged === 0 ? 'damaged: nothing' : `damaged: ${pluralize(damaged, 'thing')}, named above`);
  if (report.journalDamaged)
    lines.push(
      'the journal is damaged, so something may be missing: the server removes nothing until `moraine catalog accept`',
    );
  return [...lines, `the catalog is in ${report.place}: start the server`];
}

function keyLines({ hasMasterKey, keysLeftOut }: RebuildReport): string[] {
  if (keysLeftOut.length === 0) return [];
  const why = hasMasterKey ? 'sealed under another master.key' : 'because there is no master.key';
  const more = keysLeftOut.length > KEYS_SHOWN ? ` and ${keysLeftOut.length - KEYS_SHOWN} more` : '';
  const ids = keysLeftOut.slice(0, KEYS_SHOWN).join(', ');
  return [`not restored: ${pluralize(keysLeftOut.length, 'access key')}, ${why}: ${ids}${more}`];
}
