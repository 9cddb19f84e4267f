/** A server whose processes form a process group, which scripts watch and kill. */
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { eventually } from './poll.ts';
import { MAIN } from './program.ts';
import { readSecret, type TestServer } from './server.ts';

/** `kill` sends SIGKILL to all processes at once, and resolves when none is left. */
export interface ServerGroup extends TestServer {
  /** Time from the start until the server was ready. */
  readonly readyMs: number;
  /** Ids of the server's living processes (Linux). */
  processes(): Promise<readonly number[]>;
}

/** Running groups, which an interrupted script must end, because terminal signals do not reach them. */
const living = new Set<number>();
process.on('exit', () => {
  for (const group of living) process.kill(-group, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

/**
 * Starts `moraine serve` on a data folder and waits until it is ready. @throws Error when it ends instead.
 * @param descriptors how many each process may have open; by default as many as this process.
 */
export async function startGroup(
  data: string,
  flags: readonly string[] = [],
  descriptors?: number,
): Promise<ServerGroup> {
  const began = performance.now();
  const args = [MAIN, 'serve', '--data', data, '--listen', '127.0.0.1:0', '--log-level', 'warn', ...flags];
  const limited = descriptors === undefined ? [] : ['-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh'];
  const [program = '', ...rest] = [
    ...(limited.length > 0 ? ['sh'] : []),
    ...limited,
    process.execPath,
    ...args,
  ];
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const group = child.pid ?? 0;
  living.add(group);
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      living.delete(group);
      resolve(code);
    });
  });
  const readyMs = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', () => {
      if (output.includes('moraine: ready on ')) resolve(performance.now() - began);
    });
    void exited.then((code) => reject(new Error(`the server ended with exit code ${code}: ${errors}`)));
  });
  const line = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(output)?.[1] ?? '';
  return {
    url: /ready on (\S+)/.exec(output)?.[1] ?? '',
    data,
    process: child,
    readyMs,
    accountId: line('account id'),
    accessKeyId: line('access key'),
    secretAccessKey: await readSecret(output),
    output,
    errors: () => errors,
    processes: () => livingIn(group),
    async kill() {
      if ((await livingIn(group)).length > 0) process.kill(-group, 'SIGKILL');
      await exited;
      await eventually(
        'every process of the server is gone',
        async () => (await livingIn(group)).length === 0,
      );
    },
    async stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

/** The living processes of the group. A zombie counts as dead, because only its exit code is left. */
async function livingIn(group: number): Promise<number[]> {
  const living: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    // The name in parentheses may contain anything; state, parent and group follow it.
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(itsGroup) === group && state !== 'Z' && state !== 'X') living.push(Number(pid));
  }
  return living;
}
