/** Audits refusals of requests without a valid signature. */
import type { AuditLog } from '../audit/audit-log.ts';
import type { Config } from '../config/read.ts';
import { Ids } from '../domain/ids.ts';
import type { Logger } from '../log.ts';
import { toCountingEvent } from '../protocol/audit-event.ts';
import { COUNTING_MS, UnsignedDenials } from '../protocol/unsigned-denials.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { systemClock, systemRandom } from './system.ts';

/**
 * Limit for the refusals that all processes together audit one by one in a day. Each process adds a counting event of at
 * most a kilobyte every ten minutes, so 256 processes write less than 100 MB a day in total.
 */
const BYTES_PER_DAY = 50_000_000;

/** The refusals of one serving process, which gets its share of the bytes. */
export function unsignedDenials({ workers }: Pick<Config, 'workers'>): UnsignedDenials {
  return new UnsignedDenials(BYTES_PER_DAY / workers);
}

interface CountingDeps {
  readonly denials: UnsignedDenials;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly masterKey: Buffer;
  readonly log: Logger;
}

/** Audits the number of refusals that were only counted: every ten minutes, and when it is stopped. */
export function startCounting({ denials, audit, masterKey, log }: CountingDeps): Scheduled {
  const ids = new Ids(masterKey, systemRandom);
  const appendCounted = async (): Promise<void> => {
    const counted = denials.takeCounted();
    if (counted) await audit.append(toCountingEvent(counted, systemClock.now(), ids.requestId()));
  };
  const failed = (err: unknown): void => log.error({ err }, 'the number of refusals cannot be audited');
  const counting = repeat(COUNTING_MS, appendCounted, failed);
  return {
    async stop() {
      await counting.stop();
      await appendCounted().catch(failed);
    },
  };
}
