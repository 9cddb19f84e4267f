/** Small blobs, many in a file. What other rooms may use of this one. */
export { Packs } from './packs.ts';
export { PackedWriter } from './writer.ts';
