/** The first half of a rebuild: from the journal to the state that its entries build up. */
import type { JournalEntry } from '../domain/blob-store.ts';
import { type Entry, unknownTypes } from '../domain/entries.ts';
import { decodeLockNote } from '../domain/lock-note.ts';
import type { RebuildScratch } from '../domain/rebuild-scratch.ts';
import { applyEntry, isUnordered } from '../domain/rebuild-state.ts';
import type { StoreContents } from '../domain/store-contents.ts';

/** Called when a step begins, with what it does. */
export type OnStep = (what: string) => void;

/** The journal has entries that this version does not know. */
class UnknownEntries extends Error {
  constructor(types: readonly string[]) {
    super(
      `the journal has entries of types that this version of Moraine does not know (${types.join(', ')}), so it cannot tell ` +
        'what exists: a newer version wrote them. Rebuild with that version',
    );
    this.name = 'UnknownEntries';
  }
}

/**
 * Reads the journal into the scratch and applies its entries in the order of their numbers, then the notes of locks.
 * Goes on where an earlier run was killed.
 * @throws UnknownEntries, the I/O error.
 */
export async function rebuildFromJournal(
  contents: StoreContents,
  scratch: RebuildScratch,
  onStep: OnStep,
): Promise<void> {
  const files = await contents.journalFiles();
  for (const [i, { name }] of files.entries()) {
    const step = `journal ${name}`;
    if (scratch.isDone(step)) continue;
    onStep(`reading journal file ${i + 1} of ${files.length}`);
    await scratch.runStep(step, () => readFile(contents, scratch, name));
  }
  if (!scratch.isDone('entries')) {
    onStep('applying the journal');
    await scratch.runStep('entries', async () => {
      for (const entry of scratch.keptEntries()) applyEntry(scratch.state, entry);
      await applyLockNotes(contents, scratch);
    });
  }
}

/** Most entries can be applied at once; the others must be sorted first. */
async function readFile(contents: StoreContents, scratch: RebuildScratch, name: string): Promise<void> {
  const listener = {
    onDamage: (damage: string) => scratch.addDamage('journal', damage),
    onUnproven: (entry: JournalEntry) => scratch.keepUnproven(entry),
  };
  for await (const entry of contents.entries(name, listener)) {
    const type = String(entry.body['type']);
    const unknown = unknownTypes([type]);
    if (unknown.length > 0) throw new UnknownEntries(unknown);
    scratch.noteSeq(entry.seq);
    scratch.noteWriter(entry.writer);
    if (isUnordered(type)) applyEntry(scratch.state, entry.body as unknown as Entry);
    else scratch.keepEntry(entry);
  }
}

/** A completed lock is in a note as well. The note does not lock a later vault of the same name. */
async function applyLockNotes(contents: StoreContents, scratch: RebuildScratch): Promise<void> {
  for (const text of await contents.lockNotes((damage) => scratch.addDamage('journal', damage))) {
    const { vault, vaultCreatedMs, lock } = decodeLockNote(text);
    scratch.state.lockVault(vault, vaultCreatedMs, { ...lock, state: 'Locked' });
  }
}
