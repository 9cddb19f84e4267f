/** Reading a blob, in a file of its own or in a pack. */
import type { BlobDescription, LeafRun, OpenBlob } from '../../domain/blob-store.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES } from './format.ts';
import { type LeafReadDeps, readLeafRuns } from './leaf-reader.ts';
import type { PlacedBlob } from './placed-blob.ts';

/** Size of the tail read: covers the trailers of most blobs, up to some hundred leaves. */
const END_BYTES = 4096;

/** A blob in anything that can be read. */
type ReadableBlob = Omit<PlacedBlob, 'file'> & { readonly file: Pick<PlacedBlob['file'], 'readAt'> };

/** Reads and verifies a blob's description of itself. @throws BlobDamaged. */
export async function describeBlob({ ref, file, start, total }: ReadableBlob): Promise<BlobDescription> {
  const length = Math.min(total, END_BYTES);
  const end = await file.readAt(start + total - length, length);
  const layout = decodeFooter(ref, end.subarray(-FOOTER_BYTES), total);
  const { size, trailerBytes } = layout;
  const trailer =
    trailerBytes <= end.length ? end.subarray(-trailerBytes) : await file.readAt(start + size, trailerBytes);
  return decodeTrailer(ref, trailer, layout);
}

/** Opens a blob in an open file, and closes the file with it. @throws BlobDamaged, after closing the file. */
export async function openBlob(deps: LeafReadDeps, blob: PlacedBlob): Promise<OpenBlob> {
  const { ref, file, start } = blob;
  const close = () => file.close();
  try {
    const description = await describeBlob(blob);
    const bytes = { ref, file, start, size: description.size };
    const leaves = (first: number, last: number, unwanted?: AbortSignal): AsyncGenerator<LeafRun> =>
      readLeafRuns(deps, bytes, first, last, unwanted);
    return { description, leaves, close };
  } catch (error) {
    await close();
    throw error;
  }
}
