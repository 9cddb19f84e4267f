import type { AsideBatch, AsideBlob, Stamp } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import { decodeStamped, encodeStamped } from '../disk/stamped-text.ts';
import { ASIDE } from './keys.ts';
import type { Objects } from './objects.ts';

const NAME = /^[a-z0-9-]{1,128}$/;

/** Small named texts, an object each. A change is durable when it resolves. */
export class ObjectTexts {
  readonly #objects: Objects;
  readonly #folder: string;
  readonly #stamp: Stamp;

  /** @param folder with which their keys begin. */
  constructor(objects: Objects, folder: string, stamp: Stamp) {
    this.#objects = objects;
    this.#folder = folder;
    this.#stamp = stamp;
  }

  /** Keeps a text, replacing an older one. @throws the engine's error. */
  put(name: string, text: string): Promise<void> {
    return this.#objects.put(this.#key(name), Buffer.from(encodeStamped(text, this.#stamp())));
  }

  /** Undefined without such a text. @throws NoteDamaged, the engine's error. */
  async get(name: string): Promise<string | undefined> {
    const key = this.#key(name);
    const found = await this.#objects.get(key);
    return found && decodeStamped(key, found.bytes.toString()).text;
  }

  /** @throws the engine's error. */
  remove(name: string): Promise<void> {
    return this.#objects.remove(this.#key(name));
  }

  /** Names that begin with this, in order. */
  async *names(prefix: string): AsyncIterable<string> {
    for await (const { key } of this.#objects.list(this.#folder + prefix)) {
      const name = key.slice(this.#folder.length);
      if (NAME.test(name)) yield name;
    }
  }

  #key(name: string): string {
    if (!NAME.test(name)) throw new RangeError(`not the name of a note: ${name}`);
    return this.#folder + name;
  }
}

/** Enough digits for times in names to sort as text until the year 33658. */
const TIME_DIGITS = 15;
/** Bounds the memory of a batch. */
const BLOBS_PER_BATCH = 1000;

/** Lists of blobs that were set aside: one text for each batch. */
export class ObjectAside {
  readonly #texts: ObjectTexts;
  readonly #random: RandomBytes;

  constructor(objects: Objects, random: RandomBytes, stamp: Stamp) {
    this.#texts = new ObjectTexts(objects, ASIDE, stamp);
    this.#random = random;
  }

  /** Durable when it resolves. @throws the engine's error. */
  async add(blobs: readonly AsideBlob[], nowMs: number): Promise<void> {
    for (let at = 0; at < blobs.length; at += BLOBS_PER_BATCH) {
      const time = String(nowMs).padStart(TIME_DIGITS, '0');
      const batch = { asideMs: nowMs, blobs: blobs.slice(at, at + BLOBS_PER_BATCH) };
      await this.#texts.put(`${time}-${this.#random(16).toString('hex')}`, JSON.stringify(batch));
    }
  }

  /** Yields the oldest batch first: keys are listed in order. @throws NoteDamaged. */
  async *list(): AsyncIterable<AsideBatch> {
    for await (const name of this.#texts.names('')) {
      const text = await this.#texts.get(name);
      // A batch that vanished since it was listed was dropped meanwhile.
      if (text !== undefined) yield { name, ...(JSON.parse(text) as Omit<AsideBatch, 'name'>) };
    }
  }

  drop({ name }: AsideBatch): Promise<void> {
    return this.#texts.remove(name);
  }
}
