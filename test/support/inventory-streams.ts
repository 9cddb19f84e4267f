/** Reads inventories of any size row by row, as they stream in. */

export interface InventoryRow {
  readonly ArchiveId: string;
  readonly ArchiveDescription: string;
  readonly CreationDate: string;
  readonly Size: number;
  readonly SHA256TreeHash: string;
}

const CSV_HEAD = 'ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash';
const JSON_HEAD = /^\{"VaultARN":"[^"]+","InventoryDate":"[^"]+","ArchiveList":\[/;

/** Decodes chunks that may end in the middle of a character. */
async function* texts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
}

/** @throws Error when the document does not begin or end as expected. */
export async function* parseJsonInventory(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<InventoryRow> {
  let rest = '';
  let inside = false;
  for await (const text of texts(chunks)) {
    rest += text;
    if (!inside) {
      const head = JSON_HEAD.exec(rest)?.[0];
      if (head === undefined) continue;
      [rest, inside] = [rest.slice(head.length), true];
    }
    // An object ends at the first brace after its hash, because quotes inside a description are escaped.
    for (let end = endOfEntry(rest); end > 0; end = endOfEntry(rest)) {
      yield JSON.parse(rest.slice(rest.startsWith(',') ? 1 : 0, end));
      rest = rest.slice(end);
    }
  }
  if (rest !== ']}') throw new Error(`the document ends with ${rest.slice(0, 200)}`);
}

const ENTRY_END = /"SHA256TreeHash":"[0-9a-f]{64}"\}/;

function endOfEntry(text: string): number {
  const match = ENTRY_END.exec(text);
  return match ? match.index + match[0].length : 0;
}

/** Undoes the service's quoting: `\"` in a quoted field is a quote, and all other backslashes are literal. */
export async function* parseCsvInventory(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<InventoryRow> {
  let rest = '';
  let lines = 0;
  for await (const text of texts(chunks)) {
    const [...found] = (rest + text).split('\n');
    rest = found.pop() ?? '';
    for (const line of found) {
      if (lines++ > 0) yield parseLine(line);
      else if (line !== CSV_HEAD) throw new Error(`the header is ${line}`);
    }
  }
  if (rest !== '') throw new Error(`the document ends with ${rest.slice(0, 200)}`);
}

const LINE = /^([^,"]+),"(.*)",([^,"]+),(\d+),([0-9a-f]{64})$/;

function parseLine(line: string): InventoryRow {
  const match = LINE.exec(line);
  if (!match) throw new Error(`not a line of an inventory: ${line}`);
  const [, ArchiveId = '', description = '', CreationDate = '', size, SHA256TreeHash = ''] = match;
  const ArchiveDescription = description.replaceAll('\\"', '"');
  return { ArchiveId, ArchiveDescription, CreationDate, Size: Number(size), SHA256TreeHash };
}
