/** Reading a blob's description, in a file of its own or in a pack. */
import type { BlobDescription } from '../domain/blob-store.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES, type Layout } from './blob-format.ts';
import type { OpenBlob } from './pack-file.ts';
import { readAt } from './positioned.ts';

/** Where the parts of the blob lie. @throws BlobDamaged. */
export async function layoutOf({ ref, file, start, total }: OpenBlob): Promise<Layout> {
  const length = Math.min(total, FOOTER_BYTES);
  return decodeFooter(ref, await readAt(file, start + total - length, length), total);
}

/** What the blob says of itself, proved. @throws BlobDamaged. */
export async function describeBlob(blob: OpenBlob): Promise<BlobDescription> {
  const layout = await layoutOf(blob);
  const trailer = await readAt(blob.file, blob.start + layout.size, layout.trailerBytes);
  return decodeTrailer(blob.ref, trailer, layout);
}
