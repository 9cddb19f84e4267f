/** A PostgreSQL server for one test, which can be stopped, frozen and started again. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const ENGINES = fileURLToPath(new URL('../../scripts/engines/', import.meta.url));

export interface PostgresServer {
  readonly url: string;
  /** Makes a database. @returns its URL. */
  createDatabase(name: string): Promise<string>;
  stop(): void;
  start(): void;
  /** Freezes its processes until `goOn`; connections to it stay. */
  standStill(): void;
  goOn(): void;
  remove(): void;
}

/** Starts a PostgreSQL server. */
export function startPostgres(): PostgresServer {
  const folder = mkdtempSync(join(tmpdir(), 'moraine-test-postgres-'));
  const run = (engine: string) => execFileSync(`${ENGINES}${engine}`, [folder], { encoding: 'utf8' }).trim();
  const url = run('postgres-up');
  const port = new URL(url).port;
  // The same port after a restart, because the server under test keeps using it.
  const start = () => {
    const control = ['-D', join(folder, 'data'), '-l', join(folder, 'data', 'server.log'), '-w', '-o'];
    const options = `-c listen_addresses=127.0.0.1 -c port=${port} -c unix_socket_directories= -c max_connections=200`;
    execFileSync(
      'setpriv',
      [...AS_OWNER, '/usr/lib/postgresql/15/bin/pg_ctl', ...control, options, 'start'],
      {
        cwd: '/',
        stdio: 'ignore',
      },
    );
  };
  let still: number[] = [];
  const goOn = () => {
    for (const pid of still.splice(0)) process.kill(pid, 'SIGCONT');
  };
  return {
    url,
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query(`create database ${name}`).finally(() => client.end());
      return Object.assign(new URL(url), { pathname: `/${name}` }).href;
    },
    start,
    stop: () => void run('postgres-down'),
    standStill() {
      const [pid = ''] = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
      still = [Number(pid), ...childrenOf(Number(pid))];
      for (const one of still) process.kill(one, 'SIGSTOP');
    },
    goOn,
    remove() {
      goOn();
      run('postgres-down');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
const AS_OWNER =
  process.getuid?.() === 0
    ? ['--reuid=postgres', '--regid=postgres', '--init-groups', '--reset-env']
    : ['--reuid', String(process.getuid?.())];

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
