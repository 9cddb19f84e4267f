/**
 * The form of an audit log: lines that each carry a MAC over themselves and the MAC before, so that an edit, a
 * removal or a swap breaks the chain at its place; and a head that tells how far the chain went, so that a cut
 * tail is missed. Specified in docs/audit.md.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/** One event, in CloudTrail's shape. */
export type AuditEvent = Readonly<Record<string, unknown>>;

/** How far a chain went. */
export interface Head {
  /** Number of the last line, from 1; 0 before the first. */
  readonly seq: number;
  /** MAC of the last line; what the chain begins with before the first. */
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

  /** The head of a chain that has no line yet. */
  beginning(chain: string): Head {
    return { seq: 0, mac: this.#mac(`chain\n${chain}`) };
  }

  /** The next line, without its line break, and the head after it. */
  append(head: Head, event: AuditEvent): { readonly line: string; readonly head: Head } {
    const seq = head.seq + 1;
    const text = JSON.stringify(event);
    const mac = this.#lineMac(head, seq, text);
    return { line: `${mac} ${seq} ${text}`, head: { seq, mac } };
  }

  /** The head after a line, or undefined when it is not the one that follows. */
  follow(head: Head, line: string): Head | undefined {
    const [, mac = '', number = '', text = ''] = /^([0-9a-f]{64}) (\d{1,15}) (.*)$/s.exec(line) ?? [];
    const seq = Number(number);
    if (mac.length !== MAC_CHARS || seq !== head.seq + 1) return undefined;
    return equal(mac, this.#lineMac(head, seq, text)) ? { seq, mac } : undefined;
  }

  /** A head as text of fixed length, with a MAC of its own. */
  sealHead(chain: string, head: Head): string {
    const text = `${String(head.seq).padStart(15, '0')} ${head.mac}`;
    return `${text} ${this.#mac(`head\n${chain}\n${text}`)}\n`;
  }

  /** The head of such a text, or undefined when it was changed. */
  openHead(chain: string, sealed: string): Head | undefined {
    const [, text = '', seq, mac = '', sum = ''] =
      /^((\d{15}) ([0-9a-f]{64})) ([0-9a-f]{64})\n$/.exec(sealed) ?? [];
    return equal(sum, this.#mac(`head\n${chain}\n${text}`)) ? { seq: Number(seq), mac } : undefined;
  }

  /** A MAC over a text of another purpose than a line or a head, 64 hex digits. */
  seal(purpose: string, text: string): string {
    return this.#mac(`${purpose}\n${text}`);
  }

  /** Whether `seal` gave this MAC for this purpose and text; compared in constant time. */
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

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** The event in a line; undefined for a line that does not hold one. */
export function parseEvent(line: string): AuditEvent | undefined {
  try {
    const event: unknown = JSON.parse(line.slice(line.indexOf(' ', MAC_CHARS + 1) + 1));
    return typeof event === 'object' && event !== null ? (event as AuditEvent) : undefined;
  } catch {
    return undefined;
  }
}
