/** Runs the events of a seed against a server, and compares everything with the model. */
import { DiskStore } from '../../../src/blobs/disk/disk-store.ts';
import { acceptCatalog } from '../../../src/workers/older-catalog.ts';
import { snapshotOf } from './backup.ts';
import { Claimed } from './claims.ts';
import { NO_HASH } from './engine.ts';
import type { SimulationEvent } from './events.ts';
import { Exchange } from './exchange.ts';
import { type FaultKind, FaultWindow } from './faults.ts';
import { SimulatedFileSystem } from './file-system.ts';
import { requireBytes, requireKept } from './inspect/bytes.ts';
import { readCatalog } from './inspect/catalog.ts';
import { compare } from './inspect/compare.ts';
import { requireNoLeaks } from './inspect/leaks.ts';
import { readStore } from './inspect/store.ts';
import type { Installation } from './installation.ts';
import { type ArchiveModel, expect, Model } from './model.ts';
import { SimulatedProcess } from './process.ts';
import { Random } from './random.ts';
import { simulateRebuild } from './rebuild.ts';
import type { Asked } from './requests/asked.ts';
import { REQUESTS } from './requests/kinds.ts';
import { toReply, toRequest } from './requests/on-the-wire.ts';
import { type PlantedBug, SimulatedServer } from './server.ts';
import { subset } from './survival.ts';
import type { Tally } from './tally.ts';

const VAULTS = ['red', 'green', 'blue'];
/** A request that takes longer, in virtual time, hangs. */
const LONGEST_REQUEST_MS = 15 * 60_000;
/** A server notices within this time that it lost its claims. */
const FENCED_WITHIN_MS = 3000;
const MOST_TURNS = 50_000;
const STARTS_UNDER_FAULTS = 3;
/** Requests may be under way while this much time passes. */
const SHORT_MS = 4000;
const DAY_MS = 86_400_000;
const REMEMBERED_MS = DAY_MS;
const UPLOADS_EXPIRE_MS = 3 * DAY_MS;

interface Pending {
  readonly asked: Asked;
  readonly exchange: Exchange;
  readonly server: SimulatedServer;
  readonly beganMs: number;
  /** Faults before it began. */
  readonly faults: number;
}

export interface SimulationDeps {
  /** A clean one, on which no server runs. */
  readonly installation: Installation;
  readonly tally: Tally;
  readonly bug?: PlantedBug | undefined;
  /** Called with what happens, for a person who reads it. */
  readonly log?: ((line: string) => void) | undefined;
}

export class Simulation {
  readonly #deps: SimulationDeps;
  readonly #installation: Installation;
  readonly #tally: Tally;
  readonly #model = new Model(VAULTS);
  readonly #pending = new Map<number, Pending>();
  #server: SimulatedServer | undefined;
  #window: FaultWindow | undefined;
  /** Faults that happened. */
  #faults = 0;
  /** Of the event under way. */
  #random = new Random(0);
  #requestIds = 0;
  /** While time is passed at once, requests seem to take long. */
  #passes = false;
  /** Puts the model back to where it was at the last backup. */
  #backup: (() => void) | undefined;
  /** Archives that were there when an older catalog was put back. */
  #kept: readonly ArchiveModel[] = [];
  /** Whether an older catalog was put back: then the store also tells of what that one lost. */
  #isMixed = false;

  constructor(deps: SimulationDeps) {
    this.#deps = deps;
    this.#installation = deps.installation;
    this.#tally = deps.tally;
  }

  /** @throws Violation. */
  async run(events: readonly SimulationEvent[]): Promise<void> {
    const { loop } = this.#installation;
    loop.install();
    try {
      for (const event of events) await this.#happen(event);
      await this.#end();
    } finally {
      this.#server?.kill();
      loop.uninstall();
      this.#tally.turns += loop.turns;
    }
  }

  async #happen(event: SimulationEvent): Promise<void> {
    this.#random = new Random(event.seed);
    this.#deps.log?.(JSON.stringify(event));
    switch (event.kind) {
      case 'request':
        return this.#request(event);
      case 'crash':
        return this.#crash(event.power);
      case 'restart':
        return this.#restart();
      case 'time':
        return this.#passTime(event.ms);
      case 'fault':
        return this.#openWindow(event.fault, event.steps);
      case 'second server':
        return this.#secondServer(event.claimsRemoved);
      case 'backup':
        return this.#takeBackup();
      case 'older catalog':
        return this.#putBack(event.accepts);
      case 'rebuild':
        return this.#rebuild(event.power);
    }
  }

  async #request({ client, asks }: SimulationEvent & { kind: 'request' }): Promise<void> {
    const server = await this.#running();
    await this.#settleClient(client);
    // The server may have stopped answering meanwhile.
    const { pipeline } = server;
    const asked = REQUESTS[asks]({ model: this.#model, random: this.#random });
    if (asked === undefined || pipeline === undefined) return;
    this.#tally.requests++;
    this.#deps.log?.(`  ${client}: ${asked.name}`);
    const { loop } = this.#installation;
    const exchange = new Exchange(loop, toRequest(asked.draft, this.#installation.nowMs()));
    this.#pending.set(client, {
      asked,
      exchange,
      server,
      beganMs: loop.nowMs,
      faults: this.#faults,
    });
    loop.post(() => exchange.begin(`request-${this.#requestIds++}`, pipeline), server.process);
    for (let turns = this.#random.below(14); turns > 0; turns--) await this.#turn();
  }

  /** Lets one thing happen, then hands out the answers that have come. */
  async #turn(random = this.#random): Promise<boolean> {
    const goesOn = await this.#installation.loop.turn(random);
    for (const [client, pending] of this.#pending) if (this.#judge(pending)) this.#pending.delete(client);
    return goesOn;
  }

  /** Whether the request has ended. @throws Violation for an answer that may not come. */
  #judge({ asked, exchange, server, beganMs, faults }: Pending): boolean {
    const { answer } = exchange;
    const ms = this.#installation.loop.nowMs - beganMs;
    if (answer === undefined) {
      expect(ms < LONGEST_REQUEST_MS || this.#passes, () => `no answer came: ${asked.name}`);
      return false;
    }
    const { status, body, isWhole } = answer;
    if (isWhole && status !== undefined && status < 500) {
      asked.answer(toReply(answer, status));
      return true;
    }
    // It may go on although its client is gone. What a dying process tells of its own end reaches nobody.
    if (!exchange.isOver || server.process.isDead) return false;
    if (status !== undefined && status < 300) asked.onPartial(body);
    if (status !== undefined && status >= 500) {
      this.#tally.shortages++;
      const mayFail = this.#faults > faults || server.failure() !== undefined || asked.mayFail();
      expect(
        mayFail,
        () => `${asked.name} failed without a fault: ${status} ${body.toString().slice(0, 300)}`,
      );
    }
    asked.lose();
    return true;
  }

  async #settleClient(client: number): Promise<void> {
    for (let turns = 0; this.#pending.has(client); turns++) await this.#turnFor(turns);
  }

  async #settleAll(): Promise<void> {
    for (let turns = 0; this.#pending.size > 0; turns++) await this.#turnFor(turns);
  }

  async #turnFor(turns: number): Promise<void> {
    const goesOn = await this.#turn();
    const names = () => [...this.#pending.values()].map(({ asked }) => asked.name).join(', ');
    expect(goesOn && turns < MOST_TURNS, () => `requests hang: ${names()}`);
  }

  /** The server, started if there is none. */
  async #running(): Promise<SimulatedServer> {
    if (this.#server === undefined) await this.#start();
    return this.#server as SimulatedServer;
  }

  async #start(): Promise<void> {
    for (let tries = 0; this.#server === undefined; tries++) {
      if (tries === STARTS_UNDER_FAULTS) this.#window = undefined;
      await this.#tryStart(this.#random.chance(0.1));
    }
    this.#deps.log?.('  the server has started');
    await this.#inspect();
  }

  /** @param dies whether the process dies on the way. */
  async #tryStart(dies: boolean): Promise<void> {
    const { loop } = this.#installation;
    const random = new Random(this.#random.seed());
    const process = new SimulatedProcess({
      loop,
      random,
      faults: { take: (step) => this.#window?.take(step) },
    });
    if (dies) process.dieAt(this.#random.below(40), this.#random.chance(0.5));
    const { bug } = this.#deps;
    const server = new SimulatedServer({ installation: this.#installation, process, random, bug });
    const faults = this.#faults;
    this.#tally.starts++;
    const outcome = await this.#settle(process, () => server.start());
    if (outcome === 'done') {
      process.spare();
      this.#server = server;
      return;
    }
    server.kill();
    if (outcome === 'dead') {
      this.#tally.crashes++;
      this.#cutPower(true);
      return;
    }
    expect(this.#faults > faults, () => `a start failed without a fault: ${String(outcome)}`);
  }

  /** Runs something of a process to its end, or to that of the process. */
  async #settle(process: SimulatedProcess, run: () => Promise<void>): Promise<unknown> {
    let outcome: unknown;
    await this.#installation.loop.runAs(process, () => {
      run().then(
        () => {
          outcome = 'done';
        },
        (error: unknown) => {
          outcome = error;
        },
      );
    });
    for (let turns = 0; outcome === undefined; turns++) {
      if (process.isDead) return 'dead';
      const goesOn = await this.#turn();
      if (outcome === undefined && !goesOn) expect(false, () => 'the server hangs');
      expect(turns < MOST_TURNS, () => 'the server hangs');
    }
    return process.isDead ? 'dead' : outcome;
  }

  /** Ends the server's process, perhaps with the power, at any moment. */
  async #crash(power: boolean): Promise<void> {
    const { process } = await this.#running();
    // Between two events, or within one: before or after a write, a flush or a commit.
    if (this.#random.chance(0.5))
      process.dieAt(process.durableSteps + this.#random.below(8), this.#random.chance(0.5));
    for (let turns = this.#random.below(12); turns > 0 && !process.isDead; turns--) await this.#turn();
    this.#tally.crashes++;
    this.#kill();
    this.#cutPower(power);
    await this.#inspectStore();
  }

  /** Ends the server's process, and with it every request. */
  #kill(): void {
    this.#server?.kill();
    this.#server = undefined;
    for (const [client, { asked, exchange }] of this.#pending) {
      exchange.breakOff();
      const { answer } = exchange;
      if (answer?.isWhole && answer.status !== undefined && answer.status < 500)
        asked.answer(toReply(answer, answer.status));
      else asked.lose();
      this.#pending.delete(client);
    }
  }

  #cutPower(power: boolean): void {
    if (!power) return;
    this.#tally.powerCuts++;
    this.#installation.disk.cutPower(subset(this.#random));
  }

  async #restart(): Promise<void> {
    await this.#running();
    await this.#stop();
    await this.#start();
  }

  async #stop(): Promise<void> {
    await this.#settleAll();
    const server = this.#server;
    if (!server) return;
    const outcome = await this.#settle(server.process, () => server.stop());
    expect(outcome === 'done' || this.#faults > 0, () => `a stop failed: ${String(outcome)}`);
    server.kill();
    this.#server = undefined;
  }

  async #passTime(ms: number): Promise<void> {
    await this.#running();
    this.#passes = true;
    // A request that is under way would time out, or its signature would expire.
    if (ms >= SHORT_MS) await this.#settleAll();
    this.#installation.loop.pass(ms);
    this.#forgetWithTime(ms);
    for (let turns = 20 + this.#random.below(30); turns > 0; turns--) await this.#turn();
    this.#passes = false;
  }

  /** Another server starts on the same folders. */
  async #secondServer(claimsRemoved: boolean): Promise<void> {
    const former = await this.#running();
    const { claims, folder, loop } = this.#installation;
    if (claimsRemoved) claims.replaceFiles(folder);
    const process = new SimulatedProcess({ loop, random: new Random(this.#random.seed()) });
    const { bug } = this.#deps;
    const server = new SimulatedServer({
      installation: this.#installation,
      process,
      random: this.#random,
      bug,
    });
    this.#tally.secondServers++;
    // From now on the former's requests may fail.
    if (claimsRemoved) this.#faults++;
    const outcome = await this.#settle(process, () => server.start());
    if (!claimsRemoved) {
      expect(outcome instanceof Claimed, () => `a second server started: ${String(outcome)}`);
      server.kill();
      return;
    }
    expect(outcome === 'done', () => `the second server did not start: ${String(outcome)}`);
    this.#server = server;
    await this.#settleAll();
    loop.pass(FENCED_WITHIN_MS);
    for (let turns = 0; former.failure() === undefined; turns++) {
      await this.#turn();
      expect(turns < MOST_TURNS, () => 'the former server goes on writing');
    }
    former.kill();
    await this.#inspect();
  }

  async #takeBackup(): Promise<void> {
    await this.#running();
    await this.#settleAll();
    this.#installation.catalog.copyTo(`${this.#installation.catalog.path}.backup`);
    this.#backup = snapshotOf(this.#model);
  }

  /** Puts the catalog's last backup in the place of the catalog. */
  async #putBack(accepts: boolean): Promise<void> {
    if (this.#backup === undefined) return;
    await this.#running();
    if (this.#random.chance(0.5)) await this.#crash(this.#random.chance(0.5));
    else await this.#stop();
    this.#tally.olderCatalogs++;
    this.#kept = this.#model.archives.filter(({ isThere }) => isThere.must(true));
    this.#backup();
    this.#backup = undefined;
    this.#isMixed = true;
    this.#model.isOlder = true;
    this.#installation.catalog.replace(`${this.#installation.catalog.path}.backup`);
    await this.#start();
    await this.#requireKept();
    if (!accepts) return;
    const server = await this.#running();
    await this.#settle(server.process, () =>
      acceptCatalog(
        server.catalog,
        server.blobs,
        this.#installation.nowMs(),
        (id) => !id.startsWith('import-'),
      ),
    );
    this.#kept = [];
    this.#model.isOlder = false;
    for (const vault of this.#model.vaults) vault.notedLocks = [];
    await this.#restart();
  }

  /** The catalog is lost, or not trusted: an operator has it rebuilt, perhaps more than once. */
  async #rebuild(power: boolean): Promise<void> {
    // The store then also tells of what an older catalog lost.
    if (this.#isMixed) return;
    await this.#running();
    if (this.#random.chance(0.5)) await this.#crash(power);
    else await this.#stop();
    const { catalog } = this.#installation;
    if (this.#random.chance(0.5)) catalog.remove();
    for (let tries = 0; !(await this.#tryRebuild(this.#random.chance(0.3))); tries++) {
      if (tries === STARTS_UNDER_FAULTS) this.#window = undefined;
    }
    this.#backup = undefined;
    for (const vault of this.#model.vaults) {
      // What got no answer comes to light again, even if a power cut tore its bytes, and jobs do not come back.
      for (const stray of vault.sent) vault.strays.add(stray);
      vault.straysMayLackBytes = true;
      vault.jobs.clear();
      for (const upload of vault.uploads)
        for (const { first, content } of upload.unanswered) upload.place(first).allow(content);
    }
    await this.#start();
    for (const vault of this.#model.vaults) vault.straysMayLackBytes = false;
  }

  /** @param dies whether the process dies on the way. @returns whether the catalog is rebuilt without damage. */
  async #tryRebuild(dies: boolean): Promise<boolean> {
    const { loop } = this.#installation;
    const random = new Random(this.#random.seed());
    const process = new SimulatedProcess({
      loop,
      random,
      faults: { take: (step) => this.#window?.take(step) },
    });
    if (dies) process.dieAt(this.#random.below(20), this.#random.chance(0.5));
    const faults = this.#faults;
    this.#tally.rebuilds++;
    const { bug } = this.#deps;
    const deps = { installation: this.#installation, process, random, bug };
    let damage = 0;
    const outcome = await this.#settle(process, async () => {
      damage = await simulateRebuild(deps);
    });
    const isDead = outcome === 'dead';
    process.kill();
    loop.bury();
    if (isDead) {
      this.#tally.crashes++;
      this.#cutPower(true);
      return false;
    }
    const isRight = outcome === 'done' && damage === 0;
    expect(
      isRight || this.#faults > faults,
      () => `a rebuild failed without a fault: ${String(outcome)}, ${damage} damages`,
    );
    return isRight;
  }

  /** Nothing that the older catalog does not name is removed before an operator accepts it. */
  async #requireKept(): Promise<void> {
    const kept = this.#kept.filter(({ isThere, mayLackBytes }) => isThere.must(true) && !mayLackBytes);
    if (kept.length > 0) await requireKept(kept, this.#auditor());
  }

  /** What clients no longer may rely on after such a time. */
  #forgetWithTime(ms: number): void {
    for (const vault of this.#model.vaults) {
      if (ms < REMEMBERED_MS / 4) continue;
      for (const job of vault.jobs) job.isThere.allow(false);
      if (ms >= UPLOADS_EXPIRE_MS / 4) vault.hasAged = true;
      for (const upload of vault.uploads) {
        if (upload.state.may('completed')) upload.state.allow('completed');
        if (ms < UPLOADS_EXPIRE_MS / 4) continue;
        upload.mayExpire = true;
        upload.state.allow('ended');
      }
    }
  }

  #openWindow(kind: FaultKind, steps: number): void {
    const random = new Random(this.#random.seed());
    this.#window = new FaultWindow(kind, steps, random, () => {
      this.#faults++;
      this.#tally.faults[kind] = (this.#tally.faults[kind] ?? 0) + 1;
    });
  }

  /** Compares catalog, store and bytes with the model, while nothing is under way. */
  async #inspect(): Promise<void> {
    const found = readCatalog(this.#installation.catalog.reading.database, this.#installation.nowMs());
    compare(this.#model, found, true);
    await requireBytes(this.#model, found, this.#auditor());
  }

  /** Compares what the store alone tells with the model. */
  async #inspectStore(): Promise<void> {
    const found = await readStore(this.#auditor(), this.#installation.nowMs());
    if (!this.#isMixed) compare(this.#model, found, false);
    await this.#requireKept();
  }

  /** A store that reads what is on the disk, without faults. */
  #auditor(): DiskStore {
    const fs = new SimulatedFileSystem(this.#installation.disk);
    return new DiskStore(this.#installation.folder.store, this.#random.bytes, NO_HASH, { fs });
  }

  async #end(): Promise<void> {
    this.#random = new Random(1);
    this.#window = undefined;
    await this.#running();
    await this.#stop();
    await this.#inspectStore();
    await this.#start();
    const { catalog } = this.#installation;
    if (!this.#isMixed) await requireNoLeaks(catalog.reading.database, this.#auditor());
    await this.#stop();
    await this.#inspectStore();
  }
}
