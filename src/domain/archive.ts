import { invalidParameter, notFound } from './errors.ts';
import type { VaultKey } from './vault.ts';
import { vaultArn } from './vault.ts';

/** An archive as the catalog knows it. It never changes. */
export interface Archive {
  readonly no: number;
  readonly id: string;
  readonly vaultNo: number;
  /** Null when none was given. */
  readonly description: string | null;
  readonly createdMs: number;
  /** Bytes, at least 1. */
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly treeHash: string;
}

const HEX_HASH = /^[0-9a-f]{64}$/;

/** Whether `text` is a whole SHA-256 in lower-case hex. */
export function isHexHash(text: string): boolean {
  return HEX_HASH.test(text);
}

/** The refusal for an id that was never issued. */
export function archiveNotFound(id: string): Error {
  return notFound(`The archive ID was not found: ${id}`);
}

/** The refusal for an id of another vault: the service names the vault of the request (observed). */
export function archiveOfAnotherVault(vault: VaultKey): Error {
  return invalidParameter(`Invalid vault name: ${vaultArn(vault)}`);
}
