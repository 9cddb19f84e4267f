/** Uploads in one request, and deletions. */
import { type Content, contentOf } from '../contents.ts';
import { ArchiveModel, expect, type Stray, type VaultModel } from '../model.ts';
import { type AskContext, Asked, pathOf, pickVault } from './asked.ts';

export function uploadArchive(context: AskContext): Asked {
  const { random } = context;
  const kind = random.weighted({ tiny: 30, small: 8, large: 3, long: 0.7 });
  return uploadOf(context, pickVault(context), contentOf(kind, random));
}

export function uploadOf({ model, random }: AskContext, vault: VaultModel, content: Content): Asked {
  const description = model.newDescription();
  const { bytes, treeHash, linearHash } = content;
  const goesAfter = random.chance(0.06) ? random.below(2 * bytes.length) : undefined;
  const headers = {
    'x-amz-archive-description': description,
    'x-amz-sha256-tree-hash': treeHash,
    'x-amz-content-sha256': linearHash,
  };
  const draft = { method: 'POST', target: pathOf(vault, '/archives'), headers, body: bytes, goesAfter };
  const asked = new Asked(`upload ${description} to ${vault.name}`, draft);
  const stray: Stray = { description, contents: [content] };
  // A body that breaks off must leave nothing.
  const comesWhole = goesAfter === undefined || goesAfter >= bytes.length;
  if (comesWhole) {
    vault.strays.add(stray);
    vault.sent.add(stray);
  }
  const there = asked.watch(vault.isThere);
  return asked
    .outcome(404, {
      code: 'ResourceNotFoundException',
      mayCome: () => there.has(false),
      note: () => vault.strays.delete(stray),
    })
    .outcome(201, {
      mayCome: () => there.has(true),
      note(reply) {
        expect(
          reply.headers['x-amz-sha256-tree-hash'] === treeHash,
          () => `${description} has another tree hash`,
        );
        const id = reply.headers['x-amz-archive-id'] ?? '';
        // A deletion of the vault may have removed it already.
        if (!vault.strays.delete(stray)) return;
        vault.archives.add(new ArchiveModel(id, { vault, description, contents: [content], treeHash }));
      },
    });
}

export function deleteArchive(context: AskContext): Asked | undefined {
  const { model, random } = context;
  const there = model.archives.filter(({ isThere }) => isThere.may(true));
  const archive = random.pick(random.chance(0.9) ? there : model.archives);
  return archive && deletionOf(archive);
}

export function deletionOf(archive: ArchiveModel): Asked {
  const { vault, id, description } = archive;
  const target = pathOf(vault, `/archives/${id}`);
  const asked = new Asked(`delete ${description}`, { method: 'DELETE', target });
  const lock = asked.watch(vault.lock);
  const wasThere = archive.isThere.must(true);
  asked.onVault(vault);
  onEarlierVault(asked, archive);
  return (
    asked
      .changes(archive.isThere.begin(false))
      .mayRace(vault)
      .outcome(403, { code: 'AccessDeniedException', mayCome: () => [...lock].some((one) => one !== 'none') })
      // A completed lock denies it as long as the simulation lasts.
      .outcome(204, { mayCome: () => !wasThere || [...lock].some((one) => !one.startsWith('locked')) })
  );
}

/** Allows the answer that the vault never had the id: a client gave it to an archive of an earlier vault of the name. */
export function onEarlierVault(asked: Asked, { id, vault }: ArchiveModel): void {
  const mayCome = () => id.startsWith('import-') && vault.deletions > 0;
  asked.outcome(404, { code: 'ResourceNotFoundException', mayCome });
}
