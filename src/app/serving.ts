/** Answers requests in the primary itself, or in serving processes. */
import cluster from 'node:cluster';
import type { Server } from 'node:http';
import { readIdentity } from '../blobs/disk/identity.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import { openAudit } from './audit.ts';
import {
  type ChoreDeps,
  type DueWork,
  doDueWork,
  dueWorkOf,
  LOOK_AT_DAMAGE,
  logChoreFailure,
  startSharedChores,
} from './chores.ts';
import { DamageWatch } from './damage-watch.ts';
import { startCounting, unsignedDenials } from './denials.ts';
import { createEmulator, type RunningEmulator, TurnableClock } from './emulator.ts';
import { readLoad } from './load-watch.ts';
import { createNode, listen, stopServer } from './node.ts';
import type { Primary } from './primary.ts';
import { logAnchorFailure } from './process-deps.ts';
import { serveGrowing } from './serve-growing.ts';
import { openServingProcesses, type Serving, startServingProcesses } from './serving-processes.ts';
import { systemClock, systemRandom } from './system.ts';
import { renewTls } from './tls-pair.ts';

interface ServingDeps extends ChoreDeps {
  readonly trustedTime: TrustedTime;
}

/** Starts serving, and resolves when the server accepts connections. @throws the error of the first failing process. */
export function startServing(primary: Primary, deps: ServingDeps): Promise<Serving> {
  const { workers, growing } = deps.config;
  if (workers === 1) return serveHere(primary, deps);
  if (growing) return serveHereFirst(primary, deps);
  return startServingProcesses(processesDeps(primary, deps));
}

/** What serves in this process. */
interface ServingHere extends Serving {
  readonly server: Server;
}

async function serveHereFirst(primary: Primary, deps: ServingDeps): Promise<Serving> {
  const here = await serveHere(primary, deps, true);
  const { config, log } = deps;
  const { port } = here.address;
  const processes = openServingProcesses(
    processesDeps(primary, { config: { ...config, listen: { ...config.listen, port } }, log }),
  );
  return serveGrowing({ here, processes, most: config.workers - 1, readLoad, log });
}

/** @param shared as for `listen`. */
async function serveHere(primary: Primary, deps: ServingDeps, shared = false): Promise<ServingHere> {
  const audit = await openAudit(
    { ...primary, clock: systemClock, random: systemRandom, space: primary.space.of('audit log') },
    logAnchorFailure(deps.log),
  );
  const due = dueWorkOf(deps);
  const denials = unsignedDenials(deps.config);
  const emulator = emulatorOf(primary, deps, due);
  const damage = new DamageWatch(primary.catalog);
  const { blobs } = primary;
  const server = createNode({ ...primary, ...deps, blobs, audit: audit.log, denials, damage, emulator });
  const chores = [
    ...startSharedChores(deps, due),
    damage.schedule(logChoreFailure(deps.log, LOOK_AT_DAMAGE)),
    startCounting({ ...deps, denials, audit: audit.log, masterKey: primary.masterKey }),
  ];
  const address = await listen(server, deps.config.listen, shared);
  return {
    address,
    server,
    // The only store is the primary's.
    stopWriting() {},
    renewTls: (pair) => renewTls(server, pair),
    async stop() {
      emulator?.stop();
      await stopServer(server);
      for (const chore of chores) await chore.stop();
      await audit.close();
    },
  };
}

function emulatorOf(
  { catalog, blobs, folder }: Primary,
  deps: ChoreDeps,
  due: DueWork,
): RunningEmulator | undefined {
  const { clock, config } = deps;
  if (!(clock instanceof TurnableClock)) return undefined;
  const { inventoryIntervalMs, emulatorHosts: hosts } = config;
  const isEmulated = async () => (await readIdentity(folder.store))?.emulator === true;
  const emulated = { catalog, blobs, clock, inventoryIntervalMs, hosts, isEmulated };
  return createEmulator({ ...emulated, doDueWork: () => doDueWork(deps, due) });
}

function processesDeps(
  { writer, stampSource, keeper }: Primary,
  { config, log }: Pick<ChoreDeps, 'config' | 'log'>,
): Parameters<typeof openServingProcesses>[0] {
  const { generation } = stampSource;
  const onWrite = () => keeper.onWrite();
  return { cluster, config, generation, writer, onWrite, log };
}
