/** Small blobs, many in a file: what other folders may import of this one. */
export { listKept } from './compact.ts';
export { packContents } from './contents.ts';
export { findRecord, listExtents, type PlacedRecord, type ReadableFile } from './file.ts';
export { flushRemovals } from './flush-removals.ts';
export { encodeHeader, encodeTable, HEADER_BYTES, recordBytes, tableBytes } from './format.ts';
export { Packs } from './packs.ts';
export { scanPack } from './scan.ts';
export { isWhole } from './whole.ts';
export { PackedWriter } from './writer.ts';
