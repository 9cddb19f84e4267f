/** Lists as async iterators: pages are asked for as they are needed. */
import type { GlacierClient } from './client.ts';
import type {
  CallOptions,
  JobDescription,
  ListJobsInput,
  PartDescription,
  UploadDescription,
  UploadInput,
  VaultDescription,
  VaultInput,
} from './shapes.ts';

/** Every vault of the account in the client's region, in order of their names. */
export function eachVault(client: GlacierClient, options?: CallOptions): AsyncGenerator<VaultDescription> {
  return each(
    (marker) => client.listVaults({ marker }, options),
    (page) => page.vaultList,
  );
}

/** Every job of a vault that the server still knows. */
export function eachJob(
  client: GlacierClient,
  input: Omit<ListJobsInput, 'limit' | 'marker'>,
  options?: CallOptions,
): AsyncGenerator<JobDescription> {
  return each(
    (marker) => client.listJobs({ ...input, marker }, options),
    (page) => page.jobList,
  );
}

/** Every open multipart upload of a vault. */
export function eachUpload(
  client: GlacierClient,
  input: VaultInput,
  options?: CallOptions,
): AsyncGenerator<UploadDescription> {
  return each(
    (marker) => client.listMultipartUploads({ ...input, marker }, options),
    (page) => page.uploadsList,
  );
}

/** Every part that the server has of an upload, in order. */
export function eachPart(
  client: GlacierClient,
  input: UploadInput,
  options?: CallOptions,
): AsyncGenerator<PartDescription> {
  return each(
    (marker) => client.listParts({ ...input, marker }, options),
    (page) => page.parts,
  );
}

interface Page {
  readonly marker: string | null;
}

async function* each<P extends Page, Item>(
  get: (marker: string | undefined) => Promise<P>,
  itemsOf: (page: P) => readonly Item[],
): AsyncGenerator<Item> {
  let marker: string | null | undefined;
  do {
    const page = await get(marker ?? undefined);
    yield* itemsOf(page);
    marker = page.marker;
  } while (marker !== null);
}
