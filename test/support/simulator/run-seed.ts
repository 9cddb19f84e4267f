/** Runs whole seeds. */
import { CatalogFile } from './catalog.ts';
import { CrashStates, type StateTally } from './crash-states.ts';
import { SimulatedDisk } from './disk.ts';
import { eventsOf, type SimulationEvent } from './events.ts';
import { FolderNode } from './folder-node.ts';
import { Installation, Workbench } from './installation.ts';
import { SimulatedProcess } from './process.ts';
import { Random } from './random.ts';
import { type PlantedBug, SimulatedServer } from './server.ts';
import { Simulation } from './simulation.ts';
import type { Tally } from './tally.ts';

export interface RunOptions {
  readonly tally: Tally;
  readonly bug?: PlantedBug | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** Runs simulations one after the other, each from a copy of an installation that has been started once. */
export class Runner {
  readonly #bench: Workbench;
  readonly #disk: SimulatedDisk;
  /** Path of a catalog after one start. */
  readonly #catalog: string;
  readonly #loopMs: number;

  private constructor(bench: Workbench, { disk, folder, loop }: Installation) {
    this.#bench = bench;
    this.#disk = disk;
    this.#catalog = folder.catalog;
    this.#loopMs = loop.nowMs;
  }

  static async open(): Promise<Runner> {
    const bench = await Workbench.open();
    const installation = new Installation(
      newDisk(),
      new CatalogFile(bench.path('started.sqlite'), bench.emptyCatalog),
    );
    await startOnce(installation);
    installation.catalog.close();
    return new Runner(bench, installation);
  }

  close(): void {
    this.#bench.close();
  }

  /** @returns the error that ended it; undefined if all was right. */
  async run(events: readonly SimulationEvent[], options: RunOptions): Promise<Error | undefined> {
    const catalog = new CatalogFile(this.#bench.path('catalog.sqlite'), this.#bench.emptyCatalog);
    catalog.replace(this.#catalog);
    const installation = new Installation(this.#disk.clone(), catalog);
    installation.loop.nowMs = this.#loopMs;
    try {
      await new Simulation({ installation, ...options }).run(events);
      return undefined;
    } catch (error) {
      return error as Error;
    } finally {
      catalog.close();
    }
  }

  /** Crash states, on copies of the same installation. */
  crashStates(tally: StateTally, twice: boolean): CrashStates {
    const catalog = new CatalogFile(this.#bench.path('states.sqlite'), this.#bench.emptyCatalog);
    const [disk, started, loopMs] = [this.#disk, this.#catalog, this.#loopMs];
    return new CrashStates({
      disk,
      started,
      loopMs,
      catalog,
      copy: this.#bench.path('state.copy'),
      tally,
      twice,
    });
  }

  runSeed(seed: number, options: RunOptions): Promise<Error | undefined> {
    options.tally.seeds++;
    return this.run(eventsOf(seed), options);
  }
}

/** A disk with an empty data folder. */
function newDisk(): SimulatedDisk {
  const root = new FolderNode();
  root.set('data', new FolderNode());
  root.flush();
  return new SimulatedDisk(root);
}

/** Starts a server for the first time and stops it. */
async function startOnce(installation: Installation): Promise<void> {
  const { loop } = installation;
  const process = new SimulatedProcess({ loop });
  const server = new SimulatedServer({ installation, process, random: new Random(1) });
  loop.install();
  try {
    let isOver = false;
    let failure: unknown;
    const both = async () => {
      await server.start();
      await server.stop();
    };
    await loop.runAs(process, () => {
      both()
        .catch((error: unknown) => {
          failure = error;
        })
        .finally(() => {
          isOver = true;
        });
    });
    while (!isOver && (await loop.turn()));
    if (failure !== undefined) throw failure;
  } finally {
    loop.uninstall();
  }
}
