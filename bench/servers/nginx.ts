/** nginx with WebDAV: the cost of HTTP to a file, without hash or signature. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from '../load.ts';
import { findProgram, freeAddress, runProgram, startProgram } from '../programs.ts';
import type { BenchOptions } from '../section.ts';
import { makeRoot, plainPut } from './plain-put.ts';
import type { BenchServer, StartServer } from './server.ts';

const NOT_DURABLE = 'no hash, no signature, and not durable: it flushes nothing';

/** nginx answers when the file is written and renamed, but not flushed. */
export const startNginx: StartServer = async (options) => (await startNginxTwice(options))?.[0];

/** The same server twice: unchanged, and with a flush of the files after a large upload. */
export async function startNginxTwice(
  options: BenchOptions,
): Promise<readonly [BenchServer, BenchServer] | undefined> {
  const program = findProgram('nginx');
  if (program === undefined) {
    options.progress('nginx is not installed (Debian: nginx-light): left out');
    return undefined;
  }
  const folder = join(options.folder, 'nginx');
  const root = join(folder, 'root');
  await makeRoot(root);
  await mkdir(join(folder, 'temp'));
  const address = await freeAddress();
  const configuration = join(folder, 'nginx.conf');
  await writeFile(configuration, configure(folder, address));
  const pid = await startProgram(options, program, ['-p', folder, '-c', configuration], address);
  const common = { address, processes: [pid], root, headersOf: () => ({}) };
  const plain = plainPut({ ...common, name: 'nginx', note: NOT_DURABLE, finish: async () => {} });
  const flushed = plainPut({
    ...common,
    name: 'nginx and sync',
    note: 'no hash, no signature; durable when sync has ended, for all files at once',
    finish: async (files) => {
      await runProgram('sync', ['--data', ...files]);
    },
  });
  return [plain, flushed];
}

/** Tuned for this use: a worker for each core, large buffers, sendfile, persistent connections. */
function configure(folder: string, { host, port }: Address): string {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `
${user}
worker_processes auto;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 10000000;
  client_max_body_size 0;
  client_body_buffer_size 1m;
  client_body_temp_path ${folder}/temp/body;
  proxy_temp_path ${folder}/temp/proxy;
  fastcgi_temp_path ${folder}/temp/fastcgi;
  uwsgi_temp_path ${folder}/temp/uwsgi;
  scgi_temp_path ${folder}/temp/scgi;
  server {
    listen ${host}:${port};
    root ${folder}/root;
    location / { dav_methods PUT; }
  }
}
`;
}
