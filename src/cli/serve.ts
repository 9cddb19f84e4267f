import cluster from 'node:cluster';
import type { Command } from 'commander';
import { type RunningServer, serve } from '../app/serve.ts';
import { runServingProcess } from '../app/serving-process.ts';
import { EXIT, readConfig } from '../config.ts';
import { addSettings, flagsOf, orExit } from './settings-flags.ts';

/** Adds `serve`, with a flag for every setting. */
export function addServe(program: Command): void {
  const command = addSettings(program.command('serve').description('run the server'));
  command.action(() => orExit(() => run(flagsOf(command))));
}

async function run(flags: Record<string, unknown>): Promise<void> {
  const config = readConfig(flags);
  if (cluster.isWorker) return runServingProcess(config);
  const server = await serve(config);
  stopOnSignal(server);
  greet(server);
}

/** Everything that a person needs for the first archive, and last the line that scripts wait for. */
function greet({ url, root }: RunningServer): void {
  const aws = `aws --endpoint-url ${url} --region us-east-1 glacier`;
  const lines = [
    `endpoint:    ${url}`,
    `account id:  ${root.accountId}`,
    `access key:  ${root.accessKeyId}`,
    `secret:      ${root.whereSecretIs}`,
    '',
    'The first archive, with aws cli:',
    ...(root.credentialsFile ? [`  export AWS_SHARED_CREDENTIALS_FILE=${root.credentialsFile}`] : []),
    `  ${aws} create-vault --account-id - --vault-name photos`,
    `  ${aws} upload-archive --account-id - --vault-name photos --body FILE`,
    `  ${aws} describe-vault --account-id - --vault-name photos`,
    '',
    `moraine: ready on ${url}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function stopOnSignal(server: RunningServer): void {
  let asked = false;
  const stop = async (): Promise<void> => {
    // Asked twice, a person does not want to wait.
    if (asked) process.exit(EXIT.failed);
    asked = true;
    await server.stop();
    process.exit(0);
  };
  process.on('SIGINT', () => void stop());
  process.on('SIGTERM', () => void stop());
}
