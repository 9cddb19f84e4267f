/** The states of a vault lock, and what a lock in force forbids (access control reference, section 7). */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { HARMLESS_LOCK, policyBody } from '../../support/every-operation.ts';
import { denyDelete, type Locks, locksOf, YEAR_LOCK } from '../../support/locks.ts';
import { eventually } from '../../support/poll.ts';
import type { Answer } from '../../support/request.ts';
import type { TestServer } from '../../support/server.ts';

const NO_LOCK = 'There is no vault lock in progress: initiate one first.';
const WRONG_ID = 'A'.repeat(24);
const AGE = 'glacier:ArchiveAgeInDays';
const HOLD = 'glacier:ResourceTag/LegalHold';

let server: TestServer;
let api: Api;
let locks: Locks;
let clock: EmulatorControls;
before(async () => {
  server = await startEmulator();
  api = apiOf(server);
  locks = locksOf(api);
  clock = controlsOf(server);
});
after(() => server.stop());

/** A refusal by the lock's state has the key order of the service: code, message, type. */
function assertConflict(answer: Answer, message: string): void {
  assert.equal(answer.status, 403);
  const expected = { code: 'AccessDeniedException', message, type: 'Client' };
  assert.equal(answer.text, JSON.stringify(expected));
}

/** A refusal by the lock's policy has the key order of the front end. */
function assertDenied(answer: Answer, vault: string, action = 'DeleteArchive'): void {
  const text = `User: arn:aws:iam::${server.accountId}:root is not authorized to perform: glacier:${action} on resource: ${api.vaultArn(vault)} with an explicit deny in a resource-based policy`;
  assertRefusal(answer, 403, 'AccessDeniedException', text);
}

const LOCKED = {
  initiate: 'The vault is locked: its lock policy can be neither changed nor removed.',
  complete: 'The vault is locked, and not by this lock ID.',
  abort: 'The vault is locked: a completed vault lock cannot be aborted.',
};

async function assertNoLock(vault: string): Promise<void> {
  const missing = await locks.get(vault);
  assertRefusal(missing, 404, 'ResourceNotFoundException', `No vault lock policy is set for: ${vault}`);
}

describe('without a lock', () => {
  before(() => api.createVault('none'));

  it('refuses Get and Complete; Abort succeeds without effect', async () => {
    await assertNoLock('none');
    assertRefusal(await locks.complete('none', WRONG_ID), 404, 'ResourceNotFoundException', NO_LOCK);
    assertEmpty(await locks.abort('none'), 204);
    await assertNoLock('none');
  });

  it('answers Initiate with a 201 whose only content is an id of 24 characters', async () => {
    const answer = await locks.initiate('none');
    assertEmpty(answer, 201);
    assert.equal(answer.headers['x-moraine-warning'], undefined);
    assert.match(answer.headers['x-amz-lock-id'] ?? '', /^[A-Za-z0-9_-]{24}$/);
    assert.equal(answer.headers['location'], undefined);
  });

  it('answers 404 to every operation on a missing vault', async () => {
    const asked = [
      locks.initiate('nowhere'),
      locks.complete('nowhere', WRONG_ID),
      locks.abort('nowhere'),
      locks.get('nowhere'),
    ];
    for (const answer of await Promise.all(asked)) {
      const text = `Vault not found for ARN: ${api.vaultArn('nowhere')}`;
      assertRefusal(answer, 404, 'ResourceNotFoundException', text);
    }
  });
});

describe('a lock in progress', () => {
  it('shows its policy as sent, and expires after 24 hours', async () => {
    await api.createVault('p1');
    const policy = `  ${JSON.stringify(YEAR_LOCK, null, 3)}\n`;
    await locks.begin('p1', policy);
    const json = assertJson(await locks.get('p1'));
    assert.deepEqual(Object.keys(json), ['CreationDate', 'ExpirationDate', 'Policy', 'State']);
    assert.equal(json['Policy'], policy);
    assert.equal(json['State'], 'InProgress');
    const span = Date.parse(String(json['ExpirationDate'])) - Date.parse(String(json['CreationDate']));
    assert.equal(span, 24 * 3_600_000);
  });

  it('is already enforced', async () => {
    await api.createVault('p2');
    const archive = await api.upload('p2', 'x');
    await locks.begin('p2');
    assertDenied(await locks.remove('p2', archive), 'p2');
  });

  it('refuses a second Initiate, and a Complete with another id', async () => {
    await api.createVault('p3');
    const id = await locks.begin('p3');
    assertConflict(
      await locks.initiate('p3', HARMLESS_LOCK),
      'A vault lock is in progress: complete or abort it before another is initiated.',
    );
    const text = 'Invalid lock ID: it is not that of the vault lock in progress.';
    for (const wrong of [WRONG_ID, id.toLowerCase() === id ? id.toUpperCase() : id.toLowerCase(), `${id}x`]) {
      assertRefusal(await locks.complete('p3', wrong), 400, 'InvalidParameterValueException', text);
    }
    assert.equal(assertJson(await locks.get('p3'))['State'], 'InProgress');
  });

  it('is gone after Abort, together with its policy and id', async () => {
    await api.createVault('p4');
    const archive = await api.upload('p4', 'x');
    const id = await locks.begin('p4');
    assertEmpty(await locks.abort('p4'), 204);
    await assertNoLock('p4');
    assertRefusal(await locks.complete('p4', id), 404, 'ResourceNotFoundException', NO_LOCK);
    assertEmpty(await locks.remove('p4', archive), 204);
    await locks.begin('p4');
    const text = 'Invalid lock ID: it is not that of the vault lock in progress.';
    assertRefusal(await locks.complete('p4', id), 400, 'InvalidParameterValueException', text);
  });

  it('is gone after 24 hours, not earlier, together with its policy and id', async () => {
    await api.createVault('p5');
    const archive = await api.upload('p5', 'x');
    const id = await locks.begin('p5');
    const end = String(assertJson(await locks.get('p5'))['ExpirationDate']);
    await clock.advanceTo(new Date(Date.parse(end) - 5000).toISOString());
    assert.equal(assertJson(await locks.get('p5'))['State'], 'InProgress');
    assertDenied(await locks.remove('p5', archive), 'p5');
    await clock.advanceTo(end);
    await assertNoLock('p5');
    assertRefusal(await locks.complete('p5', id), 404, 'ResourceNotFoundException', NO_LOCK);
    assertEmpty(await locks.abort('p5'), 204);
    assertEmpty(await locks.remove('p5', archive), 204);
    await locks.begin('p5');
  });
});

describe('a completed lock', () => {
  it('is shown as locked, without an expiry date', async () => {
    await locks.lockedVault('l1');
    const json = assertJson(await locks.get('l1'));
    assert.equal(json['State'], 'Locked');
    assert.equal(json['ExpirationDate'], null);
    assert.deepEqual(JSON.parse(String(json['Policy'])), YEAR_LOCK);
  });

  it('refuses Initiate, Abort and Complete with another id; a repeated Complete succeeds', async () => {
    await api.createVault('l2');
    const id = await locks.begin('l2');
    assertEmpty(await locks.complete('l2', id), 204);
    const check = async () => {
      assertConflict(await locks.initiate('l2', HARMLESS_LOCK), LOCKED.initiate);
      assertConflict(await locks.complete('l2', WRONG_ID), LOCKED.complete);
      assertConflict(await locks.abort('l2'), LOCKED.abort);
      assertEmpty(await locks.complete('l2', id), 204);
      assert.equal(assertJson(await locks.get('l2'))['State'], 'Locked');
    };
    await check();
    await clock.advance('25h');
    await check();
    await clock.advance('4000d');
    await check();
  });

  it('binds root, and the vault access policy cannot weaken it', async () => {
    await locks.lockedVault('l3');
    const archive = await api.upload('l3', 'x');
    assertDenied(await locks.remove('l3', archive), 'l3');
    const allow = {
      Statement: { Effect: 'Allow', Principal: '*', Action: 'glacier:*', Resource: '*' },
    };
    assertEmpty(await api.call('PUT', '/-/vaults/l3/access-policy', { body: policyBody(allow) }), 204);
    assertDenied(await locks.remove('l3', archive), 'l3');
    assertEmpty(await api.call('DELETE', '/-/vaults/l3/access-policy'), 204);
    assertDenied(await locks.remove('l3', archive), 'l3');
    const text = `Vault not empty or recently written to: ${api.vaultArn('l3')}`;
    assertRefusal(await api.call('DELETE', '/-/vaults/l3'), 400, 'InvalidParameterValueException', text);
  });

  it('can deny root the vault access policy, unlike any other policy', async () => {
    const policy = {
      Statement: { Effect: 'Deny', Principal: '*', Action: 'glacier:*VaultAccessPolicy', Resource: '*' },
    };
    await locks.lockedVault('l4', policy);
    const body = policyBody(HARMLESS_LOCK);
    const path = '/-/vaults/l4/access-policy';
    assertDenied(await api.call('PUT', path, { body }), 'l4', 'SetVaultAccessPolicy');
    assertDenied(await api.call('GET', path), 'l4', 'GetVaultAccessPolicy');
    assertDenied(await api.call('DELETE', path), 'l4', 'DeleteVaultAccessPolicy');
  });

  it('is deleted with its vault, once that is empty', async () => {
    await locks.lockedVault('l5');
    assertEmpty(await api.call('DELETE', '/-/vaults/l5'), 204);
    await api.createVault('l5');
    await assertNoLock('l5');
  });

  it('is removed by a reset of the emulator', async (t) => {
    const other = await startEmulator();
    t.after(() => other.stop());
    const its = locksOf(apiOf(other));
    await its.lockedVault('again');
    await controlsOf(other).reset();
    await apiOf(other).createVault('again');
    assert.equal((await its.get('again')).status, 404);
    const notes = await readdir(join(other.data, 'store', 'notes'));
    assert.deepEqual(
      notes.filter((name) => name.startsWith('lock-')),
      [],
    );
  });
});

describe('the lock id', () => {
  it('is not in the data folder: the catalog has only its hash', async () => {
    await api.createVault('secret');
    const id = await locks.begin('secret');
    assert.deepEqual(await filesWith(id), []);
    // The audit event of the denied attempt leaves out the id, which can still complete the lock.
    const deny = {
      Statement: { Effect: 'Deny', Principal: '*', Action: 'glacier:Complete*', Resource: '*' },
    };
    await api.call('PUT', '/-/vaults/secret/access-policy', { body: policyBody(deny) });
    assertDenied(await locks.complete('secret', id), 'secret', 'CompleteVaultLock');
    assert.deepEqual(await filesWith(id), []);
    await api.call('DELETE', '/-/vaults/secret/access-policy');
    assertEmpty(await locks.complete('secret', id), 204);
    assert.deepEqual(await filesWith(id), []);
    assert.ok(!server.errors().includes(id));
  });
});

async function filesWith(text: string): Promise<string[]> {
  const entries = await readdir(server.data, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (bytes.includes(text)) found.push(entry.name);
  }
  return found;
}

describe('a lock policy', () => {
  before(() => api.createVault('invalid'));
  const text = 'The specified vault lock policy is invalid. Provide a valid policy. ';
  const statement = { Effect: 'Deny', Principal: '*', Action: 'glacier:DeleteArchive', Resource: '*' };
  const bad: [what: string, policy: unknown, said: RegExp][] = [
    ['no JSON', '{"Statement":', /not valid JSON/],
    ['no object', '[]', /object/],
    ['no statement', {}, /Statement is missing/],
    ['an empty list', { Statement: [] }, /Statement is an empty list/],
    [
      'no principal',
      { Statement: [{ ...statement, Principal: undefined }] },
      /Statement 1.*Principal is missing/i,
    ],
    ['no effect', { Statement: [{ ...statement, Effect: undefined }] }, /1.*Effect is missing/],
    ['another effect', { Statement: [{ ...statement, Effect: 'deny' }] }, /1.*"deny"/],
    ['no action', { Statement: [{ ...statement, Action: undefined }] }, /1.*Action or NotAction is missing/],
    ['an unknown action', { Statement: [{ ...statement, Action: 'glacier:Erase' }] }, /1.*"glacier:Erase"/],
    [
      'another vault',
      {
        Statement: [
          statement,
          { ...statement, Sid: 'two', Resource: 'arn:aws:glacier:us-east-1:111122223333:vaults/x' },
        ],
      },
      /"two".*does not match this vault/,
    ],
    [
      'an unknown element',
      { Statement: [{ ...statement, condition: {} }] },
      /1.*"condition".*Did you mean "Condition"/,
    ],
    [
      'an unknown operator',
      { Statement: [{ ...statement, Condition: { NumericSmaller: { [AGE]: '1' } } }] },
      /1.*"NumericSmaller"/,
    ],
    [
      'an age that is no number',
      { Statement: [{ ...statement, Condition: { NumericLessThan: { [AGE]: 'a year' } } }] },
      /1.*the value "a year" is not a number/,
    ],
    ['a key twice', '{"Statement":[],"Statement":[]}', /Statement/],
  ];
  for (const [what, policy, said] of bad) {
    it(`with ${what} is refused, and the message names the fault`, async () => {
      const answer = await locks.initiate('invalid', policy);
      assertRefusal(answer, 400, 'InvalidParameterValueException', said);
      assert.ok(String(answer.json()['message']).startsWith(text), answer.text);
      await assertNoLock('invalid');
    });
  }

  it('is a required member', async () => {
    for (const body of ['', '{}', '{"Policy":null}', '{"Policy":""}']) {
      const answer = await api.call('POST', '/-/vaults/invalid/lock-policy', { body });
      assertRefusal(answer, 400, 'MissingParameterValueException', 'Required parameter missing: Policy');
    }
    const answer = await api.call('POST', '/-/vaults/invalid/lock-policy', { body: '{"Policy":{}}' });
    assertRefusal(
      answer,
      400,
      'InvalidParameterValueException',
      /must be a policy document as a JSON string/,
    );
  });

  it('may have 20,480 bytes at most', async () => {
    const base = JSON.stringify(YEAR_LOCK);
    const padded = (bytes: number) => base + ' '.repeat(bytes - base.length);
    const answer = await locks.initiate('invalid', padded(20_481));
    assertRefusal(answer, 400, 'InvalidParameterValueException', /has 20481 bytes; it may have 20480/);
    await locks.begin('invalid', padded(20_480));
    assert.equal(String(assertJson(await locks.get('invalid'))['Policy']).length, 20_480);
  });

  it('that locks nothing, or everything for ever, is accepted with a warning in the log', async () => {
    await api.createVault('warn1');
    await locks.begin('warn1', {
      Statement: { Effect: 'Allow', Principal: '*', Action: 'glacier:DeleteArchive', Resource: '*' },
    });
    await logged(/"level":40.*The policy would lock nothing: it has no Deny statement/);
    await api.createVault('warn2');
    await locks.begin('warn2', {
      Statement: { Effect: 'Deny', Principal: '*', Action: 'glacier:*', Resource: '*' },
    });
    await logged(/denies every action for ever/);
    await logged(/denies glacier:CompleteVaultLock to root/);
  });
});

function logged(line: RegExp): Promise<boolean> {
  return eventually(`${line} in the log`, () => line.test(server.errors()));
}

describe('the known lock policies', () => {
  it('1: keep archives for a year', async () => {
    await locks.lockedVault('known1');
    const archive = await api.upload('known1', 'x');
    assertDenied(await locks.remove('known1', archive), 'known1');
    await clock.advance('364d');
    assertDenied(await locks.remove('known1', archive), 'known1');
    await clock.advance('24h');
    assertEmpty(await locks.remove('known1', archive), 204);
    const young = await api.upload('known1', 'y');
    assertDenied(await locks.remove('known1', young), 'known1');
  });

  it('2: a legal hold by a tag, which can be set and removed after locking', async () => {
    await locks.lockedVault('known2', denyDelete({ StringLike: { [HOLD]: ['true', ''] } }));
    const archives = [await api.upload('known2', 'x'), await api.upload('known2', 'y')];
    const tag = (body: unknown, operation = 'add') =>
      api.call('POST', `/-/vaults/known2/tags?operation=${operation}`, { body: JSON.stringify(body) });
    const [first = '', second = ''] = archives;
    for (const value of ['true', '']) {
      assertEmpty(await tag({ Tags: { LegalHold: value } }), 204);
      assertDenied(await locks.remove('known2', first), 'known2');
    }
    // Condition keys are case-insensitive, so a second tag that differs only in case does not lift the hold.
    assertEmpty(await tag({ Tags: { legalhold: 'no', LegalHold: 'true' } }), 204);
    assertDenied(await locks.remove('known2', first), 'known2');
    assertEmpty(await tag({ TagKeys: ['legalhold'] }, 'remove'), 204);
    assertEmpty(await tag({ Tags: { LegalHold: 'false' } }), 204);
    assertEmpty(await locks.remove('known2', first), 204);
    assertEmpty(await tag({ TagKeys: ['LegalHold'] }, 'remove'), 204);
    assertEmpty(await locks.remove('known2', second), 204);
  });

  it('3: keep archives for a year, last day included, from every user of an account', async () => {
    const owner = { AWS: `arn:aws:iam::${server.accountId}:root` };
    await locks.lockedVault(
      'known3',
      denyDelete({ NumericLessThanEquals: { 'glacier:ArchiveAgeinDays': '365' } }, owner),
    );
    const archive = await api.upload('known3', 'x');
    await clock.advance('364d');
    assertDenied(await locks.remove('known3', archive), 'known3');
    await clock.advance('25h');
    assertEmpty(await locks.remove('known3', archive), 204);
  });
});
