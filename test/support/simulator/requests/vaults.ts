/** Requests on vaults as a whole. */
import { expect, SETTINGS, type Stray, type VaultModel } from '../model.ts';
import type { Change } from '../uncertain.ts';
import { type AskContext, Asked, jsonOf, pathOf, pickVault, policyChange, type Reply } from './asked.ts';

export function createVault({ model, random }: AskContext): Asked {
  const absent = model.vaults.filter(({ isThere }) => !isThere.must(true));
  return createVaultNamed(
    random.pick(absent.length > 0 && random.chance(0.8) ? absent : model.vaults) as VaultModel,
  );
}

export function createVaultNamed(vault: VaultModel): Asked {
  return new Asked(`create ${vault.name}`, { method: 'PUT', target: pathOf(vault) })
    .changes(policyChange(vault, vault.isThere.begin(true)))
    .outcome(201);
}

export function deleteVault(context: AskContext): Asked {
  return deletionOfVault(pickVault(context));
}

export function deletionOfVault(vault: VaultModel): Asked {
  const asked = new Asked(`delete ${vault.name}`, { method: 'DELETE', target: pathOf(vault) });
  vault.deletions++;
  const certain = [...vault.archives].filter(({ isThere }) => isThere.must(true));
  const watched = certain.map((archive) => ({ archive, seen: asked.watch(archive.isThere) }));
  const mayHaveArchives = vault.counts.most > 0;
  const earlier = { uploads: [...vault.uploads], archives: [...vault.archives], strays: [...vault.strays] };
  return asked
    .changes(...endOfVault(vault))
    .mayRace(vault)
    .outcome(400, {
      code: 'InvalidParameterValueException',
      mayCome: () => mayHaveArchives || vault.counts.most > 0,
    })
    .outcome(204, {
      note() {
        for (const { archive, seen } of watched)
          expect(seen.has(false), () => `${vault.name} was deleted with ${archive.description} in it`);
        forgetContents(vault, earlier);
      },
    });
}

/** Everything that ends with the vault. */
function endOfVault(vault: VaultModel): Change[] {
  return [
    policyChange(vault, vault.isThere.begin(false)),
    ...SETTINGS.map((name) => vault.settings[name].begin(null)),
    vault.lock.begin('none'),
    ...[...vault.uploads].map(({ state }) => state.begin('ended')),
    ...[...vault.jobs].map(({ isThere }) => isThere.begin(false)),
  ];
}

interface EarlierContents {
  readonly uploads: VaultModel['uploads'] extends Set<infer One> ? readonly One[] : never;
  readonly archives: VaultModel['archives'] extends Set<infer One> ? readonly One[] : never;
  readonly strays: readonly Stray[];
}

/** What came while the vault was being deleted may have come before or after. */
function forgetContents(vault: VaultModel, earlier: EarlierContents): void {
  for (const archive of earlier.archives) archive.isThere.begin(false).succeed();
  for (const stray of earlier.strays) vault.strays.delete(stray);
  for (const upload of vault.uploads) if (!earlier.uploads.includes(upload)) upload.state.allow('ended');
  for (const archive of vault.archives) if (!earlier.archives.includes(archive)) archive.isThere.allow(false);
  for (const job of vault.jobs) job.isThere.allow(false);
}

export function describeVault(context: AskContext): Asked {
  const vault = pickVault(context);
  const asked = new Asked(`describe ${vault.name}`, { method: 'GET', target: pathOf(vault) });
  const there = asked.onVault(vault);
  const certain = [...vault.archives].filter(({ isThere }) => isThere.must(true));
  const watched = certain.map(({ isThere }) => asked.watch(isThere));
  const before = new Set([...vault.archives].filter(({ isThere }) => isThere.may(true)));
  const strays = vault.strays.size;
  return asked.outcome(200, {
    mayCome: () => there.has(true),
    note(reply) {
      const { NumberOfArchives: found } = jsonOf(reply) as { NumberOfArchives: number };
      // Archives of an earlier vault of this name do not count.
      const least = there.has(false) ? 0 : watched.filter((seen) => !seen.has(false)).length;
      const later = [...vault.archives].filter((one) => !before.has(one)).length;
      const most = before.size + later + strays + vault.strays.size;
      expect(
        found >= least && found <= most,
        () => `${vault.name} has ${found} archives, not ${least} to ${most}`,
      );
    },
  });
}

export function listVaults({ model }: AskContext): Asked {
  const asked = new Asked('list vaults', { method: 'GET', target: '/-/vaults' });
  const watched = model.vaults.map((vault) => ({ vault, there: asked.watch(vault.isThere) }));
  return asked.outcome(200, { note: (reply) => checkList(watched, reply) });
}

function checkList(
  watched: readonly { readonly vault: VaultModel; readonly there: ReadonlySet<boolean> }[],
  reply: Reply,
): void {
  const { VaultList: list } = jsonOf(reply) as { VaultList: { VaultName: string }[] };
  const names = new Set(list.map(({ VaultName: name }) => name));
  for (const { vault, there } of watched)
    expect(there.has(names.delete(vault.name)), () => `${vault.name} is wrongly listed, or wrongly not`);
  expect(names.size === 0, () => `vaults that nobody made: ${[...names].join(', ')}`);
}
