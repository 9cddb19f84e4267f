/** A request that a client sends, and what the model allows as its answer. */
import type { SimulatedRequest } from '../exchange.ts';
import { expect, type Model, type VaultModel } from '../model.ts';
import type { Random } from '../random.ts';
import type { Change, Uncertain } from '../uncertain.ts';

/** A request without what every request has: date, authorization, hashes. */
export type Draft = Pick<SimulatedRequest, 'method' | 'target' | 'body' | 'goesAfter'> & {
  readonly headers?: Readonly<Record<string, string>>;
};

/** A whole reply below 500. */
export interface Reply {
  readonly status: number;
  /** The error's code; empty for a success. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer that may come: when it may, and what it changes in the model. */
export interface Outcome {
  readonly status: number;
  readonly code?: string;
  mayCome?(reply: Reply): boolean;
  note?(reply: Reply): void;
}

export interface AskContext {
  readonly model: Model;
  readonly random: Random;
}

/** A request of a client under way. Exactly one of `answer` and `lose` ends it. */
export class Asked {
  readonly name: string;
  readonly draft: Draft;
  readonly #changes: Change[] = [];
  readonly #outcomes: Outcome[] = [];
  readonly #ends: (() => void)[] = [];
  /** Called when no answer came that says what happened. */
  onLost: () => void = () => {};
  /** Whether the server may lack what the request needs, through no fault of its own. */
  mayFail: () => boolean = () => false;
  /** Called with the bytes of a reply that broke off. */
  onPartial: (bytes: Buffer) => void = () => {};

  constructor(name: string, draft: Draft) {
    this.name = name;
    this.draft = draft;
  }

  /** Notes what the request changes if it succeeds. */
  changes(...changes: Change[]): this {
    this.#changes.push(...changes);
    return this;
  }

  outcome(status: number, how: Omit<Outcome, 'status'> = {}): this {
    this.#outcomes.push({ status, ...how });
    return this;
  }

  /** Called when the request has ended, whichever way. */
  onEnd(end: () => void): void {
    this.#ends.push(end);
  }

  /** Collects the values that something has until the answer. */
  watch<Value>(value: Uncertain<Value>): ReadonlySet<Value> {
    const seen = value.watch();
    this.#ends.push(() => value.unwatch(seen));
    return seen;
  }

  /** Allows the answer that the vault does not exist, if that may be. */
  onVault(vault: VaultModel): ReadonlySet<boolean> {
    const there = this.watch(vault.isThere);
    this.outcome(404, { code: 'ResourceNotFoundException', mayCome: () => there.has(false) });
    return there;
  }

  /** Allows the answer that the vault's policies or tags changed meanwhile. */
  mayRace(vault: VaultModel): this {
    const turns = vault.policyTurns;
    const wasChanging = isChanging(vault);
    return this.outcome(400, {
      code: 'ThrottlingException',
      mayCome: () => wasChanging || vault.policyTurns !== turns,
    });
  }

  /** @throws Violation when the model does not allow the answer. */
  answer(reply: Reply): void {
    this.#end();
    const { status, code } = reply;
    const fitting = this.#outcomes.filter((one) => one.status === status && (one.code ?? code) === code);
    const allowed = fitting.find((one) => one.mayCome?.(reply) ?? true);
    expect(
      allowed !== undefined,
      () => `${this.name} answered ${status} ${reply.body.toString().slice(0, 300)}`,
    );
    for (const change of this.#changes) status < 300 ? change.succeed() : change.refuse();
    allowed?.note?.(reply);
  }

  /** No answer came, or one that leaves it open what happened. */
  lose(): void {
    this.#end();
    for (const change of this.#changes) change.lose();
    this.onLost();
  }

  #end(): void {
    for (const end of this.#ends) end();
  }
}

function isChanging({ settings, lock, isThere }: VaultModel): boolean {
  return [...Object.values(settings), lock, isThere].some((value) => value.isChanging);
}

/** A change that counts as one of the vault's policies. */
export function policyChange(vault: VaultModel, change: Change): Change {
  vault.policyTurns++;
  const ending = (end: () => void) => () => {
    vault.policyTurns++;
    end();
  };
  return { succeed: ending(change.succeed), refuse: ending(change.refuse), lose: ending(change.lose) };
}

export function pathOf({ name }: VaultModel, rest = ''): string {
  return `/-/vaults/${name}${rest}`;
}

export function jsonOf({ body }: Reply): unknown {
  return JSON.parse(body.toString('utf8'));
}

/** One of the vaults, mostly one that is there. */
export function pickVault({ model, random }: AskContext): VaultModel {
  const there = model.vaults.filter(({ isThere }) => isThere.may(true));
  const among = random.chance(0.9) && there.length > 0 ? there : model.vaults;
  return random.pick(among) as VaultModel;
}
