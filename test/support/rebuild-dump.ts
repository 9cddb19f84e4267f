/** Everything that a server shows of its catalog, to compare before and after a rebuild. */
import { withCommandDeps } from '../../src/app/command-deps.ts';
import { readConfig } from '../../src/config/read.ts';
import { type Api, apiOf, assertJson } from './api.ts';
import { jobsOf } from './jobs.ts';
import type { Credentials, TestServer } from './server.ts';

interface Listed {
  readonly VaultName: string;
  readonly MultipartUploadId: string;
  readonly ArchiveId: string;
}

async function shown(api: Api, target: string): Promise<unknown> {
  const { status, text } = await api.call('GET', `/-/${target}`);
  return { status, body: status === 200 ? JSON.parse(text) : undefined };
}

/** All that the API shows of an account in a region. */
async function dumpRegion(api: Api): Promise<unknown> {
  const listed = assertJson(await api.call('GET', '/-/vaults'))['VaultList'] as Listed[];
  const vaults: Record<string, unknown> = {};
  for (const vault of listed) {
    const of = `vaults/${vault.VaultName}`;
    const uploads = assertJson(await api.call('GET', `/-/${of}/multipart-uploads`))['UploadsList'];
    const parts: unknown[] = [];
    for (const { MultipartUploadId } of uploads as Listed[])
      parts.push(await shown(api, `${of}/multipart-uploads/${MultipartUploadId}`));
    vaults[vault.VaultName] = {
      vault,
      uploads,
      parts,
      archives: await archivesIn(api, vault.VaultName),
      tags: await shown(api, `${of}/tags`),
      accessPolicy: await shown(api, `${of}/access-policy`),
      lock: await shown(api, `${of}/lock-policy`),
      notifications: await shown(api, `${of}/notification-configuration`),
    };
  }
  const capacity = await shown(api, 'provisioned-capacity');
  return { vaults, retrieval: await shown(api, 'policies/data-retrieval'), capacity };
}

/** The inventory's entries by id: their order within a millisecond is no promise. */
async function archivesIn(api: Api, vault: string): Promise<unknown> {
  const { ArchiveList } = JSON.parse(await jobsOf(api).inventory(vault)) as { ArchiveList: Listed[] };
  return ArchiveList.sort((a, b) => (a.ArchiveId < b.ArchiveId ? -1 : 1));
}

/** Accounts, users, policies and keys, as the commands read them. */
function dumpPeople(data: string): Promise<unknown> {
  return withCommandDeps(readConfig({ data }), async ({ catalog }) => {
    const accounts: Record<string, unknown> = {};
    for (const account of await catalog.listAccounts()) {
      const users = await catalog.listUsers(account);
      const policies: unknown[] = [];
      const keys: unknown[] = [await catalog.listAccessKeys(account, null)];
      for (const { no } of users) {
        policies.push(await catalog.userPolicies(no));
        keys.push(await catalog.listAccessKeys(account, no));
      }
      accounts[account] = { users, policies, keys };
    }
    return JSON.parse(JSON.stringify(accounts));
  });
}

/** All that API and commands show. @param roots keys of the accounts' roots. */
export async function dumpAll(
  server: TestServer,
  roots: readonly Credentials[],
  regions: readonly string[],
): Promise<unknown> {
  const accounts: Record<string, unknown> = {};
  for (const root of roots) {
    const dumped: unknown[] = [];
    for (const region of regions) dumped.push(await dumpRegion(apiOf({ ...server, ...root }, region)));
    accounts[root.accountId] = dumped;
  }
  return { people: await dumpPeople(server.data), accounts };
}
