import cluster from 'node:cluster';
import type { Command } from 'commander';
import { ParentWatch } from '../app/parent-watch.ts';
import { type RunningServer, serve } from '../app/serve.ts';
import { runServingProcess } from '../app/serving-process.ts';
import { systemClocks } from '../app/system.ts';
import { EXIT } from '../config/errors.ts';
import { readConfig } from '../config/read.ts';
import { addSettingFlags, flagsOf, runOrExit } from './settings-flags.ts';

/** Adds `serve`, with a flag for every setting. */
export function addServe(program: Command): void {
  const command = addSettingFlags(program.command('serve').description('run the server'));
  command.action(() => runOrExit(() => run(flagsOf(command))));
}

async function run(flags: Record<string, unknown>): Promise<void> {
  if (cluster.isWorker) return runServingProcess();
  const parent = new ParentWatch();
  const config = readConfig(flags);
  const server = await serve(config);
  const stop = stopOnSignal(server);
  if (config.startedByNpm) parent.schedule(() => stop('npm, which started this server, ended'));
  process.on('SIGHUP', () => server.hangUp());
  greet(server);
}

/** Prints what a person needs for a first archive, and then the line that scripts wait for. */
function greet({ url, root }: RunningServer): void {
  const aws = `aws --endpoint-url ${url} --region us-east-1 glacier`;
  const lines = [
    `endpoint:    ${url}`,
    `account id:  ${root.accountId}`,
    `access key:  ${root.accessKeyId}`,
    `secret:      ${root.whereSecretIs}`,
    '',
    'Your first archive, with the AWS CLI:',
    ...(root.credentialsFile
      ? [`  export AWS_SHARED_CREDENTIALS_FILE=${inShell(root.credentialsFile)}`]
      : []),
    `  ${aws} create-vault --account-id - --vault-name photos`,
    `  ${aws} upload-archive --account-id - --vault-name photos --body FILE`,
    `  ${aws} describe-vault --account-id - --vault-name photos`,
    '',
    `moraine: ready on ${url}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Quotes a path for a shell if it has special characters. */
function inShell(path: string): string {
  return /^[\w./+@%-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/**
 * One Ctrl-C sends the server up to three signals: from the terminal, from npm, and from the program between them.
 * Signals this close together count as one.
 */
const ONE_REQUEST_MS = 1000;

/** Stops the server on a signal. @returns a function that stops it for another reason. */
function stopOnSignal(server: RunningServer): (why: string) => void {
  let requestedMs: number | undefined;
  const stop = async (why: string): Promise<void> => {
    const { steadyMs } = systemClocks();
    // A second request means: do not wait.
    if (requestedMs !== undefined && steadyMs - requestedMs > ONE_REQUEST_MS) process.exit(EXIT.failed);
    if (requestedMs !== undefined) return;
    requestedMs = steadyMs;
    await server.stop(why);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
  return (why) => void stop(why);
}
