/** Faults of a simulated disk. */
import type { Random } from './random.ts';
import type { Fault, Step } from './steps.ts';
import { NOTHING, subset } from './survival.ts';

/** Says whether a step goes wrong. */
export interface FaultSource {
  take(step: Step): Fault | undefined;
}

/** What may go wrong for a while. */
export type FaultKind =
  | 'read error'
  | 'write error'
  | 'failed flush'
  | 'full disk'
  | 'no descriptors'
  | 'bad sector';

/** Which steps each kind concerns, and how likely each of them goes wrong meanwhile. */
const CONCERNS: Readonly<Record<FaultKind, { isOf(step: Step): boolean; readonly chance: number }>> = {
  'read error': { isOf: ({ kind }) => kind === 'read', chance: 0.3 },
  'write error': {
    isOf: ({ kind }) => kind === 'write' || kind === 'name' || kind === 'commit',
    chance: 0.3,
  },
  'failed flush': { isOf: ({ kind }) => kind === 'flush', chance: 0.5 },
  'full disk': { isOf: ({ kind, call }) => isGrowing(kind, call), chance: 0.9 },
  'no descriptors': { isOf: ({ call }) => OPENING.has(call), chance: 0.7 },
  'bad sector': { isOf: ({ call }) => call === 'read' || call === 'pread', chance: 0.3 },
};

const OPENING: ReadonlySet<string> = new Set(['open', 'opendir', 'scandir']);

function isGrowing(kind: Step['kind'], call: string): boolean {
  return kind === 'write' || kind === 'commit' || (kind === 'name' && call !== 'unlink' && call !== 'rename');
}

/** Makes steps go wrong while a window is open. */
export class FaultWindow implements FaultSource {
  readonly #kind: FaultKind;
  readonly #random: Random;
  readonly #onFault: (kind: FaultKind) => void;
  /** Steps that may still go wrong. */
  #left: number;

  /** @param steps how many steps of the kind's concern the window lasts. */
  constructor(kind: FaultKind, steps: number, random: Random, onFault: (kind: FaultKind) => void) {
    this.#kind = kind;
    this.#left = steps;
    this.#random = random;
    this.#onFault = onFault;
  }

  get isOpen(): boolean {
    return this.#left > 0;
  }

  take(step: Step): Fault | undefined {
    const { isOf, chance } = CONCERNS[this.#kind];
    if (this.#left <= 0 || !isOf(step)) return undefined;
    this.#left--;
    if (!this.#random.chance(chance)) return undefined;
    this.#onFault(this.#kind);
    return this.#fault();
  }

  #fault(): Fault {
    const random = this.#random;
    switch (this.#kind) {
      case 'read error':
        return { code: 'EIO' };
      case 'write error':
        return { code: 'EIO', share: random.pick([0, 0, random.next(), 1]) ?? 0 };
      case 'failed flush':
        return { code: 'EIO', survival: random.chance(0.5) ? NOTHING : subset(random) };
      case 'full disk':
        return { code: 'ENOSPC', share: random.chance(0.5) ? 0 : random.next() };
      case 'no descriptors':
        return { code: 'EMFILE' };
      case 'bad sector':
        return { garble: (bytes) => garble(bytes, random) };
    }
  }
}

/** A sector shows what was there before, or what belongs to another place. */
function garble(bytes: Uint8Array, random: Random): void {
  if (bytes.length === 0) return;
  const size = random.chance(0.5) ? 512 : 4096;
  const sectors = Math.ceil(bytes.length / size);
  const to = random.below(sectors) * size;
  const sector = bytes.subarray(to, to + size);
  if (sectors > 1 && random.chance(0.6)) {
    const from = random.below(sectors) * size;
    sector.set(bytes.slice(from, from + sector.length));
  } else if (random.chance(0.5)) sector.fill(0);
  else sector.set(random.bytes(sector.length));
}
