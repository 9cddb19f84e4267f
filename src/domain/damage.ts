/** What a scrub, a check or a read finds wrong with stored bytes. */
import { LEAF_BYTES } from '../treehash/index.ts';
import { type VaultKey, vaultArn } from './vault.ts';

/**
 * - `data`: a MiB of a blob is not what was stored.
 * - `description`: a blob's end, or its header in a pack, is gone or changed, so none of the blob can be read.
 * - `other-blob`: a whole blob, but not the one that the catalog names.
 * - `missing`: there is no such blob.
 * - `unreadable`: the disk fails to read it.
 * - `file`: a file that holds no blob of its own (journal, note, table of a pack) is changed.
 */
export type DamageKind = 'data' | 'description' | 'other-blob' | 'missing' | 'unreadable' | 'file';

/** Damage of one blob. */
export interface BlobDamage {
  /** Number of the damaged MiB; null if all of the blob cannot be read. */
  readonly leaf: number | null;
  readonly kind: DamageKind;
}

/** Damage of a blob or of another file of the store. */
export interface FoundDamage extends BlobDamage {
  /** Reference of the blob, or path of the file within the store: only a path has a slash. */
  readonly ref: string;
}

/** What damaged bytes belong to. */
interface DamagedOwner extends VaultKey {
  /** Null for an inventory's output. */
  readonly archiveId: string | null;
  readonly description: string | null;
  /** Where the blob's bytes begin in the archive. */
  readonly first: number;
  /** Bytes of the blob's data. */
  readonly size: number;
}

/** Recorded damage. */
export interface Damage extends FoundDamage {
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Null for a file of the store, and for a blob that nothing names any more. */
  readonly owner: DamagedOwner | null;
}

/** Whether the damage is that of a file that holds no blob of its own. */
export function isFileDamage({ ref }: Pick<FoundDamage, 'ref'>): boolean {
  return ref.includes('/');
}

/** The bytes of the archive, or of the inventory, that cannot be read; both ends included. Null without an owner. */
export function damagedSpan({
  leaf,
  owner,
}: Pick<Damage, 'leaf' | 'owner'>): { first: number; last: number } | null {
  if (owner === null) return null;
  const at = leaf === null ? 0 : leaf * LEAF_BYTES;
  const end = leaf === null ? owner.size : Math.min(owner.size, at + LEAF_BYTES);
  return { first: owner.first + at, last: owner.first + end - 1 };
}

/** How many damaged ranges a message lists; its `DamageCount` counts all. */
const RANGES_PER_MESSAGE = 100;

/** A message about damage that was found together: one for each archive, and one for all other. */
export function damageMessages(found: readonly Damage[], nowMs: number): readonly string[] {
  const groups = Map.groupBy(found, ({ owner }) => (owner ? `${vaultArn(owner)}/${owner.archiveId}` : ''));
  return [...groups.values()].map((group) => JSON.stringify(messageOf(group, nowMs)));
}

function messageOf(group: readonly Damage[], nowMs: number): Record<string, unknown> {
  const owner = group[0]?.owner ?? null;
  return {
    Event: 'DamageFound',
    FoundDate: new Date(nowMs).toISOString(),
    VaultARN: owner && vaultArn(owner),
    ArchiveId: owner?.archiveId ?? null,
    ArchiveDescription: owner?.description ?? null,
    DamageCount: group.length,
    Damage: group.slice(0, RANGES_PER_MESSAGE).map((one) => {
      const span = damagedSpan(one);
      return { Kind: one.kind, Range: span && `${span.first}-${span.last}`, Blob: one.ref };
    }),
  };
}
