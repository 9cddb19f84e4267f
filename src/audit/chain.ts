/**
 * The form of an audit log. Each line has a MAC over itself and the MAC before, so that an edit, a removal or a swap
 * breaks the chain there. A head says how far the chain goes, so that a cut tail is detected. docs/audit.md specifies it.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/** One event, in the form of CloudTrail. */
export type AuditEvent = Readonly<Record<string, unknown>>;

/** How far a chain went. */
export interface Head {
  /** Number of the last line, from 1; 0 before the first. */
  readonly seq: number;
  /** MAC of the last line; before the first, the MAC of the chain's name. */
  readonly mac: string;
}

const MAC_CHARS = 64;

/** Makes and checks the MACs of one installation. */
export class ChainKey {
  readonly #key: KeyObject;

  /** @param masterKey 32 bytes. */
  constructor(masterKey: Uint8Array) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', 'moraine audit chain', 32)));
  }

  /** The head of a chain without lines. */
  beginning(chain: string): Head {
    return { seq: 0, mac: this.#mac(`chain\n${chain}`) };
  }

  /** Makes the next line, without line break, and the head after it. */
  append(head: Head, event: AuditEvent): { readonly line: string; readonly head: Head } {
    const seq = head.seq + 1;
    const text = JSON.stringify(event);
    const mac = this.#lineMac(head, seq, text);
    return { line: `${mac} ${seq} ${text}`, head: { seq, mac } };
  }

  /** The head after a line; undefined if the line does not follow `head`. */
  follow(head: Head, line: string): Head | undefined {
    const [, mac = '', number = '', text = ''] = /^([0-9a-f]{64}) (\d{1,15}) (.*)$/s.exec(line) ?? [];
    const seq = Number(number);
    if (mac.length !== MAC_CHARS || seq !== head.seq + 1) return undefined;
    return equal(mac, this.#lineMac(head, seq, text)) ? { seq, mac } : undefined;
  }

  /** Formats a head as text of fixed length, with a MAC of its own. */
  sealHead(chain: string, head: Head): string {
    const text = `${String(head.seq).padStart(15, '0')} ${head.mac}`;
    return `${text} ${this.#mac(`head\n${chain}\n${text}`)}\n`;
  }

  /** Parses a head; undefined if the text was changed. */
  openHead(chain: string, sealed: string): Head | undefined {
    const [, text = '', seq, mac = '', sum = ''] =
      /^((\d{15}) ([0-9a-f]{64})) ([0-9a-f]{64})\n$/.exec(sealed) ?? [];
    return equal(sum, this.#mac(`head\n${chain}\n${text}`)) ? { seq: Number(seq), mac } : undefined;
  }

  /** A MAC, 64 hex digits, over a text that is neither a line nor a head. */
  seal(purpose: string, text: string): string {
    return this.#mac(`${purpose}\n${text}`);
  }

  /** Whether `mac` is the MAC that `seal` makes. Compares in constant time. */
  proves(purpose: string, text: string, mac: string): boolean {
    return equal(mac, this.seal(purpose, text));
  }

  #lineMac(head: Head, seq: number, text: string): string {
    return this.#mac(`line\n${head.mac}\n${seq}\n${text}`);
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex');
  }
}

function equal(one: string, other: string): boolean {
  // A text from a file may have characters of several bytes.
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Parses the event in a line; undefined if there is none. */
export function parseEvent(line: string): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(line.slice(line.indexOf(' ', MAC_CHARS + 1) + 1));
    return typeof event === 'object' && event !== null ? (event as AuditEvent) : undefined;
  } catch {
    return undefined;
  }
}
