import type { HashEngine } from '../hashing/hash-engine.ts';
import { loadNativeHash } from '../hashing/native-hash.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import type { Logger } from '../log.ts';

/**
 * Loads the native hash, or falls back to node:crypto and logs why.
 * @param speaks whether this process warns the operator; one process is enough.
 */
export function hashEngine(log: Logger, speaks = true): HashEngine {
  const reasons: string[] = [];
  const native = loadNativeHash((why) => reasons.push(why));
  if (native) log.debug({ hash: native.name }, 'hashing natively');
  else
    log[speaks ? 'warn' : 'debug'](
      { reasons },
      'hashing with node:crypto, because the native hash cannot be loaded: uploads and downloads are slower',
    );
  return native ?? nodeHash;
}
