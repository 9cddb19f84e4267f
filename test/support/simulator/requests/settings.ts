/** Tags, notifications, policies and locks of vaults, and the account's retrieval policy. */
import { expect, SETTINGS, type Setting, type VaultModel } from '../model.ts';
import { ACCOUNT } from '../server.ts';
import { type AskContext, Asked, jsonOf, pathOf, pickVault, policyChange, type Reply } from './asked.ts';

const REGION = 'us-east-1';

/** How each setting is set, removed and read. A tag is named by its last letter. */
interface SettingForm {
  readonly path: string;
  set(
    value: string,
    vault: VaultModel,
  ): { readonly method: string; readonly query: string; readonly json: unknown };
  readonly remove: { readonly method: string; readonly query: string; readonly json?: unknown };
  /** The value in an answer to GET. */
  read(json: unknown): string | null;
  /** Whether GET answers 404 without a value. */
  readonly is404: boolean;
}

function tagForm(key: string): SettingForm {
  return {
    path: '/tags',
    set: (value) => ({ method: 'POST', query: '?operation=add', json: { Tags: { [key]: value } } }),
    remove: { method: 'POST', query: '?operation=remove', json: { TagKeys: [key] } },
    read: (json) => (json as { Tags: Record<string, string> }).Tags[key] ?? null,
    is404: false,
  };
}

const FORMS: Readonly<Record<Setting, SettingForm>> = {
  'tag a': tagForm('a'),
  'tag b': tagForm('b'),
  notifications: {
    path: '/notification-configuration',
    set: (value) => ({
      method: 'PUT',
      query: '',
      json: {
        SNSTopic: `arn:aws:sns:${REGION}:${ACCOUNT}:${value}`,
        Events: ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'],
      },
    }),
    remove: { method: 'DELETE', query: '' },
    read: (json) => (json as { SNSTopic: string }).SNSTopic.split(':').at(-1) ?? null,
    is404: true,
  },
  'access policy': {
    path: '/access-policy',
    set: (value, vault) => ({ method: 'PUT', query: '', json: { Policy: accessPolicy(value, vault) } }),
    remove: { method: 'DELETE', query: '' },
    read: (json) => /"Sid":"(\w+)"/.exec((json as { Policy: string }).Policy)?.[1] ?? null,
    is404: true,
  },
};

function accessPolicy(sid: string, vault: VaultModel): string {
  const grant = { Sid: sid, Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'glacier:ListJobs' };
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ ...grant, Resource: arnOf(vault) }] });
}

function arnOf({ name }: VaultModel): string {
  return `arn:aws:glacier:${REGION}:${ACCOUNT}:vaults/${name}`;
}

export function setSetting(context: AskContext): Asked {
  const name = context.random.pick(SETTINGS) ?? 'tag a';
  return settingOf(pickVault(context), name, `value${context.random.below(5)}`);
}

export function settingOf(vault: VaultModel, name: Setting, value: string): Asked {
  const { path, set } = FORMS[name];
  const { method, query, json } = set(value, vault);
  const draft = { method, target: pathOf(vault, path + query), body: Buffer.from(JSON.stringify(json)) };
  return settingChange(new Asked(`set ${name} of ${vault.name}`, draft), vault, name, value);
}

export function removeSetting(context: AskContext): Asked {
  const vault = pickVault(context);
  const name = context.random.pick(SETTINGS) ?? 'tag a';
  const { path, remove } = FORMS[name];
  const { method, query, json } = remove;
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  const asked = new Asked(`remove ${name} of ${vault.name}`, {
    method,
    target: pathOf(vault, path + query),
    body,
  });
  return settingChange(asked, vault, name, null);
}

function settingChange(asked: Asked, vault: VaultModel, name: Setting, value: string | null): Asked {
  const there = asked.onVault(vault);
  return asked
    .changes(policyChange(vault, vault.settings[name].begin(value)))
    .mayRace(vault)
    .outcome(204, { mayCome: () => there.has(true) });
}

export function getSetting(context: AskContext): Asked {
  const vault = pickVault(context);
  const name = context.random.pick(SETTINGS) ?? 'tag a';
  const { path, read, is404 } = FORMS[name];
  const asked = new Asked(`get ${name} of ${vault.name}`, { method: 'GET', target: pathOf(vault, path) });
  const there = asked.onVault(vault);
  const seen = asked.watch(vault.settings[name]);
  return asked
    .outcome(404, { code: 'ResourceNotFoundException', mayCome: () => is404 && seen.has(null) })
    .outcome(200, { mayCome: (reply) => there.has(true) && seen.has(read(jsonOf(reply))) });
}

/** Denies the deletion of every archive that a simulation can make. */
function lockPolicy(vault: VaultModel): string {
  const condition = { NumericLessThan: { 'glacier:ArchiveAgeInDays': '3650' } };
  const deny = { Sid: 'keep', Effect: 'Deny', Principal: '*', Action: 'glacier:DeleteArchive' };
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ ...deny, Resource: arnOf(vault), Condition: condition }],
  });
}

export function initiateLock(context: AskContext): Asked {
  return lockOf(pickVault(context));
}

export function lockOf(vault: VaultModel): Asked {
  const target = pathOf(vault, '/lock-policy');
  const body = Buffer.from(JSON.stringify({ Policy: lockPolicy(vault) }));
  const asked = new Asked(`initiate a lock of ${vault.name}`, { method: 'POST', target, body });
  const there = asked.onVault(vault);
  const lock = asked.watch(vault.lock);
  const mayHaveLock = [...lock].some((one) => one !== 'none') || vault.lock.isChanging;
  // Its id is not known yet: any name will do until the answer.
  asked.changes(policyChange(vault, vault.lock.begin('trial')));
  const turns = vault.policyTurns;
  return asked.outcome(403, { mayCome: () => mayHaveLock || vault.policyTurns !== turns }).outcome(201, {
    // A trial ends after a day.
    mayCome: () => there.has(true) && [...lock].some((one) => !one.startsWith('locked')),
    note(reply) {
      const named = `trial ${reply.headers['x-amz-lock-id'] ?? ''}`;
      if (vault.lock.must('trial')) vault.lock.settle(named);
      else if (vault.lock.may('trial')) vault.lock.allow(named);
    },
  });
}

/** The id in the name of a trial or a lock. */
function idOf(lock: string): string | undefined {
  return lock.split(' ')[1];
}

export function completeLock(context: AskContext): Asked {
  const vault = pickVault(context);
  const known = [...vault.lock.possible].flatMap((lock) => idOf(lock) ?? []);
  const id = context.random.chance(0.9) ? context.random.pick(known) : undefined;
  return completionOfLock(vault, id ?? 'Aaaaaaaaaaaaaaaaaaaaaaaa');
}

export function completionOfLock(vault: VaultModel, id: string): Asked {
  const asked = new Asked(`complete the lock of ${vault.name}`, {
    method: 'POST',
    target: pathOf(vault, `/lock-policy/${id}`),
  });
  const there = asked.onVault(vault);
  const lock = asked.watch(vault.lock);
  const isKnown = [...vault.lock.possible].some((one) => idOf(one) === id);
  if (isKnown) asked.changes(policyChange(vault, vault.lock.begin(`locked ${id}`)));
  const isOther = (one: string): boolean => idOf(one) !== id;
  return asked
    .outcome(404, { mayCome: () => [...lock].some((one) => one === 'none' || one.startsWith('trial')) })
    .outcome(400, {
      code: 'InvalidParameterValueException',
      mayCome: () => [...lock].some((one) => one.startsWith('trial') && isOther(one)),
    })
    .outcome(403, { mayCome: () => [...lock].some((one) => one.startsWith('locked') && isOther(one)) })
    .outcome(204, { mayCome: () => there.has(true) && isKnown });
}

export function abortLock(context: AskContext): Asked {
  const vault = pickVault(context);
  const asked = new Asked(`abort the lock of ${vault.name}`, {
    method: 'DELETE',
    target: pathOf(vault, '/lock-policy'),
  });
  const there = asked.onVault(vault);
  const lock = asked.watch(vault.lock);
  return asked
    .changes(policyChange(vault, vault.lock.begin('none')))
    .mayRace(vault)
    .outcome(403, { mayCome: () => [...lock].some((one) => one.startsWith('locked')) })
    .outcome(204, { mayCome: () => there.has(true) && [...lock].some((one) => !one.startsWith('locked')) });
}

export function getLock(context: AskContext): Asked {
  const vault = pickVault(context);
  const asked = new Asked(`get the lock of ${vault.name}`, {
    method: 'GET',
    target: pathOf(vault, '/lock-policy'),
  });
  asked.onVault(vault);
  const lock = asked.watch(vault.lock);
  const some = (word: string) => () => [...lock].some((one) => one.startsWith(word));
  return asked
    .outcome(404, { mayCome: () => some('none')() || some('trial')() })
    .outcome(200, { mayCome: (reply) => (stateIn(reply) === 'Locked' ? some('locked')() : some('trial')()) });
}

function stateIn(reply: Reply): string {
  return (jsonOf(reply) as { State: string }).State;
}

const RETRIEVAL_POLICY = '/-/policies/data-retrieval';

export function setRetrievalPolicy({ model, random }: AskContext): Asked {
  const strategy = random.chance(0.5) ? 'None' : 'FreeTier';
  const body = Buffer.from(JSON.stringify({ Policy: { Rules: [{ Strategy: strategy }] } }));
  return new Asked('set the retrieval policy', { method: 'PUT', target: RETRIEVAL_POLICY, body })
    .changes(model.retrievalPolicy.begin(strategy))
    .outcome(204);
}

export function getRetrievalPolicy({ model }: AskContext): Asked {
  const asked = new Asked('get the retrieval policy', { method: 'GET', target: RETRIEVAL_POLICY });
  const seen = asked.watch(model.retrievalPolicy);
  return asked.outcome(200, {
    note(reply) {
      const { Policy: policy } = jsonOf(reply) as { Policy: { Rules: { Strategy: string }[] } };
      const found = policy.Rules[0]?.Strategy ?? '';
      expect(seen.has(found), () => `the retrieval policy is ${found}`);
    },
  });
}

export function purchaseCapacity(): Asked {
  return new Asked('purchase capacity', { method: 'POST', target: '/-/provisioned-capacity' })
    .outcome(201)
    .outcome(400, { code: 'LimitExceededException' });
}
