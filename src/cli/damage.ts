/** `damage`: stored bytes that are not what was stored. */
import type { Command } from 'commander';
import { checkArchive, openScrubStore } from '../app/archive-check.ts';
import { withCommandAudit } from '../app/command-audit.ts';
import type { CommandDeps } from '../app/command-deps.ts';
import { EXIT, NotFoundError } from '../config/errors.ts';
import type { StoredArchive } from '../domain/archive-catalog.ts';
import { type Damage, type DamageKind, damagedSpan, isFileDamage } from '../domain/damage.ts';
import type { DamageKey } from '../domain/damage-catalog.ts';
import type { VaultKey } from '../domain/vault.ts';
import { readScrubProgress } from '../workers/scrub-note.ts';
import { addAction, type Given } from './action.ts';
import { isoDate } from './iso-date.ts';
import { pluralize } from './pluralize.ts';

const ROWS_AT_ONCE = 200;
/** More vaults than an installation has. */
const ALL_VAULTS = 1_000_000;

/** Adds `damage ls` and `damage check`. */
export function addDamage(program: Command): void {
  const damage = program
    .command('damage')
    .description('stored bytes that the scrub, a check or a read found changed or missing');
  addAction(damage.command('ls'), 'list them, with the archive and the file to put back', [], list, ['json']);
  addAction(
    damage.command('check'),
    'read all of an archive now, and note or forget its damage; exit code 6 if it is damaged',
    ['archiveid'],
    check,
    ['json'],
  );
}

const WHAT: Readonly<Record<DamageKind, string>> = {
  data: 'changed since they were stored',
  description: 'unreadable, because the end or the header of the blob is gone or changed',
  'other-blob': 'unreadable, because another blob is in its place',
  missing: 'missing',
  unreadable: 'unreadable: the disk reports an error',
  file: 'changed since it was written',
};

/** Prints each page as it is read: there may be many. */
async function list({ catalog, config, folder }: CommandDeps, given: Given): Promise<unknown[]> {
  // In a bucket, the reference is part of the key.
  const store = config.store ? undefined : openScrubStore({ config, folder });
  const fileOf = (one: Damage) => (isFileDamage(one) ? one.ref : (store?.fileOf(one.ref) ?? one.ref));
  let shown = 0;
  for (let after: DamageKey | null = null; ; ) {
    const page: { rows: readonly Damage[]; more: boolean } = await catalog.listDamage({
      after,
      limit: ROWS_AT_ONCE,
    });
    for (const one of page.rows) {
      // The archive was deleted since.
      if (one.owner === null && !isFileDamage(one)) continue;
      shown++;
      process.stdout.write(`${given['json'] ? toJson(one, fileOf(one)) : toLine(one, fileOf(one))}\n`);
    }
    after = page.rows.at(-1) ?? after;
    if (!page.more) break;
  }
  return shown === 0 && !given['json'] ? ['no damage is known'] : [];
}

function toLine(damage: Damage, file: string): string {
  const { owner, kind, firstSeenMs, lastSeenMs } = damage;
  const span = damagedSpan(damage);
  const seen = `first seen ${isoDate(firstSeenMs)}, last seen ${isoDate(lastSeenMs)}`;
  if (owner === null || span === null) return `store/${file} is ${WHAT[kind]}; ${seen}`;
  const subject = owner.archiveId === null ? 'an inventory' : `id:${owner.archiveId}`;
  const about = owner.description === null ? '' : ` (${JSON.stringify(owner.description)})`;
  const bytes = `bytes ${span.first} to ${span.last} are ${WHAT[kind]}`;
  return `${owner.name}/${subject}${about}: ${bytes}; in store/${file}; ${seen}`;
}

function toJson(damage: Damage, file: string): string {
  const { ref, kind, owner, firstSeenMs, lastSeenMs } = damage;
  return JSON.stringify({
    type: 'damage',
    kind,
    ...ownerMembers(owner),
    description: owner?.description ?? null,
    range: damagedSpan(damage),
    ref,
    file,
    firstSeenDate: isoDate(firstSeenMs),
    lastSeenDate: isoDate(lastSeenMs),
  });
}

function ownerMembers(owner: Damage['owner']): Record<string, unknown> {
  const { account = null, region = null, name = null, archiveId = null } = owner ?? {};
  return { account, region, vault: name, archiveId };
}

async function check(deps: CommandDeps, given: Given): Promise<string[]> {
  const { catalog, folder, blobs, clock, config } = deps;
  const id = given['archiveid'] ?? '';
  const { archive, vault } = await findArchive(deps, id);
  const store = openScrubStore({ config, folder });
  const found = await checkArchive(
    {
      ...{ catalog, store, topic: config.damageTopic, nowMs: clock.now() },
      progress: await readScrubProgress(blobs),
      onDamage({ ref, leaf, kind }) {
        const what = leaf === null ? 'the bytes' : `MiB ${leaf}`;
        if (!given['json'])
          process.stdout.write(`store/${store.fileOf(ref)}: ${what} of this blob: ${WHAT[kind]}\n`);
      },
    },
    archive,
  );
  if (found === undefined) throw new NotFoundError(`the archive ${id} was deleted meanwhile`);
  const { damages, lastVerifiedMs } = found;
  // Afterwards: reading a large archive takes long, and other commands would wait.
  await withCommandAudit(deps, 'command', (auditChange) =>
    auditChange({ eventName: 'CheckArchive', account: vault.account, parameters: { id, damages } }),
  );
  if (damages > 0) process.exitCode = EXIT.damaged;
  const lastVerifiedDate = lastVerifiedMs === null ? null : isoDate(lastVerifiedMs);
  const { account, region, name } = vault;
  if (given['json']) {
    const members = { account, region, vault: name, archiveId: id, damaged: damages > 0, damages };
    return [JSON.stringify({ type: 'check', ...members, lastVerifiedDate })];
  }
  const before = lastVerifiedDate === null ? 'no scrub has read it yet' : `last scrubbed ${lastVerifiedDate}`;
  if (damages === 0)
    return [`${name}/id:${id}: all ${pluralize(archive.size, 'byte')} are what was stored; ${before}`];
  return [`${name}/id:${id} is damaged; ${before}. See "Damage" in docs/scrub.md`];
}

/** Looks in every vault: an id alone does not say where its archive is. @throws NotFoundError. */
async function findArchive(
  { catalog }: CommandDeps,
  id: string,
): Promise<{ archive: StoredArchive; vault: VaultKey }> {
  for (const vault of await catalog.listVaultKeys({ name: null, limit: ALL_VAULTS })) {
    const no = (await catalog.findVault(vault))?.no;
    const archive = no === undefined ? undefined : await catalog.findArchive(no, id);
    if (archive) return { archive, vault };
  }
  throw new NotFoundError(`there is no archive ${id}; \`damage ls\` shows the damaged ones`);
}
