/**
 * A naive server: `node bench/naive-server.ts FOLDER PORT`. It uses node:http and node:crypto in one process, and reads
 * every byte twice. PUT /PATH stores a body as FOLDER/PATH: it compares both hashes with the headers, writes, flushes,
 * renames, and flushes the folder before it answers 204. GET sends a file without verifying it. The server checks no
 * signature, and has no catalog.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TreeHasher } from '../src/treehash/index.ts';

const [folder = '.', port = '0'] = process.argv.slice(2);

async function put(incoming: IncomingMessage, path: string): Promise<boolean> {
  const linear = createHash('sha256');
  const tree = new TreeHasher();
  const file = await open(`${path}.incoming`, 'w');
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      linear.update(chunk);
      tree.update(chunk);
      await file.write(chunk);
    }
    const treeHash = Buffer.from(tree.digest().treeHash).toString('hex');
    if (linear.digest('hex') !== incoming.headers['x-amz-content-sha256']) return false;
    if (treeHash !== incoming.headers['x-amz-sha256-tree-hash']) return false;
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.incoming`, path);
  await flushFolder(dirname(path));
  return true;
}

async function flushFolder(path: string): Promise<void> {
  const handle = await open(path);
  await handle.sync();
  await handle.close();
}

async function get(outgoing: ServerResponse, path: string): Promise<void> {
  const { size } = await stat(path);
  outgoing.writeHead(200, { 'content-length': size });
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), outgoing);
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const path = join(folder, incoming.url ?? '');
  if (incoming.method === 'GET') await get(outgoing, path);
  else outgoing.writeHead((await put(incoming, path)) ? 204 : 400).end();
}

createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch(() => outgoing.writeHead(500).end());
}).listen(Number(port), '127.0.0.1');
