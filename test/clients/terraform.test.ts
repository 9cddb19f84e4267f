/** Calls of the Terraform provider for a vault with policy, notifications, tags and lock, applied twice. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import {
  AbortVaultLockCommand,
  AddTagsToVaultCommand,
  CompleteVaultLockCommand,
  CreateVaultCommand,
  DeleteVaultCommand,
  DescribeVaultCommand,
  GetVaultAccessPolicyCommand,
  GetVaultLockCommand,
  GetVaultNotificationsCommand,
  GlacierClient,
  InitiateVaultLockCommand,
  ListTagsForVaultCommand,
  ResourceNotFoundException,
  SetVaultAccessPolicyCommand,
  SetVaultNotificationsCommand,
} from '@aws-sdk/client-glacier';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let client: GlacierClient;
/** The calls of the last apply that change something. */
let changes: string[];

before(async () => {
  server = await startServer();
  const { url: endpoint, accessKeyId, secretAccessKey } = server;
  client = new GlacierClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey },
  });
});
after(async () => {
  client.destroy();
  await server.stop();
});

interface Wanted {
  readonly tags: Record<string, string>;
  readonly accessPolicy: unknown;
  readonly notifications: { readonly SNSTopic: string; readonly Events: string[] };
  readonly lockPolicy: unknown;
}

const vault = { accountId: '-', vaultName: 'terraform-vault' };

function wanted(): Wanted {
  const Resource = `arn:aws:glacier:us-east-1:${server.accountId}:vaults/${vault.vaultName}`;
  return {
    tags: { Environment: 'test', Empty: '' },
    accessPolicy: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'add',
          Effect: 'Allow',
          Principal: '*',
          Action: ['glacier:InitiateJob', 'glacier:GetJobOutput'],
          Resource,
        },
      ],
    },
    notifications: {
      SNSTopic: `arn:aws:sns:us-east-1:${server.accountId}:glacier-sns-topic`,
      Events: ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'],
    },
    lockPolicy: {
      Version: '2012-10-17',
      Statement: {
        Sid: 'allow-vault-lock',
        Effect: 'Deny',
        Principal: '*',
        Action: 'glacier:DeleteArchive',
        Resource,
        Condition: { NumericLessThanEquals: { 'glacier:ArchiveAgeinDays': '365' } },
      },
    },
  };
}

/** To the provider, a 404 means a missing resource. */
async function orNone<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

const parsed = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));

/** The state as the provider's read functions fill it. */
async function read(): Promise<Partial<Wanted> & { readonly arn?: string | undefined }> {
  const found = await orNone(client.send(new DescribeVaultCommand(vault)));
  if (!found) return {};
  const { Tags: tags = {} } = await client.send(new ListTagsForVaultCommand(vault));
  const access = await orNone(client.send(new GetVaultAccessPolicyCommand(vault)));
  const events = await orNone(client.send(new GetVaultNotificationsCommand(vault)));
  const lock = await orNone(client.send(new GetVaultLockCommand(vault)));
  const { SNSTopic = '', Events = [] } = events?.vaultNotificationConfig ?? {};
  return {
    arn: found.VaultARN,
    tags,
    accessPolicy: parsed(access?.policy?.Policy),
    notifications: { SNSTopic, Events: Events.toSorted() },
    lockPolicy: parsed(lock?.Policy),
  };
}

/** Compares the plan with the existing state and makes the necessary calls, like `terraform apply`. */
async function apply(target: Wanted): Promise<void> {
  changes = [];
  const { arn, ...state } = await read();
  const differs = (name: keyof Wanted): boolean => {
    const different = JSON.stringify(sorted(state[name])) !== JSON.stringify(sorted(target[name]));
    if (different) changes.push(name);
    return different;
  };
  if (arn === undefined) {
    changes.push('vault');
    const { location } = await client.send(new CreateVaultCommand(vault));
    assert.equal(location, `/${server.accountId}/vaults/${vault.vaultName}`);
  }
  if (differs('tags')) await client.send(new AddTagsToVaultCommand({ ...vault, Tags: target.tags }));
  if (differs('accessPolicy')) {
    const policy = { Policy: JSON.stringify(target.accessPolicy) };
    await client.send(new SetVaultAccessPolicyCommand({ ...vault, policy }));
  }
  if (differs('notifications')) {
    const vaultNotificationConfig = target.notifications;
    await client.send(new SetVaultNotificationsCommand({ ...vault, vaultNotificationConfig }));
  }
  if (differs('lockPolicy')) await lock(target.lockPolicy);
}

async function lock(document: unknown): Promise<void> {
  const policy = { Policy: JSON.stringify(document) };
  const { lockId } = await client.send(new InitiateVaultLockCommand({ ...vault, policy }));
  await client.send(new CompleteVaultLockCommand({ ...vault, lockId }));
  await eventually('the vault to be locked', async () => {
    const { State } = await client.send(new GetVaultLockCommand(vault));
    return State === 'Locked';
  });
}

/** Sorts the keys, because the provider compares documents by meaning. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

/** The provider's `ignore_deletion_error`: a completed lock cannot be aborted. */
async function destroy(): Promise<void> {
  await assert.rejects(client.send(new AbortVaultLockCommand(vault)), { name: 'AccessDeniedException' });
  await client.send(new DeleteVaultCommand(vault));
}

for (const time of ['the first time', 'again after it was destroyed']) {
  it(`is made by one apply and left unchanged by the next, ${time}`, async () => {
    await apply(wanted());
    assert.deepEqual(changes, ['vault', 'tags', 'accessPolicy', 'notifications', 'lockPolicy']);
    const { arn, ...state } = await read();
    assert.equal(arn, `arn:aws:glacier:us-east-1:${server.accountId}:vaults/${vault.vaultName}`);
    assert.deepEqual(sorted(state), sorted(wanted()));
    await apply(wanted());
    assert.deepEqual(changes, []);
    await destroy();
    assert.deepEqual(await read(), {});
  });
}

it('removes a lock in progress, and accepts a missing one', async () => {
  await client.send(new CreateVaultCommand(vault));
  const policy = { Policy: JSON.stringify(wanted().lockPolicy) };
  await client.send(new InitiateVaultLockCommand({ ...vault, policy }));
  assert.equal((await client.send(new GetVaultLockCommand(vault))).State, 'InProgress');
  for (let i = 0; i < 2; i++) await client.send(new AbortVaultLockCommand(vault));
  assert.equal(await orNone(client.send(new GetVaultLockCommand(vault))), undefined);
  await client.send(new DeleteVaultCommand(vault));
});
