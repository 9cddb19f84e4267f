import type { Command } from 'commander';
import { AUDIT_NOTES } from '../app/audit.ts';
import type { CommandWorld } from '../app/command-world.ts';
import { ChainKey } from '../audit/chain.ts';
import { auditRecords, verifyAudit } from '../audit/verify.ts';
import { addAction } from './action.ts';

/** Adds `audit verify` and `audit export`. */
export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('the log of API requests that changed something or were denied');
  addAction(
    audit.command('verify'),
    'find edits, removals and cut tails; exit code 1 if there are any',
    [],
    verify,
  );
  addAction(audit.command('export'), 'every record as a JSON line', [], exportAll);
}

async function verify({ folder, blobs, masterKey }: CommandWorld): Promise<unknown[]> {
  const begun = (await blobs.noteNames(AUDIT_NOTES)).map((name) => name.slice(AUDIT_NOTES.length));
  const faults = await verifyAudit(folder.audit, new ChainKey(masterKey), begun);
  if (faults.length > 0) process.exitCode = 1;
  const lines = faults.map(({ file, line, fault }) => `${file}${line > 0 ? `:${line}` : ''}: ${fault}`);
  return faults.length > 0 ? lines : [`${begun.length} chains, nothing changed`];
}

async function exportAll({ folder }: CommandWorld): Promise<unknown[]> {
  for await (const record of auditRecords(folder.audit)) process.stdout.write(`${JSON.stringify(record)}\n`);
  return [];
}
