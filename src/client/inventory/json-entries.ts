import { fromWire } from '../member-names.ts';
import { type InventoryEntry, MOST_CHARACTERS, shown, texts } from './entry.ts';

/** The archives of an inventory in JSON. @throws Error for a text that is no whole inventory. */
export async function* jsonEntries(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<InventoryEntry> {
  const scanner = new EntryScanner();
  for await (const text of texts(bytes)) for (const entry of scanner.take(text)) yield entryOf(entry);
  scanner.end();
}

function entryOf(text: string): InventoryEntry {
  const entry = fromWire(JSON.parse(text)) as Partial<InventoryEntry>;
  const { archiveId, size, treeHash } = entry;
  if (typeof archiveId !== 'string' || typeof size !== 'number' || typeof treeHash !== 'string')
    throw new Error(`an entry of the inventory is no archive: ${shown(text)}`);
  return { ...entry, archiveDescription: entry.archiveDescription ?? '' } as InventoryEntry;
}

const OUTSIDE = /["{}[\]]/g;
const INSIDE = /["\\]/g;
/** Depths of nesting: the inventory, its list of archives, an archive. */
const ROOT = 1;
const LIST = 2;
const ENTRY = 3;

/** Finds the texts of the objects in `ArchiveList`, wherever the text is cut. */
class EntryScanner {
  #text = '';
  #at = 0;
  /** Where the kept text begins: an entry, or a member's name; -1 if nothing is kept. */
  #start = -1;
  #depth = 0;
  #inString = false;
  /** The last string directly within the root: the name of the member that follows. */
  #name = '';
  #lists = 0;

  /** Takes the next characters; returns the entries that are whole now. */
  *take(text: string): Generator<string> {
    this.#text += text;
    for (;;) {
      const special = this.#inString ? INSIDE : OUTSIDE;
      special.lastIndex = this.#at;
      const found = special.exec(this.#text);
      // A backslash and what it escapes are taken together.
      if (!found || (found[0] === '\\' && found.index + 1 === this.#text.length)) {
        this.#at = found?.index ?? this.#text.length;
        break;
      }
      const entry = this.#step(found[0], found.index);
      if (entry !== undefined) yield entry;
    }
    this.#forget();
  }

  /** @throws Error unless one whole object was taken. */
  end(): void {
    if (this.#depth !== 0 || this.#inString) throw new Error('the inventory ends before its end: it was cut');
    if (this.#lists !== 1)
      throw new Error(`the inventory has ${this.#lists} lists of archives instead of one`);
  }

  #step(char: string, index: number): string | undefined {
    this.#at = index + (char === '\\' ? 2 : 1);
    if (char === '\\') return undefined;
    if (char === '"') this.#quote(index);
    else if (char === '{' || char === '[') this.#open(char, index);
    else return this.#close(index);
    return undefined;
  }

  #quote(index: number): void {
    this.#inString = !this.#inString;
    if (this.#depth !== ROOT) return;
    if (this.#inString) this.#start = index;
    else {
      this.#name = this.#text.slice(this.#start + 1, index);
      this.#start = -1;
    }
  }

  #open(char: string, index: number): void {
    this.#depth++;
    if (this.#depth === LIST && char === '[' && this.#name === 'ArchiveList') this.#lists++;
    if (this.#depth === ENTRY && char === '{' && this.#name === 'ArchiveList') this.#start = index;
  }

  #close(index: number): string | undefined {
    this.#depth--;
    if (this.#depth < 0) throw new Error('the inventory has more ends than beginnings');
    if (this.#depth !== LIST || this.#start < 0) return undefined;
    const entry = this.#text.slice(this.#start, index + 1);
    this.#start = -1;
    return entry;
  }

  /** Drops what is no longer needed. */
  #forget(): void {
    const kept = this.#start < 0 ? this.#at : this.#start;
    this.#text = this.#text.slice(kept);
    this.#at -= kept;
    if (this.#start >= 0) this.#start = 0;
    if (this.#text.length > MOST_CHARACTERS)
      throw new Error(`an entry of the inventory is too long: ${shown(this.#text)}`);
  }
}
