/** Retrievals, inventories and their outputs. */
import { type ArchiveModel, expect, type JobModel, type VaultModel } from '../model.ts';
import { Uncertain } from '../uncertain.ts';
import { onEarlierVault } from './archives.ts';
import { type AskContext, Asked, jsonOf, pathOf, pickVault, type Reply } from './asked.ts';

export function initiateRetrieval(context: AskContext): Asked | undefined {
  const { model, random } = context;
  const there = model.archives.filter(({ isThere }) => isThere.may(true));
  const archive = random.pick(random.chance(0.9) ? there : model.archives);
  return archive && retrievalOf(archive);
}

export function retrievalOf(archive: ArchiveModel): Asked {
  const { vault, id, description } = archive;
  const body = Buffer.from(JSON.stringify({ Type: 'archive-retrieval', ArchiveId: id }));
  const draft = { method: 'POST', target: pathOf(vault, '/jobs'), body };
  const asked = new Asked(`retrieve ${description}`, draft);
  asked.mayFail = () => archive.mayLackBytes;
  const there = asked.onVault(vault);
  onEarlierVault(asked, archive);
  const seen = asked.watch(archive.isThere);
  return asked.outcome(202, {
    mayCome: () => there.has(true),
    note(reply) {
      const isCertain = !seen.has(false) && !there.has(false) && !archive.mayLackBytes;
      addJob(vault, reply, { archive, isCertain, present: [], absent: [] });
    },
  });
}

export function initiateInventory(context: AskContext): Asked {
  const vault = pickVault(context);
  const body = Buffer.from(JSON.stringify({ Type: 'inventory-retrieval', Format: 'JSON' }));
  const draft = { method: 'POST', target: pathOf(vault, '/jobs'), body };
  const asked = new Asked(`take the inventory of ${vault.name}`, draft);
  const there = asked.onVault(vault);
  const all = [...vault.archives];
  const present = all.filter(({ isThere }) => isThere.must(true));
  const absent = all.filter(({ isThere }) => isThere.must(false));
  return asked.outcome(202, {
    mayCome: () => there.has(true),
    note(reply) {
      // A vault that was deleted meanwhile has another content.
      const isCertain = !there.has(false);
      addJob(vault, reply, { archive: undefined, isCertain, present: isCertain ? present : [], absent });
    },
  });
}

function addJob(
  vault: VaultModel,
  reply: Reply,
  job: Omit<JobModel, 'id' | 'isThere' | 'mayLackBytes'>,
): void {
  const id = reply.headers['x-amz-job-id'] ?? '';
  const isThere = new Uncertain(true);
  if (!job.isCertain) isThere.allow(false);
  vault.jobs.add({ id, isThere, mayLackBytes: false, ...job });
}

interface OwnedJob {
  readonly vault: VaultModel;
  readonly job: JobModel;
}

function pickJob({ model, random }: AskContext): OwnedJob | undefined {
  const all = model.vaults.flatMap((vault) => [...vault.jobs].map((job) => ({ vault, job })));
  // Mostly a late one: earlier ones have expired.
  return random.chance(0.7) ? random.pick(all.slice(-5)) : random.pick(all);
}

export function describeJob(context: AskContext): Asked | undefined {
  const owned = pickJob(context);
  if (!owned) return undefined;
  const { vault, job } = owned;
  const asked = new Asked(`describe a job of ${vault.name}`, {
    method: 'GET',
    target: pathOf(vault, `/jobs/${job.id}`),
  });
  const there = onJob(asked, owned);
  return asked.outcome(200, { mayCome: () => there.has(true) });
}

function onJob(asked: Asked, { vault, job }: OwnedJob): ReadonlySet<boolean> {
  asked.onVault(vault);
  const there = asked.watch(job.isThere);
  asked.outcome(404, { code: 'ResourceNotFoundException', mayCome: () => there.has(false) });
  return there;
}

export function getJobOutput(context: AskContext): Asked | undefined {
  const owned = pickJob(context);
  if (!owned) return undefined;
  const { random } = context;
  const total = owned.job.archive?.size ?? 0;
  const first = random.below(Math.max(1, total));
  const isPart = total > 1 && random.chance(0.4);
  return outputOf(
    owned,
    isPart ? { first, last: first + random.below(total - first) } : undefined,
    random.chance(0.05),
  );
}

interface Range {
  readonly first: number;
  readonly last: number;
}

export function outputOf(owned: OwnedJob, range?: Range, goes = false): Asked {
  const { vault, job } = owned;
  const headers = range ? { range: `bytes=${range.first}-${range.last}` } : {};
  const target = pathOf(vault, `/jobs/${job.id}/output`);
  const goesAfter = goes ? 0 : undefined;
  const asked = new Asked(`read the output of a job of ${vault.name}`, {
    method: 'GET',
    target,
    headers,
    goesAfter,
  });
  const there = onJob(asked, owned);
  const { archive } = job;
  asked.outcome(400, {
    code: 'InvalidParameterValueException',
    mayCome: () => archive === undefined || !job.isCertain,
  });
  asked.mayFail = () => job.mayLackBytes || archive?.mayLackBytes === true;
  if (archive) asked.onPartial = (bytes) => requireSameBytes(archive, range, bytes);
  return asked.outcome(range ? 206 : 200, {
    mayCome: () => there.has(true),
    note: (reply) => {
      if (archive === undefined) checkInventory(vault, job, reply);
      else requireSameBytes(archive, range, reply.body, true);
    },
  });
}

function requireSameBytes(
  archive: ArchiveModel,
  range: Range | undefined,
  found: Buffer,
  isWhole = false,
): void {
  const { contents, description } = archive;
  const { first, last } = range ?? { first: 0, last: archive.size - 1 };
  let at = 0;
  let read = 0;
  for (const { bytes } of contents) {
    const wanted = bytes.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at));
    const got = found.subarray(read, read + wanted.length);
    expect(got.equals(wanted.subarray(0, got.length)), () => `${description} was read with other bytes`);
    read += got.length;
    at += bytes.length;
  }
  expect(
    isWhole ? found.length === last - first + 1 : read === found.length,
    () => `${description} was read with ${found.length} bytes`,
  );
}

function checkInventory(vault: VaultModel, { present, absent }: JobModel, reply: Reply): void {
  const { ArchiveList: list } = jsonOf(reply) as {
    ArchiveList: { ArchiveId: string; SHA256TreeHash: string }[];
  };
  const found = new Map(list.map((one) => [one.ArchiveId, one.SHA256TreeHash]));
  for (const archive of present) {
    if (!archive.isThere.must(true)) continue;
    expect(
      found.get(archive.id) === archive.treeHash,
      () => `${archive.description} is not in the inventory`,
    );
  }
  for (const { id, description } of absent)
    expect(!found.has(id), () => `${description} is in the inventory although it was deleted before`);
  for (const { id, description, treeHash } of vault.archives)
    expect(
      (found.get(id) ?? treeHash) === treeHash,
      () => `${description} has another hash in the inventory`,
    );
}

export function listJobs(context: AskContext): Asked {
  const vault = pickVault(context);
  const asked = new Asked(`list jobs of ${vault.name}`, { method: 'GET', target: pathOf(vault, '/jobs') });
  const there = asked.onVault(vault);
  return asked.outcome(200, { mayCome: () => there.has(true) });
}
