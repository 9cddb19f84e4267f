/** Finds blobs that nothing would ever remove. */
import type { DatabaseSync } from 'node:sqlite';
import type { BlobStore } from '../../../../src/domain/blob-store.ts';
import { expect } from '../model.ts';
import { describeWhole } from './bytes.ts';

/** What names a blob: an archive, a part, a job or the garbage list. The parts of ended uploads stay until the sweep. */
const NAMED = `select ref from archives where ref is not null union select ref from parts
  union select ref from jobs where ref is not null union select ref from garbage where ref is not null`;

/**
 * Requires that the catalog names every whole blob, or that it was set aside.
 * @param database of a server that has just started. @throws Violation.
 */
export async function requireNoLeaks(database: DatabaseSync, blobs: BlobStore): Promise<void> {
  const known = new Set(
    database
      .prepare(NAMED)
      .all()
      .map(({ ref }) => String(ref)),
  );
  for await (const batch of blobs.listAside()) for (const { ref } of batch.blobs) known.add(ref);
  for await (const ref of blobs.list()) {
    if (known.has(ref)) continue;
    const found = await describeWhole(blobs, ref);
    expect(
      found === undefined,
      () => `nothing will ever remove the blob ${ref}: ${JSON.stringify(found?.label)}`,
    );
  }
}
