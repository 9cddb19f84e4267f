/** Accounts, users, policies and keys of every kind, made beside a running server as the command line makes them. */
import { withCommandDeps } from '../../src/app/command-deps.ts';
import { makeAccountId, makeKeyId, makeSecret } from '../../src/app/make-key.ts';
import { readConfig } from '../../src/config/read.ts';
import { sealToken } from '../../src/domain/session-token.ts';
import type { Credentials, TestServer } from './server.ts';

export interface People {
  readonly roots: readonly Credentials[];
  readonly ann: Credentials;
  readonly disabled: Credentials;
  readonly session: Credentials & { readonly sessionToken: string };
}

/** Two accounts; users with policies and keys, and users that are gone. */
export function usePeople(server: TestServer): Promise<People> {
  return withCommandDeps(readConfig({ data: server.data }), async ({ catalog, box, random, clock }) => {
    const { accountId: account } = server;
    const nowMs = clock.now();
    const userOf = (name: string) =>
      catalog.createUser({ account, name, userId: makeKeyId('AIDA', random), createdMs: nowMs });
    const keyOf = async (of: string, userNo: number | null): Promise<Credentials> => {
      const [id, secretAccessKey] = [makeKeyId('AKIA', random), makeSecret(random)];
      const sealedSecret = box.seal(id, secretAccessKey, random);
      const key = { id, account: of, sealedSecret, status: 'active', origin: 'command', userNo } as const;
      await catalog.putAccessKey({ ...key, nowMs });
      return { accountId: of, accessKeyId: id, secretAccessKey };
    };
    const other = makeAccountId(random);
    await catalog.createAccount({ id: other, nowMs });
    // The numbers of users have a gap at their end, in which none may be used again.
    const [zoe, ann, last] = [await userOf('zoe'), await userOf('ann'), await userOf('last')];
    const Statement = { Effect: 'Allow', Action: 'glacier:*', Resource: '*' };
    const document = JSON.stringify({ Version: '2012-10-17', Statement });
    for (const { no } of [ann, last]) await catalog.putUserPolicy({ userNo: no, name: 'all', document });
    const people = { ann: await keyOf(account, ann.no), disabled: await keyOf(account, ann.no) };
    await catalog.setKeyStatus({ id: people.disabled.accessKeyId, status: 'disabled' });
    const [accessKeyId, secret] = [makeKeyId('ASIA', random), makeSecret(random)];
    const times = { issuedMs: nowMs, expiresMs: nowMs + 3_600_000 };
    const claims = { accessKeyId, secret, account, userNo: ann.no, parentKeyId: null, ...times };
    const sessionToken = sealToken(box, claims, random);
    const session = { accountId: account, accessKeyId, secretAccessKey: secret, sessionToken };
    for (const { no } of [last, zoe]) await catalog.deleteUser({ userNo: no });
    const { accessKeyId: rootKey, secretAccessKey: rootSecret } = server;
    const root = { accountId: account, accessKeyId: rootKey, secretAccessKey: rootSecret };
    return { ...people, session, roots: [root, await keyOf(other, null)] };
  });
}
