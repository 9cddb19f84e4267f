import { Command } from 'commander';
import { packageVersion } from '../app/version.ts';
import { EXIT } from '../config/errors.ts';
import { addAccounts, addPolicies, addUsers } from './accounts.ts';
import { addAudit } from './audit.ts';
import { addKeys } from './keys.ts';
import { addCatalog, addLocks } from './locks.ts';
import { addNotifications } from './notifications.ts';
import { addServe } from './serve.ts';
import { addStore } from './store.ts';

/** Runs the command line. Wrong usage ends with exit code 2 and one line that says what was wrong. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  // What is made in the data folder is for its owner alone, whatever makes it (SQLite too).
  process.umask(0o077);
  const program = new Command('moraine')
    .version(packageVersion(), '--version', 'the version of this program')
    .description('A self-hosted archive server that speaks the Amazon Glacier REST API (2012-06-01).')
    .showSuggestionAfterError(false)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.wrongSettings));
  addServe(program);
  addNotifications(program);
  addAccounts(program);
  addUsers(program);
  addKeys(program);
  addPolicies(program);
  addLocks(program);
  addAudit(program);
  addCatalog(program);
  addStore(program);
  await program.parseAsync([...argv], { from: 'user' });
}
