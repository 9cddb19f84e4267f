/** One archive in an inventory. */
export interface InventoryEntry {
  readonly archiveId: string;
  /** Empty for an archive without one: inventories do not tell these apart. */
  readonly archiveDescription: string;
  readonly creationDate: string;
  /** Bytes. */
  readonly size: number;
  readonly treeHash: string;
}

/** The longest entry that is read, in characters. Descriptions have 1,024. */
export const MOST_CHARACTERS = 1024 * 1024;

/** Turns bytes into texts; a character may be cut between two chunks. */
export async function* texts(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** The start of a text, for an error. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
