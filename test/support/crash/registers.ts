/**
 * Settings whose last acknowledged value must be there after a crash, or a later one that got no answer: tags, policies,
 * locks, notification and retrieval settings. Besides, jobs and capacity units that were acknowledged.
 */
import assert from 'node:assert/strict';
import type { Api } from '../api.ts';
import { HARMLESS_LOCK, policyBody } from '../every-operation.ts';
import type { Answer } from '../request.ts';
import { type Ledger, VAULT } from './ledger.ts';
import type { Random } from './seeded.ts';

/** Null: the setting is absent. */
type Value = string | null;

interface Register {
  readonly name: string;
  readonly acknowledged: Value;
  /** Values that may have taken effect since. */
  readonly sent: readonly Value[];
}

interface Kind {
  /** Names of the registers of this kind. */
  readonly names: readonly string[];
  /** A value to write next. @param now what the register has. */
  next(now: Value, text: string): Value;
  write(api: Api, name: string, value: Value): Promise<Answer>;
  read(api: Api, name: string): Promise<Value>;
}

/** The vault with the settings. It has no archives, because changed policies make their deletions try again. */
const SETTINGS = 'settings';
const CAPACITY_UNITS = 2;
const TERABYTE = 10 ** 12;
const LOCKABLE_VAULTS = 40;
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:';
/** Share of acts that start a job; each start of a server looks at new jobs. */
const JOBS = 0.2;

async function jsonOf(api: Api, target: string): Promise<Record<string, unknown> | null> {
  const answer = await api.call('GET', target);
  if (answer.status === 404) return null;
  assert.equal(answer.status, 200, answer.text);
  return answer.json();
}

const onSettings = `/-/vaults/${SETTINGS}`;

const KINDS: Readonly<Record<string, Kind>> = {
  tag: {
    names: ['a', 'b', 'c'],
    next: (now, text) => (now === null ? text : null),
    write: (api, key, value) =>
      value === null
        ? api.call('POST', `${onSettings}/tags?operation=remove`, {
            body: JSON.stringify({ TagKeys: [key] }),
          })
        : api.call('POST', `${onSettings}/tags?operation=add`, {
            body: JSON.stringify({ Tags: { [key]: value } }),
          }),
    async read(api, key) {
      const tags = (await jsonOf(api, `${onSettings}/tags`))?.['Tags'] as Record<string, string>;
      return tags[key] ?? null;
    },
  },
  'access policy': {
    names: [SETTINGS],
    next: (now, text) => (now === null ? text : null),
    write: (api, vault, value) => {
      const statement = { Effect: 'Deny', Principal: '*', Action: 'glacier:DeleteArchive', Resource: '*' };
      const policy = { Version: '2012-10-17', Statement: [{ Sid: value, ...statement }] };
      const target = `/-/vaults/${vault}/access-policy`;
      return value === null
        ? api.call('DELETE', target)
        : api.call('PUT', target, { body: policyBody(policy) });
    },
    async read(api, vault) {
      const policy = (await jsonOf(api, `/-/vaults/${vault}/access-policy`))?.['Policy'];
      return policy === undefined ? null : (/"Sid":\s*"(\w+)"/.exec(String(policy))?.[1] ?? '');
    },
  },
  notifications: {
    names: [SETTINGS],
    next: (now, text) => (now === null ? text : null),
    write: (api, vault, value) => {
      const target = `/-/vaults/${vault}/notification-configuration`;
      const body = JSON.stringify({ SNSTopic: `${TOPIC}${value}`, Events: ['ArchiveRetrievalCompleted'] });
      return value === null ? api.call('DELETE', target) : api.call('PUT', target, { body });
    },
    async read(api, vault) {
      const topic = (await jsonOf(api, `/-/vaults/${vault}/notification-configuration`))?.['SNSTopic'];
      return topic === undefined ? null : String(topic).slice(TOPIC.length);
    },
  },
  'retrieval policy': {
    names: ['the account'],
    // A policy that limits nothing here.
    next: (_, text) => String(TERABYTE + Number.parseInt(text, 36)),
    write: (api, _, value) => {
      const Rules = [{ Strategy: 'BytesPerHour', BytesPerHour: Number(value) }];
      return api.call('PUT', '/-/policies/data-retrieval', { body: JSON.stringify({ Policy: { Rules } }) });
    },
    async read(api) {
      const policy = (await jsonOf(api, '/-/policies/data-retrieval'))?.['Policy'] as {
        Rules: { Strategy: string; BytesPerHour?: number }[];
      };
      const bytes = policy.Rules[0]?.BytesPerHour;
      return bytes === undefined ? null : String(bytes);
    },
  },
};

/** What a lock's client knows. Locked is final; the id is lost with an answer that did not arrive. */
interface LockEntry {
  state: 'absent' | 'InProgress' | 'Locked';
  /** A state that may have been reached. */
  sent: LockEntry['state'] | null;
  id: string | null;
}

export class Registers {
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #values = new Map<string, Register>();
  /** Only one client at a time uses each. */
  readonly #taken = new Set<string>();
  readonly #locks = new Map<string, LockEntry>();
  readonly #units: string[] = [];
  #unitsAsked = 0;
  /** Jobs that were acknowledged and not looked at since. */
  #jobs: string[] = [];
  #texts = 0;

  constructor(ledger: Ledger, random: Random) {
    this.#ledger = ledger;
    this.#random = random;
  }

  /** Makes the vaults that have the settings. */
  async prepare(api: Api): Promise<void> {
    await api.createVault(SETTINGS);
    for (let i = 0; i < LOCKABLE_VAULTS; i++) {
      await api.createVault(`lockable-${i}`);
      this.#locks.set(`lockable-${i}`, { state: 'absent', sent: null, id: null });
    }
  }

  /** Changes something. @throws Error without an answer, or with an unexpected one, which is a violation. */
  async act(api: Api): Promise<void> {
    const dice = this.#random();
    if (dice < JOBS) return this.#startJob(api);
    if (dice < JOBS + 0.2) return this.#lock(api);
    if (dice < JOBS + 0.21) return this.#buy(api);
    const kinds = Object.entries(KINDS);
    const [kindName, kind] = kinds[Math.floor(this.#random() * kinds.length)] as [string, Kind];
    const name = kind.names[Math.floor(this.#random() * kind.names.length)] ?? '';
    const key = `${kindName} ${name}`;
    await this.#alone(key, async () => {
      const before = this.#values.get(key) ?? { name, acknowledged: null, sent: [] };
      const value = kind.next(before.acknowledged, (this.#texts++).toString(36));
      this.#values.set(key, { ...before, sent: [...before.sent, value] });
      const answer = await kind.write(api, name, value);
      // Another client changed tags or policies of the vault: nothing was changed here.
      if (answer.status === 400 && answer.text.includes('ThrottlingException')) return;
      this.#expect(answer, 204);
      this.#values.set(key, { name, acknowledged: value, sent: [] });
      this.#ledger.acknowledged(kindName);
    });
  }

  async #alone(key: string, run: () => Promise<void>): Promise<void> {
    if (this.#taken.has(key)) return;
    this.#taken.add(key);
    await run();
    this.#taken.delete(key);
  }

  async #startJob(api: Api): Promise<void> {
    const kept = this.#ledger.keptArchives();
    const archive = kept[Math.floor(this.#random() * kept.length)];
    if (!archive) return;
    const body = JSON.stringify({ Type: 'archive-retrieval', ArchiveId: archive.id });
    const answer = await api.call('POST', `/-/vaults/${VAULT}/jobs`, { body });
    // Another client may have deleted it.
    if (answer.status === 404 && archive.state !== 'kept') return;
    this.#expect(answer, 202);
    this.#jobs.push(answer.headers['x-amz-job-id'] ?? '');
    this.#ledger.acknowledged('job');
  }

  async #lock(api: Api): Promise<void> {
    const open = [...this.#locks].filter(([, { state }]) => state !== 'Locked');
    const found = open[Math.floor(this.#random() * open.length)];
    if (!found) return;
    const [vault, lock] = found;
    await this.#alone(`lock ${vault}`, async () => {
      const target = `/-/vaults/${vault}/lock-policy`;
      if (lock.state === 'absent') {
        lock.sent = 'InProgress';
        const answer = await api.call('POST', target, { body: policyBody(HARMLESS_LOCK) });
        this.#expect(answer, 201);
        Object.assign(lock, { state: 'InProgress', sent: null, id: answer.headers['x-amz-lock-id'] ?? null });
      } else if (lock.id === null || this.#random() < 0.9) {
        lock.sent = 'absent';
        this.#expect(await api.call('DELETE', target), 204);
        Object.assign(lock, { state: 'absent', sent: null, id: null });
      } else {
        lock.sent = 'Locked';
        this.#expect(await api.call('POST', `${target}/${lock.id}`), 204);
        Object.assign(lock, { state: 'Locked', sent: null });
      }
      this.#ledger.acknowledged('lock');
    });
  }

  async #buy(api: Api): Promise<void> {
    if (this.#unitsAsked >= CAPACITY_UNITS) return;
    this.#unitsAsked++;
    const answer = await api.call('POST', '/-/provisioned-capacity');
    this.#expect(answer, 201);
    this.#units.push(answer.headers['x-amz-capacity-id'] ?? '');
    this.#ledger.acknowledged('capacity unit');
  }

  #expect({ status, text }: Answer, wanted: number): void {
    if (status === wanted) return;
    this.#ledger.violated(`a setting was answered with ${status} instead of ${wanted}: ${text}`);
    throw new Error(`an answer of ${status}`);
  }

  /** Checks that everything acknowledged is there; call it after a start. */
  async check(api: Api): Promise<void> {
    this.#taken.clear();
    for (const [key, { name, acknowledged, sent }] of this.#values) {
      const kind = KINDS[key.slice(0, -name.length - 1)] as Kind;
      const found = await kind.read(api, name);
      const isRight = found === acknowledged || sent.includes(found);
      this.#ledger.expect(isRight, `${key} is ${found}: acknowledged was ${acknowledged}, and sent ${sent}`);
      this.#values.set(key, { name, acknowledged: found, sent: [] });
    }
    for (const [vault, lock] of this.#locks) await this.#checkLock(api, vault, lock);
    const units = JSON.stringify(await jsonOf(api, '/-/provisioned-capacity'));
    for (const id of this.#units) this.#ledger.expect(units.includes(id), `capacity unit ${id} is lost`);
    for (const id of this.#jobs) {
      const { status } = await api.call('GET', `/-/vaults/${VAULT}/jobs/${id}`);
      this.#ledger.expect(status === 200, `job ${id} is lost: ${status}`);
    }
    this.#jobs = [];
  }

  async #checkLock(api: Api, vault: string, lock: LockEntry): Promise<void> {
    // Without a new request it cannot have changed.
    if (lock.sent === null && lock.state === 'absent') return;
    const found = ((await jsonOf(api, `/-/vaults/${vault}/lock-policy`))?.['State'] ??
      'absent') as LockEntry['state'];
    const isRight = found === lock.state || found === lock.sent;
    this.#ledger.expect(
      isRight,
      `the lock of ${vault} is ${found}: it was ${lock.state}, and ${lock.sent} was sent`,
    );
    if (found !== 'InProgress') lock.id = null;
    Object.assign(lock, { state: found, sent: null });
  }
}
