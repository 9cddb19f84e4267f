/** `store`: what lies in the store, beside what the API shows. */
import type { Command } from 'commander';
import type { CommandDeps } from '../app/command-deps.ts';
import { addAction } from './action.ts';

export function addStore(program: Command): void {
  const store = program.command('store').description('what lies in the store, beside what the API shows');
  addAction(
    store.command('aside'),
    'one JSON line for each blob that a start found in the store and not in the catalog, the oldest first',
    [],
    listAside,
  );
}

/** Printed as they come: there may be many. */
async function listAside({ blobs }: CommandDeps): Promise<unknown[]> {
  for await (const { asideMs, blobs: aside } of blobs.listAside()) {
    for (const { createdMs, ...blob } of aside) {
      const line = { since: new Date(asideMs), ...blob, created: new Date(createdMs) };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
  return [];
}
