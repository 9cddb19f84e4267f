/** Runs serving processes for the primary: starts them, commits their writes, replaces those that die. */
import type { Cluster, Worker } from 'node:cluster';
import type { Writer } from '../catalog/writes.ts';
import type { Config, TlsPair } from '../config/read.ts';
import type { ListenAddress } from '../config/values.ts';
import type { Logger } from '../log.ts';
import { serveWrites } from './writer-link.ts';

/**
 * Limits V8's space for young objects. By default it grows to over 100 MiB in a process that creates many objects, for
 * example for a large inventory. `npm start` gives the primary the same flag.
 */
const YOUNG_SPACE = '--max-semi-space-size=16';
/** Pause before a dead process is replaced, so that a process that always dies does not load the machine. */
const REPLACE_PAUSE_MS = 1000;

/** What answers requests at an address: one process or several, and those that replace them. */
export interface Serving {
  readonly address: ListenAddress;
  /** Makes the stores of all serving processes refuse writes. */
  stopWriting(reason: string): void;
  /** Uses this pair for new handshakes. */
  renewTls(pair: TlsPair): void;
  /** Resolves when all requests under way are answered and all serving processes have ended. */
  stop(): Promise<void>;
}

interface ServingProcessesDeps {
  readonly cluster: Cluster;
  /** Of the server; `workers` is the number of processes. */
  readonly config: Config;
  /** Of the server; its processes mark their writes with it. */
  readonly generation: number;
  readonly writer: Writer | undefined;
  /** Called within 200 ms after a process wrote to the store. */
  onWrite(): void;
  readonly log: Logger;
}

/** A message from a serving process to the primary. */
export type ProcessMessage =
  | { readonly kind: 'serving'; readonly address: ListenAddress }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'wrote' }
  /** It is not needed, and ends when its connections have ended. */
  | { readonly kind: 'ending' };

/**
 * A message from the primary to a serving process. The settings come first, so that a process started later serves like
 * the others, even if the files of settings and certificate have changed.
 */
export type PrimaryMessage =
  | { readonly kind: 'settings'; readonly config: Config; readonly generation: number }
  | { readonly kind: 'stop-writing'; readonly reason: string }
  | { readonly kind: 'tls'; readonly pair: TlsPair }
  | { readonly kind: 'stop' };

/** Processes that serve on one port, and those that replace them. */
export interface ServingProcesses extends Omit<Serving, 'address'> {
  /** Starts some more; resolves when they serve. @throws the error of the first failing one. */
  start(count: number): Promise<ListenAddress[]>;
  /** Number of processes, without those that are ending. */
  count(): number;
}

/** Starts `config.workers` processes on one port; resolves when all serve. @throws the error of the first failing one. */
export async function startServingProcesses(deps: ServingProcessesDeps): Promise<Serving> {
  const { workers, listen } = deps.config;
  const processes = openServingProcesses(deps);
  try {
    // If the port is 0, the first process picks a port for all.
    const early = listen.port === 0 ? await processes.start(1) : [];
    const [address] = [...early, ...(await processes.start(workers - early.length))];
    return { ...processes, address: address as ListenAddress };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

/** Starts no process yet. */
export function openServingProcesses(deps: ServingProcessesDeps): ServingProcesses {
  const { cluster, log } = deps;
  let { config } = deps;
  cluster.setupPrimary({ serialization: 'advanced', execArgv: [...process.execArgv, YOUNG_SPACE] });
  let stopping = false;
  let refusing: string | undefined;
  const exits = new Set<Promise<void>>();
  const serving = new Set<Worker>();
  const startOne = (): Worker => {
    const worker = fork({ ...deps, config });
    serving.add(worker);
    if (refusing !== undefined) tell(worker, { kind: 'stop-writing', reason: refusing });
    worker.on('message', ({ kind }: ProcessMessage) => kind === 'ending' && serving.delete(worker));
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', (code, signal) => {
        exits.delete(exited);
        resolve();
        // A process that said that it ends needs no successor.
        if (stopping || !serving.delete(worker)) return;
        log.error({ pid: worker.process.pid, code, signal }, 'a serving process ended and will be replaced');
        setTimeout(() => !stopping && startOne(), REPLACE_PAUSE_MS);
      });
    });
    exits.add(exited);
    return worker;
  };
  return {
    async start(count) {
      const addresses = await Promise.all(Array.from({ length: count }, () => waitUntilServing(startOne())));
      const port = addresses[0]?.port ?? config.listen.port;
      config = { ...config, listen: { ...config.listen, port } };
      return addresses;
    },
    count: () => serving.size,
    stopWriting(reason) {
      refusing = reason;
      tellAll(cluster, { kind: 'stop-writing', reason });
    },
    renewTls(pair) {
      config = { ...config, tls: pair };
      tellAll(cluster, { kind: 'tls', pair });
    },
    async stop() {
      stopping = true;
      tellAll(cluster, { kind: 'stop' });
      await Promise.all(exits);
    },
  };
}

function tellAll(cluster: Cluster, message: PrimaryMessage): void {
  for (const worker of Object.values(cluster.workers ?? {})) if (worker) tell(worker, message);
}

/** Sends a message, unless the process is ending. */
function tell(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message, () => {});
}

function fork({ cluster, config, generation, writer, onWrite }: ServingProcessesDeps): Worker {
  const worker = cluster.fork();
  worker.on('message', (message: ProcessMessage) => {
    if (message.kind === 'wrote') onWrite();
  });
  // A broken channel means that the process is ending; its exit is handled instead.
  worker.on('error', () => {});
  tell(worker, { kind: 'settings', config, generation });
  if (writer) {
    const channel = {
      // A process that died during a write needs no answer.
      send: (message: unknown) => worker.isConnected() && worker.send(message as object, () => {}),
      onMessage: (take: (message: unknown) => void) => worker.on('message', take),
    };
    serveWrites(channel, writer);
  }
  return worker;
}

function waitUntilServing(worker: Worker): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: ProcessMessage) => {
      if (message.kind === 'serving') resolve(message.address);
      if (message.kind === 'failed') reject(new Error(message.message));
    });
    worker.on('exit', (code, signal) =>
      reject(new Error(`a serving process ended during its start (${signal ?? code})`)),
    );
  });
}
