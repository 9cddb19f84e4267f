import type { HashEngine } from '../hashing/hash-engine.ts';
import { loadNativeHash } from '../hashing/native-hash.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import type { Logger } from '../log.ts';

/**
 * The native hash where it can be had, node:crypto otherwise; says which, and why it is slower.
 * @param speaks whether this is the process that tells the operator: one of them is enough.
 */
export function hashEngine(log: Logger, speaks = true): HashEngine {
  const reasons: string[] = [];
  const native = loadNativeHash((why) => reasons.push(why));
  if (native) log.debug({ hash: native.name }, 'hashing natively');
  else
    log[speaks ? 'warn' : 'debug'](
      { reasons },
      'hashing with node:crypto: uploads and downloads are slower than they could be',
    );
  return native ?? nodeHash;
}
