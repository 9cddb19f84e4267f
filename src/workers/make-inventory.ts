import type { BlobLabel, BlobStore, BlobWriter } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { decodeInventoryMarker, encodeInventoryMarker, inventoryWriter } from '../domain/inventory.ts';
import type { InventoryScope, LeasedInventory } from '../domain/inventory-catalog.ts';
import type { InventoryJob, InventoryOutput } from '../domain/job.ts';
import type { InventoryKey } from '../domain/page.ts';
import { vaultArn } from '../domain/vault.ts';

/** Small, because larger pages survive scavenges and grow the heap. Each page costs a query. */
const ENTRIES_PER_PAGE = 250;
const BUFFER_BYTES = 1_048_576;

export interface InventoryDeps {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

/**
 * Writes the output of an inventory job to a blob, a page of archives at a time, so that memory does not grow with the
 * vault.
 * @param keep called after each page; false stops the work, because the lease is lost.
 * @returns null after `keep` returned false; then the blob is discarded.
 */
export async function makeInventory(
  { catalog, blobs, clock }: InventoryDeps,
  { job, vault, snapshot }: LeasedInventory,
  keep: () => Promise<boolean>,
): Promise<InventoryOutput | null> {
  const nowMs = clock.now();
  const file = new TextBlob(await blobs.create(null));
  try {
    const text = inventoryWriter(job.request.format);
    await file.append(text.head(vaultArn(vault), snapshot?.takenMs ?? nowMs));
    let nextMarker: string | null = null;
    let written = 0;
    for await (const { entries, more } of pagesOf(
      catalog,
      job,
      scopeOf(job, snapshot?.takenMs ?? null, nowMs),
    )) {
      if (!(await keep())) return await file.discard();
      for (const entry of entries) {
        const flushed = file.append(text.entry(entry, written++ === 0));
        if (flushed) await flushed;
      }
      const last = entries.at(-1);
      nextMarker = more && last ? encodeInventoryMarker(last, job.vaultNo) : null;
    }
    await file.append(text.tail());
    const { account, region, name } = vault;
    const label = { kind: 'inventory', account, region, vault: name, archiveId: '', jobId: job.id } as const;
    const described = { ...label, description: null, createdMs: nowMs, sequence: 0, offset: 0 };
    const { ref, size } = await file.finish(described);
    return { ref, size, nextMarker };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Live inventories list archives up to their own start; later ones are for the next inventory. */
function scopeOf({ request }: InventoryJob, asOfMs: number | null, nowMs: number): InventoryScope {
  const endMs = asOfMs === null ? Math.min(request.endMs ?? nowMs + 1, nowMs + 1) : request.endMs;
  return { startMs: request.startMs, endMs, asOfMs };
}

/** Yields pages up to the job's limit; `more` says whether archives follow the page. */
async function* pagesOf(catalog: Catalog, { vaultNo, request }: InventoryJob, scope: InventoryScope) {
  let after: InventoryKey | null =
    request.marker === null ? null : decodeInventoryMarker(request.marker).after;
  for (let left = request.limit ?? Number.POSITIVE_INFINITY; left > 0; ) {
    const limit = Math.min(ENTRIES_PER_PAGE, left);
    const { rows, more } = await catalog.listInventory(vaultNo, scope, { after, limit });
    yield { entries: rows, more };
    if (!more) return;
    left -= rows.length;
    after = rows.at(-1) ?? after;
  }
}

/** Text that is written to a blob in large pieces. */
class TextBlob {
  readonly #writer: BlobWriter;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;

  constructor(writer: BlobWriter) {
    this.#writer = writer;
  }

  /** Returns a promise only when it flushes, to save millions of promises. */
  append(text: string): Promise<void> | undefined {
    // UTF-8 takes at most three bytes for each unit of the string.
    if (this.#used + text.length * 3 > BUFFER_BYTES) return this.#flush().then(() => this.append(text));
    this.#used += this.#buffer.write(text, this.#used);
    return undefined;
  }

  async finish(label: BlobLabel): Promise<{ ref: string; size: number }> {
    await this.#flush();
    const { size } = await this.#writer.digest();
    return { ref: await this.#writer.finish(label), size };
  }

  async discard(): Promise<null> {
    await this.#writer.discard();
    return null;
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    await this.#writer.write([bytes]);
  }
}
