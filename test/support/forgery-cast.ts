import { withCommandDeps } from '../../src/app/command-deps.ts';
import { readConfig } from '../../src/config/read.ts';
import { apiOf } from './api.ts';
import type { Cast } from './forgery.ts';
import { addPeople, identityPolicy, issueSession } from './people.ts';
import type { TestServer } from './server.ts';

/** Valid and invalid keys for a server that has a vault `v`. */
export async function castOf(server: TestServer): Promise<Cast> {
  const { url, data, accountId: account } = server;
  const root = {
    accountId: account,
    accessKeyId: server.accessKeyId,
    secretAccessKey: server.secretAccessKey,
  };
  await apiOf(server).createVault('v');
  const { other, disabled } = await addPeople(data, {
    other: { account, user: 'other', policies: [identityPolicy('Allow', 'glacier:*')] },
    disabled: { account, user: 'disabled', policies: [identityPolicy('Allow', 'glacier:*')] },
  });
  await withCommandDeps(readConfig({ data }), ({ catalog }) =>
    catalog.setKeyStatus({ id: disabled.accessKeyId, status: 'disabled' }),
  );
  const session = await issueSession(data, { account, lifeMs: 3_600_000, keyId: server.accessKeyId });
  return {
    url,
    root,
    other,
    disabled,
    session,
    unknown: { ...other, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' },
  };
}
