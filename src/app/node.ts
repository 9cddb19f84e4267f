/** The server of one serving process, over a catalog and a store. */
import type { Server } from 'node:http';
import { type AddressInfo, BlockList, isIPv6 } from 'node:net';
import type { RenewingLog } from '../audit/renewing-log.ts';
import type { Config } from '../config/read.ts';
import type { ListenAddress } from '../config/values.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { withoutPath } from '../domain/errors.ts';
import { Ids } from '../domain/ids.ts';
import type { ScrubStore } from '../domain/scrub-store.ts';
import { SecretBox } from '../domain/secret-box.ts';
import { Sequencer } from '../domain/sequence.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import type { Logger } from '../log.ts';
import { OPERATIONS } from '../operations/table.ts';
import { PolicyCache } from '../protocol/policy-cache.ts';
import { createRouter } from '../protocol/route.ts';
import { createServer, cutConnections, stopDraining } from '../protocol/server.ts';
import { createSigningKeys } from '../protocol/signature/keys.ts';
import { UnprovenBodies } from '../protocol/unproven-bodies.ts';
import type { UnsignedDenials } from '../protocol/unsigned-denials.ts';
import { readScrubProgress } from '../workers/scrub-note.ts';
import { credentialsFrom } from './credentials.ts';
import type { DamageWatch } from './damage-watch.ts';
import { connectionBound, descriptorLimit } from './descriptors.ts';
import type { RunningEmulator } from './emulator.ts';
import { createDueTime } from './job-settings.ts';
import { listenError } from './listen-address.ts';
import { requestLogger } from './request-log.ts';
import type { SpaceWatch } from './space-watch.ts';
import { systemClock, systemRandom } from './system.ts';

/** Limit for bodies read before their sender is authenticated, in one process: 32 of the longest. */
const UNPROVEN_BYTES = 32 * 1024 * 1024;
/** A stop cuts connections that are still busy after this time. */
const STOP_GRACE_MS = 30_000;

export interface NodeDeps {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly blobs: BlobStore & Pick<ScrubStore, 'scrubKey'>;
  readonly clock: Clock;
  readonly trustedTime: TrustedTime;
  readonly audit: RenewingLog;
  readonly denials: UnsignedDenials;
  readonly space: SpaceWatch;
  readonly damage: DamageWatch;
  readonly masterKey: Buffer;
  readonly log: Logger;
  readonly emulator?: RunningEmulator | undefined;
}

/** Creates a server that does not listen yet. */
export function createNode({
  config,
  catalog,
  blobs,
  clock,
  trustedTime,
  audit,
  denials,
  space,
  damage,
  masterKey,
  log,
  emulator,
}: NodeDeps): Server {
  const operationDeps = {
    catalog,
    blobs,
    clock,
    ids: new Ids(masterKey, systemRandom),
    sequence: new Sequencer(clock),
    scrubs: { progress: () => readScrubProgress(blobs), keyOf: (ref: string) => blobs.scrubKey(ref) },
    settings: {
      completeMemoryMs: config.completeMemoryMs,
      inventoryMode: config.inventoryIntervalMs === null ? ('live' as const) : ('periodic' as const),
      directReads: config.directReads,
      expeditedCapacity: config.expeditedCapacity,
      damageTopic: config.damageTopic,
      dueTime: createDueTime(config.jobTimes, config.seed),
    },
  };
  const policies = new PolicyCache();
  const logDone = requestLogger(log, systemClock);
  const anyKey = emulator !== undefined && config.emulatorAnyKey;
  const find = credentialsFrom({ catalog, box: new SecretBox(masterKey), policies, anyKey }, systemClock);
  return createServer({
    ...(config.tls ? { tls: config.tls } : {}),
    ...(emulator ? { emulator } : {}),
    connections: {
      all: connectionBound(descriptorLimit()),
      perAddress: config.connectionsPerAddress,
      proxies: networksOf(config.proxies),
    },
    pipeline: {
      router: createRouter(OPERATIONS),
      authenticator: {
        find,
        keys: createSigningKeys(),
        idleMs: config.requestIdleMs,
        unproven: new UnprovenBodies(UNPROVEN_BYTES),
      },
      operationDeps,
      trustedTime,
      policies,
      audit,
      requireSpace: (operation) => space.requireSpace(operation),
      denials,
      wallClock: systemClock,
      ...(emulator ? { faults: emulator.waiting } : {}),
      onDone: (done) => {
        space.note(done.error);
        logDone(done);
      },
    },
    health: () => {
      const reason =
        reasonOf(blobs.failure()) ??
        reasonOf(audit.failure(), AUDIT) ??
        reasonOf(catalog.failure()) ??
        space.status();
      const damaged = damage.count > 0 ? { damage: damage.count } : {};
      return reason === undefined ? { status: 'ok', ...damaged } : { status: 'failing', reason, ...damaged };
    },
  });
}

/** Makes a list to check addresses against. @param networks addresses, or networks in CIDR form. */
function networksOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

const AUDIT = 'The audit log cannot be written: ';

/** Explains a failure without a path, because the server's health is public. */
function reasonOf(failure: unknown, what = ''): string | undefined {
  return failure === undefined ? undefined : `${what}${withoutPath(failure)}`;
}

/**
 * Listens. @returns the address in use.
 * @param shared whether other processes of this user may also listen on the address. The system then distributes
 * connections. (If the primary did, each hand-over would wait for the one before, and in a flood thousands would wait.)
 * @throws the error from `listenError`.
 */
export function listen(
  server: Server,
  { host, port }: ListenAddress,
  shared = false,
): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => reject(listenError(error, { host, port }));
    server.once('error', refuse);
    server.listen({ host, port, backlog: 1024, reusePort: shared }, () => {
      server.off('error', refuse);
      const { address, port: taken } = server.address() as AddressInfo;
      resolve({ host: address, port: taken });
    });
  });
}

/** Accepts no more connections, and resolves when requests under way have ended or were cut after the grace time. */
export function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    stopDraining(server);
    const cut = setTimeout(() => cutConnections(server), STOP_GRACE_MS);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
