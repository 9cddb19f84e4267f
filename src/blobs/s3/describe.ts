/** Decoding what a blob says of itself, from bytes in memory. */
import { BlobDamaged, type BlobDescription } from '../../domain/blob-store.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES } from '../blob/format.ts';

/** Where the footer has the size of the data. */
const SIZE_IN_FOOTER = 16;

/** Decodes the end of a blob in an object of its own. @throws BlobDamaged. */
export function describeEnd(ref: string, end: Buffer): BlobDescription {
  if (end.length < FOOTER_BYTES) throw new BlobDamaged(ref, 'its end is cut short');
  const size = Number(end.readBigUInt64LE(end.length - FOOTER_BYTES + SIZE_IN_FOOTER));
  return describeBytes(ref, end, size + end.length);
}

/** Decodes the trailer with which the bytes end. @param total length of the blob. @throws BlobDamaged. */
export function describeBytes(ref: string, bytes: Buffer, total = bytes.length): BlobDescription {
  const layout = decodeFooter(ref, bytes.subarray(-FOOTER_BYTES), total);
  return decodeTrailer(ref, bytes.subarray(-layout.trailerBytes), layout);
}
