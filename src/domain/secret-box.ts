import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { RandomBytes } from './ids.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps secrets unreadable at rest: AES-256-GCM under a key drawn from the data folder's key file. */
export class SecretBox {
  readonly #key: Buffer;

  /** @param masterKey 32 bytes. */
  constructor(masterKey: Uint8Array) {
    this.#key = Buffer.from(hkdfSync('sha256', masterKey, '', 'moraine sealed secrets', 32));
  }

  /** @param name is bound to the secret, which opens only under the same name. */
  seal(name: string, secret: string, random: RandomBytes): string {
    const nonce = random(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(name));
    const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
  }

  /** @throws Error when it was sealed under another key or name, or changed. */
  open(name: string, sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64url');
    // The decoder skips characters that are not base64url, so several texts would open.
    if (bytes.toString('base64url') !== sealed) throw new Error('the sealed text was changed');
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(name))
      .setAuthTag(tag);
    const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  }
}
