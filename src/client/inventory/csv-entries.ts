import { type InventoryEntry, MOST_CHARACTERS, shown, texts } from './entry.ts';

const HEAD = 'ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash';
/**
 * Only the description is quoted, and only its quotes are escaped: a backslash stays as it is. The last three columns
 * have fixed forms, so the description ends where they begin, whatever it contains.
 */
const ROW = /^([^,]*),"(.*)",([^,"]*),(\d+),([0-9a-f]{64})$/;

/** The archives of an inventory in CSV. @throws Error for a line that is none. */
export async function* csvEntries(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<InventoryEntry> {
  let number = 0;
  for await (const line of lines(bytes)) {
    number++;
    if (number > 1) yield entryOf(line, number);
    else if (line !== HEAD) throw new Error(`line 1 of the inventory must be ${HEAD}, not ${shown(line)}`);
  }
  if (number === 0) throw new Error('the inventory is empty: its head is missing');
}

function entryOf(line: string, number: number): InventoryEntry {
  const [, archiveId, description, creationDate, size, treeHash] = ROW.exec(line) ?? [];
  if (archiveId === undefined || description === undefined || creationDate === undefined || !treeHash)
    throw new Error(`line ${number} of the inventory is no archive: ${shown(line)}`);
  const archiveDescription = description.replaceAll('\\"', '"');
  return { archiveId, archiveDescription, creationDate, size: Number(size), treeHash };
}

/** Lines without their ends. @throws Error where the last one has none: the inventory was cut. */
async function* lines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const text of texts(bytes)) {
    const whole = `${rest}${text}`.split('\n');
    rest = whole.pop() ?? '';
    for (const line of whole) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (rest.length > MOST_CHARACTERS) throw new Error(`a line of the inventory is too long: ${shown(rest)}`);
  }
  if (rest !== '') throw new Error(`the inventory ends within a line: ${shown(rest)}`);
}
