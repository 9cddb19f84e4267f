import { type CpuInfo, cpus } from 'node:os';

/** The processors count as busy when less than this share of their time is idle. */
const IDLE_SHARE = 0.5;

/** Tells whether the machine's processors have been busy since the last call. */
export class ProcessorUse {
  readonly #read: () => readonly Pick<CpuInfo, 'times'>[];
  #idleMs = 0;
  #allMs = 0;
  #isBusy = false;

  constructor(read: () => readonly Pick<CpuInfo, 'times'>[] = cpus) {
    this.#read = read;
  }

  isBusy(): boolean {
    let [idle, all] = [0, 0];
    for (const { times } of this.#read()) {
      idle += times.idle;
      all += times.user + times.nice + times.sys + times.idle + times.irq;
    }
    // The system counts in steps: without a new one, nothing is known.
    if (all > this.#allMs) this.#isBusy = idle - this.#idleMs < IDLE_SHARE * (all - this.#allMs);
    [this.#idleMs, this.#allMs] = [idle, all];
    return this.#isBusy;
  }
}
