/** The entries of the store's journal, as docs/format.md specifies them. */
import type { AccessKey } from './access-key-catalog.ts';

interface InVault {
  readonly account: string;
  readonly region: string;
  readonly vault: string;
}

interface At {
  readonly at: number;
}

type VaultEntry = InVault &
  (
    | ({ readonly type: 'vault-created' } & At)
    | ({ readonly type: 'vault-deleted' } & At)
    | { readonly type: 'vault-tags'; readonly tags: Readonly<Record<string, string>> }
    | {
        readonly type: 'vault-notifications';
        readonly topic: string | null;
        readonly events: readonly string[];
      }
    | { readonly type: 'vault-access-policy'; readonly policy: string | null }
    | ({ readonly type: 'vault-lock'; readonly state: null } & At)
    | ({
        readonly type: 'vault-lock';
        readonly state: 'InProgress' | 'Locked';
        readonly policy: string;
        readonly lockIdHash: string;
        readonly createdMs?: number;
      } & At)
  );

type UploadEntry = InVault &
  At & { readonly uploadId: string } & (
    | {
        readonly type: 'upload-started';
        readonly archiveId: string;
        readonly description: string | null;
        readonly partSize: number;
        /** Of an import: the account that began it. */
        readonly importedBy?: string;
        /** The creation date that an import gives. */
        readonly createdMs?: number;
      }
    | {
        readonly type: 'upload-completed';
        readonly archiveId: string;
        readonly description: string | null;
        readonly size: number;
        readonly treeHash: string;
        readonly number?: number;
      }
    | { readonly type: 'upload-ended'; readonly how: 'aborted' | 'expired' }
  );

type ArchiveEntry = InVault &
  (
    | ({ readonly type: 'archive-deleted'; readonly archiveId: string } & At)
    | {
        readonly type: 'archive-imported';
        readonly archiveId: string;
        readonly createdMs: number;
        readonly arrivedMs: number;
      }
    | { readonly type: 'archive-numbered'; readonly archiveId: string; readonly number: number }
    | { readonly type: 'archives-kept'; readonly bulkId: string; readonly archiveIds: readonly string[] }
    | ({
        readonly type: 'archives-deleted';
        readonly bulkId: string;
        readonly upTo: number;
        readonly kept: number;
      } & At)
    | { readonly type: 'ids-used'; readonly archiveIds: readonly string[] }
  );

type PeopleEntry =
  | ({ readonly type: 'account-created'; readonly account: string } & At)
  | ({
      readonly type: 'user-created';
      readonly account: string;
      readonly userNumber: number;
      readonly userName: string;
      readonly userId: string;
    } & At)
  | { readonly type: 'user-deleted'; readonly userNumber: number }
  | {
      readonly type: 'user-policy';
      readonly userNumber: number;
      readonly policyName: string;
      readonly document: string | null;
    }
  | ({
      readonly type: 'access-key';
      readonly account: string;
      readonly accessKeyId: string;
      readonly userNumber: number | null;
      readonly sealedSecret: string;
      readonly status: AccessKey['status'];
      readonly origin: AccessKey['origin'];
    } & At)
  | { readonly type: 'access-key-deleted'; readonly accessKeyId: string };

type OtherEntry =
  | { readonly type: 'setting'; readonly name: string; readonly value: string }
  | {
      readonly type: 'retrieval-policy';
      readonly account: string;
      readonly region: string;
      readonly strategy: string;
      readonly bytes_per_hour: string | null;
    }
  | {
      readonly type: 'capacity-unit';
      readonly account: string;
      readonly region: string;
      readonly id: string;
      readonly startMs: number;
      readonly expiresMs: number;
    }
  | { readonly type: 'numbers-skipped'; readonly beyond: number };

/** An entry of a type that this version knows. */
export type Entry = VaultEntry | UploadEntry | ArchiveEntry | PeopleEntry | OtherEntry;
export type EntryOf<Type extends Entry['type']> = Extract<Entry, { readonly type: Type }>;

/** Every type, so that one without a line here does not compile. */
const ENTRY_TYPES: Readonly<Record<Entry['type'], true>> = {
  'vault-created': true,
  'vault-deleted': true,
  'vault-tags': true,
  'vault-notifications': true,
  'vault-access-policy': true,
  'vault-lock': true,
  'upload-started': true,
  'upload-completed': true,
  'upload-ended': true,
  'archive-deleted': true,
  'archive-imported': true,
  'archive-numbered': true,
  'archives-kept': true,
  'archives-deleted': true,
  'ids-used': true,
  'account-created': true,
  'user-created': true,
  'user-deleted': true,
  'user-policy': true,
  'access-key': true,
  'access-key-deleted': true,
  setting: true,
  'retrieval-policy': true,
  'capacity-unit': true,
  'numbers-skipped': true,
};

/** The types that this version does not know, sorted. */
export function unknownTypes(types: Iterable<string>): string[] {
  return [...new Set(types)].filter((type) => !Object.hasOwn(ENTRY_TYPES, type)).sort();
}
