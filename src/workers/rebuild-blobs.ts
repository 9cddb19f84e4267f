/** The second half of a rebuild: what every blob says of itself. */
import type { RebuildScratch } from '../domain/rebuild-scratch.ts';
import type { StoreContents } from '../domain/store-contents.ts';
import type { OnStep } from './rebuild-journal.ts';

/** How many containers are read between two messages. */
const CONTAINERS_PER_STEP = 64;

/** Reads the end of every blob into the scratch. Goes on where an earlier run was killed. @throws the I/O error. */
export async function rebuildFromBlobs(
  contents: StoreContents,
  scratch: RebuildScratch,
  onStep: OnStep,
): Promise<void> {
  let read = 0;
  for await (const container of contents.containers()) {
    const step = `blobs ${container}`;
    if (read % CONTAINERS_PER_STEP === 0) onStep(`reading blobs: ${read} folders and packs are done`);
    if (!scratch.isDone(step)) await scratch.runStep(step, () => readContainer(contents, scratch, container));
    read++;
  }
}

async function readContainer(
  contents: StoreContents,
  scratch: RebuildScratch,
  container: string,
): Promise<void> {
  for await (const found of contents.blobs(container)) {
    if ('damage' in found) {
      scratch.addDamage('blob', found.damage);
      continue;
    }
    scratch.noteWriter(found.description.writer);
    scratch.addBlob(found.ref, found.description);
  }
}
