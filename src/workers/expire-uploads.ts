import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';

const UPLOADS_PER_BATCH = 100;

export interface ExpirySettings {
  /** Uploads without activity for this long expire, ms. */
  readonly uploadExpiryMs: number;
  /** Ended uploads are remembered this long, ms. */
  readonly completeMemoryMs: number;
}

/** Ends idle uploads and forgets those that ended long ago. Concurrent runs are harmless. */
export async function expireUploads(catalog: Catalog, clock: Clock, settings: ExpirySettings): Promise<void> {
  const nowMs = clock.now();
  const beforeMs = nowMs - settings.uploadExpiryMs;
  for (;;) {
    const idle = await catalog.idleUploads(beforeMs, UPLOADS_PER_BATCH);
    for (const { no } of idle) await catalog.expireUpload({ uploadNo: no, beforeMs, nowMs });
    if (idle.length < UPLOADS_PER_BATCH) break;
  }
  await catalog.forgetUploads({ endedBeforeMs: nowMs - settings.completeMemoryMs });
}
