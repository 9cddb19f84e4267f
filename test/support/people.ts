/** Makes accounts, users and keys while a server runs, like the commands, but many at once. */
import { withCommandDeps } from '../../src/app/command-deps.ts';
import { makeKeyId, makeSecret } from '../../src/app/make-key.ts';
import { readConfig } from '../../src/config/read.ts';
import { sealToken } from '../../src/domain/session-token.ts';
import type { Credentials } from './server.ts';

export interface Person {
  /** Undefined for the account's root. */
  readonly user?: string;
  readonly account: string;
  /** Identity policies. */
  readonly policies?: readonly unknown[];
}

/** Makes the accounts, users, policies and a key for each person. */
export function addPeople<Name extends string>(
  data: string,
  people: Readonly<Record<Name, Person>>,
): Promise<Record<Name, Credentials>> {
  return withCommandDeps(readConfig({ data }), async ({ catalog, box, random, clock }) => {
    const nowMs = clock.now();
    const made = Object.entries<Person>(people).map(async ([name, { user, account, policies = [] }]) => {
      await catalog.createAccount({ id: account, nowMs });
      const no =
        user === undefined
          ? null
          : (
              await catalog.createUser({
                account,
                name: user,
                userId: makeKeyId('AIDA', random),
                createdMs: nowMs,
              })
            ).no;
      for (const [i, policy] of policies.entries()) {
        await catalog.putUserPolicy({
          userNo: no ?? 0,
          name: `p${i}`,
          document: JSON.stringify(policy),
        });
      }
      const id = makeKeyId('AKIA', random);
      const secretAccessKey = makeSecret(random);
      const sealedSecret = box.seal(id, secretAccessKey, random);
      const key = { id, account, sealedSecret, status: 'active', origin: 'command', userNo: no } as const;
      await catalog.putAccessKey({ ...key, nowMs });
      return [name, { accountId: account, accessKeyId: id, secretAccessKey }] as const;
    });
    return Object.fromEntries(await Promise.all(made)) as Record<Name, Credentials>;
  });
}

/** An identity policy with one statement. */
export function identityPolicy(effect: 'Allow' | 'Deny', action: string, resource = '*'): unknown {
  return { Version: '2012-10-17', Statement: statement(effect, action, resource) };
}

/** A policy that allows everything except one action. */
export function allBut(action: string): unknown {
  return {
    Version: '2012-10-17',
    Statement: [statement('Allow', 'glacier:*', '*'), statement('Deny', action, '*')],
  };
}

function statement(Effect: string, Action: string, Resource: string): Record<string, string> {
  return { Effect, Action, Resource };
}

/** Temporary credentials with any claims, sealed with the data folder's key, even claims that no command issues. */
export function issueSession(
  data: string,
  { account, lifeMs, keyId }: { account: string; lifeMs: number; keyId: string | null },
): Promise<Credentials & { readonly sessionToken: string }> {
  return withCommandDeps(readConfig({ data }), async ({ box, random, clock }) => {
    const issuedMs = clock.now();
    const claims = {
      accessKeyId: makeKeyId('ASIA', random),
      secret: makeSecret(random),
      account,
      userNo: null,
      parentKeyId: keyId,
      issuedMs,
      expiresMs: issuedMs + lifeMs,
    };
    const sessionToken = sealToken(box, claims, random);
    return {
      accountId: account,
      accessKeyId: claims.accessKeyId,
      secretAccessKey: claims.secret,
      sessionToken,
    };
  });
}
