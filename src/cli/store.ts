/** `store`: shows blobs that the API does not. */
import type { Command } from 'commander';
import type { CommandDeps } from '../app/command-deps.ts';
import { addAction } from './action.ts';

export function addStore(program: Command): void {
  const store = program.command('store').description('blobs in the store that the API does not show');
  addAction(
    store.command('aside'),
    'list blobs that a start found in the store but not in the catalog, oldest first, one JSON line each',
    [],
    listAside,
  );
}

/** Prints each batch as it is read: there may be many blobs. */
async function listAside({ blobs }: CommandDeps): Promise<unknown[]> {
  for await (const { asideMs, blobs: aside } of blobs.listAside()) {
    for (const { createdMs, ...blob } of aside) {
      const line = { since: new Date(asideMs), ...blob, created: new Date(createdMs) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
  return [];
}
