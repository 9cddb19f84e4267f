/** Small blobs, many in a file: what other folders may import of this one. */
export { packContents } from './contents.ts';
export { Packs } from './packs.ts';
export { scanPack } from './scan.ts';
export { PackedWriter } from './writer.ts';
