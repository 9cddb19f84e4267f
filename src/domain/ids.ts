import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { VaultKey } from './vault.ts';
import { vaultArn } from './vault.ts';

/** Returns `bytes` random bytes. Handed in, so that tests and simulations are repeatable. */
export type RandomBytes = (bytes: number) => Buffer;

/** Lengths that clients check (one tool refuses any other): characters of `A-Za-z0-9_-`. */
const ARCHIVE_ID_CHARS = 138;

/** How an archive id relates to the vault that it is used on. */
export type ArchiveIdOrigin = 'of-this-vault' | 'of-another-vault' | 'not-ours';

/*
 * An archive id is base64url of 103 bytes, which is exactly 138 characters:
 *   1 version · 6 time (ms, big-endian) · 48 random · 16 tag of the vault's ARN · 32 MAC over the rest.
 * The time comes first, so that ids made together are neighbours in the catalog's index.
 */
const VERSION = 1;
const TIME_BYTES = 6;
const RANDOM_BYTES = 48;
const VAULT_TAG_BYTES = 16;
const MAC_BYTES = 32;
const VAULT_TAGS_KEPT = 1000;
const SIGNED_BYTES = 1 + TIME_BYTES + RANDOM_BYTES + VAULT_TAG_BYTES;

/** Makes every id of the API and recognises its own archive ids. */
export class Ids {
  /** A KeyObject: Node.js takes several times as long for an HMAC with a key of bytes. */
  readonly #key: KeyObject;
  readonly #random: RandomBytes;
  /** By ARN. Cached because requests use the same few vaults again and again. */
  readonly #vaultTags = new Map<string, Buffer>();

  /** @param masterKey the data folder's key, 32 bytes; ids are valid only under it. */
  constructor(masterKey: Uint8Array, random: RandomBytes) {
    this.#key = createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', 'moraine archive ids', 32)));
    this.#random = random;
  }

  /** A new archive id: 138 characters that carry their vault and cannot be forged. */
  archiveId(vault: VaultKey, nowMs: number): string {
    const bytes = Buffer.allocUnsafe(SIGNED_BYTES + MAC_BYTES);
    bytes[0] = VERSION;
    bytes.writeUIntBE(nowMs, 1, TIME_BYTES);
    bytes.set(this.#random(RANDOM_BYTES), 1 + TIME_BYTES);
    bytes.set(this.#vaultTag(vault), SIGNED_BYTES - VAULT_TAG_BYTES);
    bytes.set(this.#mac(bytes.subarray(0, SIGNED_BYTES)), SIGNED_BYTES);
    return bytes.toString('base64url');
  }

  /**
   * Whether `id` was made here, and for this vault. `not-ours` covers malformed, forged and imported ids.
   */
  classifyArchiveId(id: string, vault: VaultKey): ArchiveIdOrigin {
    const signed = this.#proven(id);
    if (signed === undefined) return 'not-ours';
    return signed.subarray(-VAULT_TAG_BYTES).equals(this.#vaultTag(vault))
      ? 'of-this-vault'
      : 'of-another-vault';
  }

  /** Whether `id` was made here, for any vault. */
  isOwnArchiveId(id: string): boolean {
    return this.#proven(id) !== undefined;
  }

  /** The part of an id that its MAC covers; undefined for an id that was not made here. */
  #proven(id: string): Buffer | undefined {
    if (id.length !== ARCHIVE_ID_CHARS) return undefined;
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== SIGNED_BYTES + MAC_BYTES || bytes.toString('base64url') !== id) return undefined;
    const signed = bytes.subarray(0, SIGNED_BYTES);
    return timingSafeEqual(this.#mac(signed), bytes.subarray(SIGNED_BYTES)) ? signed : undefined;
  }

  /** A new multipart upload id, 92 characters. */
  uploadId(nowMs: number): string {
    return this.#timed(nowMs, 69);
  }

  /** A new job id, 92 characters. */
  jobId(nowMs: number): string {
    return this.#timed(nowMs, 69);
  }

  /** A capacity or lock id, 24 characters that cannot be guessed. */
  shortId(): string {
    return this.#random(18).toString('base64url');
  }

  /** A request id, 47 characters as on the service. */
  requestId(): string {
    return this.#random(36).toString('base64url').slice(0, 47);
  }

  #timed(nowMs: number, bytes: number): string {
    const id = Buffer.allocUnsafe(bytes);
    id.writeUIntBE(nowMs, 0, TIME_BYTES);
    id.set(this.#random(bytes - TIME_BYTES), TIME_BYTES);
    return id.toString('base64url');
  }

  #vaultTag(vault: VaultKey): Buffer {
    const arn = vaultArn(vault);
    const known = this.#vaultTags.get(arn);
    if (known) return known;
    const mac = createHmac('sha256', this.#key).update('vault\n').update(arn).digest();
    const tag = mac.subarray(0, VAULT_TAG_BYTES);
    if (this.#vaultTags.size >= VAULT_TAGS_KEPT) this.#vaultTags.clear();
    this.#vaultTags.set(arn, tag);
    return tag;
  }

  #mac(signed: Uint8Array): Buffer {
    // Through text, because Node.js takes longer to return bytes.
    const mac = createHmac('sha256', this.#key).update('archive\n').update(signed).digest('hex');
    return Buffer.from(mac, 'hex');
  }
}
