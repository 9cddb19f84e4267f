/** The naive server of `naive-server.ts`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freeAddress, startProgram } from '../programs.ts';
import { makeRoot, plainPut } from './plain-put.ts';
import type { StartServer } from './server.ts';

const PROGRAM = fileURLToPath(new URL('../naive-server.ts', import.meta.url));

export const startNaive: StartServer = async (options) => {
  const root = join(options.folder, 'naive');
  await makeRoot(root);
  const address = await freeAddress();
  const pid = await startProgram(options, process.execPath, [PROGRAM, root, String(address.port)], address);
  return plainPut({
    name: 'naive Node server',
    note: 'one process, two passes, no signature, no catalog; durable',
    address,
    processes: [pid],
    root,
    headersOf: ({ linearHash, treeHash }) => ({
      'x-amz-content-sha256': linearHash,
      'x-amz-sha256-tree-hash': treeHash,
    }),
    finish: async () => {},
  });
};
