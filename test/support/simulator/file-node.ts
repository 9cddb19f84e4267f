/** The contents of a simulated file: what programs read, and what the disk would have after a power cut. */

/** A change that was not flushed yet. */
type Change = { readonly at: number; readonly bytes: Buffer } | { readonly length: number };

/** Decides what a power cut leaves of changes that were not flushed. */
export interface Survival {
  /** Whether the change of a name, or of a file's length, was written. */
  keeps(): boolean;
  /** Whether one sector of written bytes was written. */
  keepsSector(): boolean;
  /** Whether a file has its last length although some of its bytes were not written; they are zeros then. */
  keepsLength(): boolean;
  /** Writes are torn at multiples of this. */
  readonly sectorBytes: number;
}

const SMALLEST_BYTES = 256;

export class FileNode {
  readonly kind = 'file';
  /** What programs read, with room to grow. */
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  /** What the disk has; undefined while that is the first `#flushedLength` of `#bytes`. */
  #flushed: Buffer | undefined;
  #flushedLength = 0;
  #changes: Change[] = [];
  /** Whether a clone uses `#bytes`, too. */
  #isShared = false;

  get length(): number {
    return this.#length;
  }

  /** Whether there are changes that were not flushed. */
  get isDirty(): boolean {
    return this.#changes.length > 0;
  }

  /** A copy of up to so many bytes. */
  read(position: number, length: number): Buffer {
    return Buffer.from(this.#bytes.subarray(Math.min(position, this.#length), this.#endOf(position, length)));
  }

  /** Copies bytes into the target; returns how many there were. */
  readInto(position: number, target: Uint8Array): number {
    const bytes = this.#bytes.subarray(
      Math.min(position, this.#length),
      this.#endOf(position, target.length),
    );
    target.set(bytes);
    return bytes.length;
  }

  #endOf(position: number, length: number): number {
    return Math.max(Math.min(position, this.#length), Math.min(this.#length, position + length));
  }

  write(at: number, bytes: Uint8Array): void {
    const kept = Buffer.from(bytes);
    this.#put(at, kept);
    this.#changes.push({ at, bytes: kept });
  }

  truncate(length: number): void {
    this.#cut(length);
    this.#changes.push({ length });
  }

  /** Everything written so far survives a power cut. */
  flush(): void {
    if (this.#flushed) {
      // Bytes that a failed flush lost stay lost: the kernel takes their pages for clean.
      this.#flushed = apply(this.#flushed, this.#changes);
      this.#flushedLength = this.#flushed.length;
    } else this.#flushedLength = this.#length;
    this.#changes = [];
  }

  /** A flush that fails: some changes were written and some never will be, though programs still read all of them. */
  failFlush(survival: Survival): void {
    if (!this.isDirty) return;
    this.#flushed = this.#survivor(survival);
    this.#flushedLength = this.#flushed.length;
    this.#changes = [];
  }

  /** Leaves what the disk has, and what survives of the rest. */
  cutPower(survival: Survival): void {
    if (!this.isDirty && this.#flushed === undefined) return;
    const left = this.#survivor(survival);
    this.#bytes = left;
    this.#length = left.length;
    this.#flushed = undefined;
    this.#flushedLength = left.length;
    this.#changes = [];
    this.#isShared = false;
  }

  #survivor(survival: Survival): Buffer {
    const flushed = this.#flushed ?? Buffer.from(this.#bytes.subarray(0, this.#flushedLength));
    const kept = this.#changes.flatMap((change) => surviving(change, survival));
    const left = apply(flushed, kept);
    const isShort = left.length < this.#length && this.#changes.length > 0;
    return isShort && survival.keepsLength() ? apply(left, [{ length: this.#length }]) : left;
  }

  /** A file with the same contents and the same unflushed changes. */
  clone(): FileNode {
    const copy = new FileNode();
    copy.#bytes = this.#bytes;
    copy.#length = this.#length;
    copy.#flushed = this.#flushed;
    copy.#flushedLength = this.#flushedLength;
    copy.#changes = [...this.#changes];
    copy.#isShared = true;
    this.#isShared = true;
    return copy;
  }

  #put(at: number, bytes: Buffer): void {
    const end = Math.max(this.#length, at + bytes.length);
    this.#own(end);
    if (at < this.#flushedLength) this.#keepFlushed();
    if (at > this.#length) this.#bytes.fill(0, this.#length, at);
    this.#bytes.set(bytes, at);
    this.#length = end;
  }

  #cut(length: number): void {
    this.#own(Math.max(length, this.#length));
    if (length < this.#flushedLength) this.#keepFlushed();
    if (length > this.#length) this.#bytes.fill(0, this.#length, length);
    this.#length = length;
  }

  /** Copies what the disk has, before it differs from what programs read. */
  #keepFlushed(): void {
    this.#flushed ??= Buffer.from(this.#bytes.subarray(0, this.#flushedLength));
  }

  /** Makes the bytes its own, with room for so many. */
  #own(bytes: number): void {
    if (!this.#isShared && bytes <= this.#bytes.length) return;
    const capacity = bytes <= this.#bytes.length ? this.#bytes.length : 2 * bytes;
    const grown = Buffer.allocUnsafeSlow(Math.max(SMALLEST_BYTES, capacity));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#isShared = false;
  }
}

/** What a power cut leaves of a change: all, nothing, or some of its sectors. */
function surviving(change: Change, survival: Survival): readonly Change[] {
  if ('length' in change) return survival.keeps() ? [change] : [];
  const { at, bytes } = change;
  const kept: Change[] = [];
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + survival.sectorBytes - ((at + from) % survival.sectorBytes));
    if (survival.keepsSector()) kept.push({ at: at + from, bytes: bytes.subarray(from, to) });
    from = to;
  }
  return kept;
}

function apply(bytes: Buffer, changes: readonly Change[]): Buffer {
  let length = bytes.length;
  const longest = changes.reduce((most, change) => Math.max(most, endOf(change)), length);
  const all = Buffer.alloc(longest);
  all.set(bytes);
  for (const change of changes) {
    if ('length' in change) {
      if (change.length < length) all.fill(0, change.length, length);
      length = change.length;
    } else {
      all.set(change.bytes, change.at);
      length = Math.max(length, endOf(change));
    }
  }
  return all.subarray(0, length);
}

function endOf(change: Change): number {
  return 'length' in change ? change.length : change.at + change.bytes.length;
}
