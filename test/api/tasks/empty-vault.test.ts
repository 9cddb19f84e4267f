/** EmptyVault, DeleteVault with force, and the tasks that they start. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { adminOf } from '../../support/admin.ts';
import { type Api, apiOf, assertRefusal } from '../../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { policyBody } from '../../support/every-operation.ts';
import { addPeople, identityPolicy } from '../../support/people.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { countArchives, describeTask, emptyVault, endedTask, reportOf } from '../../support/tasks.ts';

const INVALID = 'InvalidParameterValueException';
const DENIED = 'AccessDeniedException';
const MISSING = 'ResourceNotFoundException';

let server: TestServer;
let root: Api;

before(async () => {
  server = await startServer();
  root = apiOf(server);
});
after(async () => {
  await server.kill();
  await rm(server.data, { recursive: true, force: true });
});

/** Denies DeleteArchive on a condition, or without one. */
function deny(condition?: unknown) {
  const statement = { Effect: 'Deny', Principal: '*', Action: 'glacier:DeleteArchive', Resource: '*' };
  return {
    Version: '2012-10-17',
    Statement: { ...statement, ...(condition === undefined ? {} : { Condition: condition }) },
  };
}

async function vaultOf(name: string, bodies: readonly string[], api = root): Promise<string[]> {
  await api.createVault(name);
  const ids: string[] = [];
  for (const body of bodies) ids.push(await api.upload(name, body));
  return ids;
}

const setPolicy = (vault: string, policy: unknown) =>
  root.call('PUT', `/-/vaults/${vault}/access-policy`, { body: policyBody(policy) });

async function lock(vault: string, policy: unknown, api = root): Promise<void> {
  const { headers } = await api.call('POST', `/-/vaults/${vault}/lock-policy`, { body: policyBody(policy) });
  const completed = await api.call('POST', `/-/vaults/${vault}/lock-policy/${headers['x-amz-lock-id']}`);
  assert.equal(completed.status, 204, completed.text);
}

describe('EmptyVault', () => {
  it('deletes all that the vault holds at once, and reports each archive', async () => {
    const ids = await vaultOf('plain', ['a', 'bb', 'ccc']);
    const started = await emptyVault(root, 'plain');
    assert.deepEqual([started.ArchiveCount, started.SizeInBytes, started.HeldCount], [3, 6, 0]);
    assert.equal(await countArchives(root, 'plain'), 0);
    const later = await root.upload('plain', 'later');
    const ended = await endedTask(root, started.TaskId);
    assert.deepEqual(
      [ended.Kind, ended.VaultARN, ended.State, ended.DoneCount, ended.HeldCount, ended.DueDate],
      ['EmptyVault', root.vaultArn('plain'), 'Succeeded', 3, 0, null],
    );
    const report = await reportOf(root, started.TaskId);
    assert.deepEqual(
      report.map(({ ArchiveId, Size, Outcome }) => [ArchiveId, Size, Outcome]),
      ids.map((id, i) => [id, i + 1, 'Deleted']),
    );
    assert.equal(await countArchives(root, 'plain'), 1);
    assert.equal((await root.call('DELETE', `/-/vaults/plain/archives/${later}`)).status, 204);
  });

  it('only counts in a dry run', async () => {
    await vaultOf('dry', ['a', 'bb']);
    await setPolicy('dry', deny({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '9' } }));
    const answer = await root.call('POST', '/-/vaults/dry/empty', { body: '{"DryRun":true}' });
    assert.deepEqual([answer.status, answer.text], [200, '{"ArchiveCount":2,"SizeInBytes":3,"HeldCount":2}']);
    assert.equal(await countArchives(root, 'dry'), 2);
    const { TaskList } = JSON.parse((await root.call('GET', '/-/tasks')).text);
    assert.ok(!TaskList.some(({ VaultARN }: { VaultARN: string }) => VaultARN === root.vaultArn('dry')));
  });

  it('leaves what a vault lock holds, and says why', async () => {
    const ids = await vaultOf('locked', ['a', 'bb']);
    await lock('locked', deny({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } }));
    const started = await emptyVault(root, 'locked');
    assert.equal(started.HeldCount, 2);
    const ended = await endedTask(root, started.TaskId);
    assert.deepEqual([ended.State, ended.DoneCount, ended.HeldCount], ['Held', 0, 2]);
    const report = await reportOf(root, started.TaskId);
    assert.deepEqual(
      report.map(({ ArchiveId, Outcome }) => [ArchiveId, Outcome]),
      ids.map((id) => [id, 'Held']),
    );
    assert.match(report[0]?.Reason ?? '', /moraine:EmptyVault .* explicit deny in a resource-based policy/);
    assert.equal(await countArchives(root, 'locked'), 2);
  });

  it('asks each archive where a policy cannot be split by age', async () => {
    await vaultOf('asked', ['a', 'bb']);
    await setPolicy('asked', deny({ StringLike: { 'glacier:ArchiveAgeInDays': '0.*' } }));
    const started = await emptyVault(root, 'asked');
    assert.equal(started.HeldCount, null);
    const ended = await endedTask(root, started.TaskId);
    assert.deepEqual([ended.State, ended.HeldCount], ['Held', 2]);
  });

  it('is refused where DeleteArchive is denied whatever the archive', async () => {
    await vaultOf('denied', ['a']);
    await setPolicy('denied', deny());
    for (const [method, path] of [
      ['POST', '/-/vaults/denied/empty'],
      ['DELETE', '/-/vaults/denied?force=true'],
    ] as const)
      assertRefusal(await root.call(method, path), 403, DENIED, /explicit deny in a resource-based policy/);
    assert.equal(await countArchives(root, 'denied'), 1);
  });

  it('refuses members that are not what they should be', async () => {
    await root.createVault('members');
    for (const [body, text] of [
      [{ DryRun: 'yes' }, 'Invalid DryRun: yes. It must be true or false.'],
      [{ GraceSeconds: -1 }, 'Invalid GraceSeconds: -1. It must be a whole number from 0 to 2592000.'],
      [
        { GraceSeconds: 2_592_001 },
        'Invalid GraceSeconds: 2592001. It must be a whole number from 0 to 2592000.',
      ],
    ] as const)
      assertRefusal(
        await root.call('POST', '/-/vaults/members/empty', { body: JSON.stringify(body) }),
        400,
        INVALID,
        text,
      );
    assertRefusal(await root.call('POST', '/-/vaults/missing/empty'), 404, MISSING, /^Vault not found/);
  });
});

describe('a grace', () => {
  let emulated: TestServer;
  let api: Api;
  let clock: EmulatorControls;
  before(async () => {
    emulated = await startEmulator();
    api = apiOf(emulated);
    clock = controlsOf(emulated);
  });
  after(async () => {
    await emulated.kill();
    await rm(emulated.data, { recursive: true, force: true });
  });

  it('changes nothing until it ends, and can be canceled until then', async () => {
    await vaultOf('waiting', ['a'], api);
    const { TaskId } = await emptyVault(api, 'waiting', { GraceSeconds: 3600 });
    const scheduled = await describeTask(api, TaskId);
    assert.deepEqual([scheduled.State, scheduled.HeldCount], ['Scheduled', 0]);
    assert.equal((await clock.state()).nextEvent, scheduled.DueDate);
    assert.equal(await countArchives(api, 'waiting'), 1);
    assert.equal((await api.call('DELETE', `/-/tasks/${TaskId}`)).status, 204);
    assert.equal((await describeTask(api, TaskId)).State, 'Canceled');
    const text = `The task ${TaskId} cannot be canceled: its state is Canceled, not Scheduled.`;
    assertRefusal(await api.call('DELETE', `/-/tasks/${TaskId}`), 400, INVALID, text);
    await clock.advance('2h');
    // Another task ends later than the canceled one would have.
    await vaultOf('other', ['a'], api);
    await endedTask(api, (await emptyVault(api, 'other', {})).TaskId);
    assert.equal(await countArchives(api, 'waiting'), 1);
  });

  it('ends with the deletion of what the vault held at the beginning', async () => {
    await vaultOf('due', ['a'], api);
    const { TaskId } = await emptyVault(api, 'due', { GraceSeconds: 3600 });
    const later = await api.upload('due', 'bb');
    const { DueDate } = await describeTask(api, TaskId);
    const listed = JSON.parse((await api.call('GET', '/-/vaults/due/archives')).text);
    assert.deepEqual(
      listed.ArchiveList.map(({ DeletionDate }: { DeletionDate: string | null }) => DeletionDate),
      [DueDate, null],
    );
    await clock.advance('2h');
    const ended = await endedTask(api, TaskId);
    assert.deepEqual([ended.State, ended.ArchiveCount, ended.DoneCount], ['Succeeded', 1, 1]);
    assert.equal(await countArchives(api, 'due'), 1);
    assert.equal((await api.call('GET', `/-/vaults/due/archives/${later}`)).status, 200);
  });

  it('ends with a decision of its own: what was locked meanwhile stays', async () => {
    await vaultOf('later', ['a', 'b'], api);
    const { TaskId, HeldCount } = await emptyVault(api, 'later', { GraceSeconds: 86_400 });
    assert.equal(HeldCount, 0);
    await lock('later', deny({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } }), api);
    await clock.advance('2d');
    const ended = await endedTask(api, TaskId);
    assert.deepEqual([ended.State, ended.DoneCount, ended.HeldCount], ['Held', 0, 2]);
    assert.equal(await countArchives(api, 'later'), 2);
    // They can go when their age allows it.
    await clock.advance('365d');
    const again = await emptyVault(api, 'later');
    assert.equal(again.HeldCount, 0);
    assert.equal((await endedTask(api, again.TaskId)).State, 'Succeeded');
  });

  it('ends with what a lock allows by age', async () => {
    await vaultOf('ages', ['old'], api);
    await lock('ages', deny({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '10' } }), api);
    await clock.advance('6d');
    await api.upload('ages', 'young');
    const { TaskId, HeldCount } = await emptyVault(api, 'ages', { GraceSeconds: 5 * 86_400 });
    assert.equal(HeldCount, 2);
    await clock.advance('5d');
    const ended = await endedTask(api, TaskId);
    assert.deepEqual([ended.State, ended.DoneCount, ended.HeldCount], ['Held', 1, 1]);
    assert.deepEqual(
      (await reportOf(api, TaskId)).map(({ Size, Outcome }) => [Size, Outcome]),
      [
        [3, 'Deleted'],
        [5, 'Held'],
      ],
    );
  });

  it('ends in vain for a caller who lost the right', async () => {
    await vaultOf('lost', ['a'], api);
    const account = emulated.accountId;
    const policies = [identityPolicy('Allow', 'moraine:*')];
    const { leaver } = await addPeople(emulated.data, { leaver: { account, user: 'leaver', policies } });
    const { TaskId } = await emptyVault(apiOf({ ...emulated, ...leaver }), 'lost', { GraceSeconds: 3600 });
    await adminOf(emulated.data).json('user', 'delete', 'leaver', '--account-id', account);
    await clock.advance('2h');
    const ended = await endedTask(api, TaskId);
    assert.equal(ended.State, 'Failed');
    assert.match(ended.Message ?? '', /user\/leaver was deleted/);
    assert.equal(await countArchives(api, 'lost'), 1);
  });
});

describe('DeleteVault with force', () => {
  it('deletes the vault with all that it holds', async () => {
    await vaultOf('whole', ['a', 'bb']);
    const answer = await root.call('DELETE', '/-/vaults/whole?force=true');
    assert.equal(answer.status, 202, answer.text);
    const { TaskId } = JSON.parse(answer.text);
    const ended = await endedTask(root, TaskId);
    assert.deepEqual([ended.Kind, ended.State, ended.DoneCount], ['DeleteVault', 'Succeeded', 2]);
    assert.equal((await root.call('GET', '/-/vaults/whole')).status, 404);
  });

  it('leaves the vault with what is held', async () => {
    await vaultOf('partly', ['a']);
    await lock('partly', deny({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } }));
    const { TaskId } = JSON.parse((await root.call('DELETE', '/-/vaults/partly?force=true')).text);
    const ended = await endedTask(root, TaskId);
    assert.deepEqual([ended.State, ended.HeldCount], ['Held', 1]);
    assert.equal(await countArchives(root, 'partly'), 1);
  });

  it('without force still needs an empty vault', async () => {
    await vaultOf('full', ['a']);
    assertRefusal(await root.call('DELETE', '/-/vaults/full'), 400, INVALID, /^Vault not empty/);
    await emptyVault(root, 'full');
    assert.equal((await root.call('DELETE', '/-/vaults/full')).status, 204);
  });
});

describe('tasks', () => {
  it('are listed newest first, to those whom a policy allows their vaults', async () => {
    const api = apiOf(server, 'eu-west-1');
    for (const vault of ['one', 'two']) await api.createVault(vault);
    const tasks = [await emptyVault(api, 'one'), await emptyVault(api, 'two'), await emptyVault(api, 'one')];
    const account = server.accountId;
    const Resource = api.vaultArn('two');
    const allowTwo = {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'moraine:*Task*', Resource },
    };
    const { two } = await addPeople(server.data, { two: { account, user: 'two', policies: [allowTwo] } });
    const list = async (who: Api, query = '') => {
      const answer = await who.call('GET', `/-/tasks${query}`);
      assert.equal(answer.status, 200, answer.text);
      return JSON.parse(answer.text);
    };
    const idsOf = (answer: { TaskList: { TaskId: string }[] }) => answer.TaskList.map(({ TaskId }) => TaskId);
    const [first, second, third] = tasks.map(({ TaskId }) => TaskId);
    assert.deepEqual(idsOf(await list(api)), [third, second, first]);
    const page = await list(api, '?limit=2');
    assert.deepEqual(idsOf(page), [third, second]);
    const rest = await list(api, `?limit=2&marker=${page.Marker}`);
    assert.deepEqual([idsOf(rest), rest.Marker], [[first], null]);
    const other = apiOf({ ...server, ...two }, 'eu-west-1');
    assert.deepEqual(idsOf(await list(other)), [second]);
    assertRefusal(await other.call('GET', `/-/tasks/${first}`), 403, DENIED, /moraine:DescribeTask/);
    const unknown = 'The task ID was not found: unknown';
    assertRefusal(await api.call('GET', '/-/tasks/unknown'), 404, MISSING, unknown);
  });
});

describe('a server that was killed', () => {
  it('goes on with its tasks', async () => {
    const killed = await startServer();
    const api = apiOf(killed);
    await api.createVault('many');
    const ids = await Promise.all(Array.from({ length: 300 }, (_, i) => api.upload('many', `archive ${i}`)));
    const { TaskId } = await emptyVault(api, 'many');
    await killed.kill();
    const again = await startServer({ data: killed.data });
    try {
      const next = apiOf({ ...killed, url: again.url });
      assert.equal(await countArchives(next, 'many'), 0);
      const ended = await endedTask(next, TaskId);
      assert.deepEqual([ended.State, ended.DoneCount], ['Succeeded', 300]);
      const report = await reportOf(next, TaskId);
      assert.deepEqual(report.map(({ ArchiveId }) => ArchiveId).sort(), ids.sort());
    } finally {
      await again.kill();
      await rm(killed.data, { recursive: true, force: true });
    }
  });
});
