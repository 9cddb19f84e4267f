/** The requests to a large vault, and to an empty one. */
import type { Bodies } from './bodies.ts';
import type { LoadRequest } from './load.ts';
import type { Glacier } from './servers/glacier.ts';
import { VAULT } from './servers/glacier.ts';
import { bodiless, headOf } from './servers/server.ts';
import { newestArchives, scatteredArchives, type VaultFolder } from './servers/vault-server.ts';

/** A vault, and the archives and jobs that requests name in it. */
export interface AskedVault extends VaultFolder {
  /** Archives uploaded before the first round. They are never deleted, and are retrieved if there are no others. */
  readonly kept: readonly string[];
}

export interface VaultOperation {
  readonly name: string;
  /** The operation for the empty vault; the same by default. */
  readonly against?: string;
  /** Signs this many requests now, for the archives that exist now. */
  requests(glacier: Glacier, vault: AskedVault, bodies: Bodies, count: number): readonly LoadRequest[];
}

const PATH = `/-/vaults/${VAULT}`;

/** The order within a round. Deletions of new archives follow their upload. */
export const VAULT_OPERATIONS: readonly VaultOperation[] = [
  {
    name: 'DescribeVault',
    requests: (glacier, _vault, _bodies, count) => times(count, () => plain(glacier, 'GET', PATH)),
  },
  {
    name: 'UploadArchive, 4 KiB',
    requests: (glacier, _vault, { small }, count) =>
      times(count, (i) => glacier.upload(small[i % small.length] as Bodies['piece'])),
  },
  {
    name: 'DeleteArchive, a new one',
    requests: (glacier, { data }, _bodies, count) => deletions(glacier, newestArchives(data, count)),
  },
  {
    name: 'DeleteArchive, an old one',
    // An empty vault has no archives.
    against: 'DeleteArchive, a new one',
    requests: (glacier, { data, archives }, _bodies, count) =>
      deletions(glacier, scatteredArchives(data, count, archives)),
  },
  {
    name: 'InitiateJob, archive retrieval',
    requests(glacier, { data, archives, kept }, _bodies, count) {
      const ids = archives > 0 ? scatteredArchives(data, count, archives) : kept;
      return times(count, (i) =>
        job(glacier, { Type: 'archive-retrieval', ArchiveId: ids[i % ids.length] ?? '' }),
      );
    },
  },
  {
    name: 'InitiateJob, inventory',
    requests: (glacier, _vault, _bodies, count) =>
      times(count, () => job(glacier, { Type: 'inventory-retrieval' })),
  },
];

function times<Value>(count: number, make: (index: number) => Value): Value[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

function plain({ api }: Glacier, method: string, target: string): LoadRequest {
  return bodiless(headOf(method, target, api.headersOf(method, target)));
}

function deletions(glacier: Glacier, ids: readonly string[]): LoadRequest[] {
  return ids.map((id) => plain(glacier, 'DELETE', `${PATH}/archives/${id}`));
}

/** Appends the body to the head, because it is known only now and the file of bodies is read at the start. */
function job({ api }: Glacier, members: Readonly<Record<string, string>>): LoadRequest {
  const body = JSON.stringify(members);
  const headers = api.headersOf('POST', `${PATH}/jobs`, {
    body,
    headers: { 'content-length': `${body.length}` },
  });
  return bodiless(headOf('POST', `${PATH}/jobs`, headers) + body);
}
