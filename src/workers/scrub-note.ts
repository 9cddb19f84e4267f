import { type BlobStore, NoteDamaged } from '../domain/blob-store.ts';
import { NO_PROGRESS, parseProgress, SCRUB_NOTE, type ScrubProgress } from '../domain/scrub-progress.ts';

/**
 * Reads how far scrubs have come. A damaged note is lost progress, no more.
 * @param onDamaged called with the error. @throws the I/O error.
 */
export async function readScrubProgress(
  blobs: Pick<BlobStore, 'note'>,
  onDamaged: (error: unknown) => void = () => {},
): Promise<ScrubProgress> {
  try {
    return parseProgress(await blobs.note(SCRUB_NOTE));
  } catch (error) {
    if (!(error instanceof NoteDamaged) && !(error instanceof SyntaxError)) throw error;
    onDamaged(error);
    return NO_PROGRESS;
  }
}
