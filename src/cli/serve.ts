import cluster from 'node:cluster';
import type { Command } from 'commander';
import { FolderInUse } from '../app/data-folder.ts';
import { type RunningServer, serve } from '../app/serve.ts';
import { runServingProcess } from '../app/serving-process.ts';
import { EXIT, readConfig, SETTINGS, SettingError } from '../config.ts';

/** Adds `serve` with a flag for every setting that is no secret. */
export function addServe(program: Command): void {
  const command = program.command('serve').description('run the server');
  for (const [name, setting] of Object.entries(SETTINGS)) {
    if ('secret' in setting) continue;
    const value = 'value' in setting ? ` <${setting.value}>` : '';
    command.option(`--${name}${value}`, `${setting.about} (default: ${defaultOf(setting)})`);
  }
  command.action(() => run(flagsOf(command)));
}

/** What is used when nothing is set, in words. */
export function defaultOf(setting: { readonly default?: unknown; readonly defaultText?: string }): string {
  return setting.defaultText ?? (setting.default === false ? 'off' : String(setting.default));
}

/** Back from commander's camel case to the settings' names. */
function flagsOf(command: Command): Record<string, unknown> {
  const given = Object.entries(command.opts());
  return Object.fromEntries(
    given.map(([key, value]) => [key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`), value]),
  );
}

async function run(flags: Record<string, unknown>): Promise<void> {
  try {
    const config = readConfig(flags);
    if (cluster.isWorker) return await runServingProcess(config);
    const server = await serve(config);
    stopOnSignal(server);
    greet(server);
  } catch (error) {
    process.stderr.write(`moraine: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof SettingError) return EXIT.wrongSettings;
  return error instanceof FolderInUse ? EXIT.folderInUse : EXIT.failed;
}

/** Everything that a person needs for the first archive, and last the line that scripts wait for. */
function greet({ url, root }: RunningServer): void {
  const aws = `aws --endpoint-url ${url} --region us-east-1 glacier`;
  const lines = [
    `endpoint:    ${url}`,
    `account id:  ${root.accountId}`,
    `access key:  ${root.accessKeyId}`,
    `secret:      in ${root.secretIsIn}`,
    '',
    'The first archive, with aws cli:',
    `  export AWS_SHARED_CREDENTIALS_FILE=${root.secretIsIn}`,
    `  ${aws} create-vault --account-id - --vault-name photos`,
    `  ${aws} upload-archive --account-id - --vault-name photos --body FILE`,
    `  ${aws} describe-vault --account-id - --vault-name photos`,
    '',
    `moraine: ready on ${url}`,
  ];
  const fromEnvironment = root.secretIsIn.startsWith('the environment');
  process.stdout.write(
    `${lines.filter((line) => !fromEnvironment || !line.includes('AWS_SHARED')).join('\n')}\n`,
  );
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
