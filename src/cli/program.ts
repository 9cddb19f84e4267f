import { Command } from 'commander';
import { packageVersion } from '../app/version.ts';
import { EXIT } from '../config/errors.ts';
import { addAccounts, addPolicies, addUsers } from './accounts.ts';
import { addAudit } from './audit.ts';
import { addDamage } from './damage.ts';
import { addDoctor } from './doctor.ts';
import { addKeys } from './keys.ts';
import { addCatalog, addLocks } from './locks.ts';
import { addNotifications } from './notifications.ts';
import { addRebuild } from './rebuild.ts';
import { addScrub } from './scrub.ts';
import { addServe } from './serve.ts';
import { addStore } from './store.ts';

/** Runs a command line. Wrong usage prints one line that says what was wrong, and exits with 2. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  // Only the owner may use new files in the data folder, including those that SQLite creates.
  process.umask(0o077);
  const program = new Command('moraine')
    .version(packageVersion(), '--version', 'print the version')
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
  addRebuild(program);
  addScrub(program);
  addDamage(program);
  addDoctor(program);
  await program.parseAsync([...argv], { from: 'user' });
}
