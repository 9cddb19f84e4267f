/** Random sequences of writes: a real catalog must give the same answers and reach the same state as the model. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { Refusal } from '../../../src/domain/errors.ts';
import type { Paging } from '../../../src/domain/page.ts';
import { allGarbage, allPages, Customer, hashOf, MIB } from './customer.ts';
import { type Expected, inOrder, MEMORY_MS, Model, type ModelUpload, VAULT_LIMIT } from './model.ts';
import type { CatalogPlace } from './place.ts';

const STEPS_AT_MOST = 80;

interface World {
  readonly c: Customer;
  readonly model: Model;
}

/** Makes one write on catalog and model, and compares the answers. */
type Act = (world: World) => Promise<void>;
/** A step, with a name for failure reports. */
interface Step {
  readonly toString: () => string;
  readonly act: Act;
}

/** Adds a test that runs `runs` random sequences on one catalog. */
export function itFollowsTheModel(makePlace: () => Promise<CatalogPlace>, runs: number): void {
  it(`answers and ends like a model of plain maps, in ${runs} random sequences`, async (t) => {
    const place = await makePlace();
    const entries: JournalEntry[] = [];
    const catalog = await place.open(async (added) => {
      entries.push(...added);
    });
    t.after(async () => {
      await catalog.close();
      await place.remove();
    });
    const length = { maxLength: STEPS_AT_MOST, size: 'max' } as const;
    const tale = fc.array(fc.tuple(step, fc.nat({ max: 2000 })), length);
    const property = fc.asyncProperty(tale, (steps) => follow(catalog, entries, steps));
    await fc.assert(property, { numRuns: runs });
  });
}

async function follow(
  catalog: Catalog,
  entries: JournalEntry[],
  steps: readonly (readonly [Step, number])[],
): Promise<void> {
  const world = { c: new Customer(catalog), model: new Model() };
  const left = await allGarbage(catalog);
  if (left.length > 0) await catalog.dropGarbage({ nos: left.map(({ no }) => no) });
  entries.length = 0;
  for (const [{ act }, passedMs] of steps) {
    world.model.nowMs += passedMs;
    await act(world);
  }
  await compareVaults(world);
  await compareUploads(world);
  await compareGarbage(world);
  assert.deepEqual(
    entries.map(({ body }) => body['type']),
    world.model.entryTypes,
  );
}

async function answers(expected: Expected, write: Promise<unknown>): Promise<void> {
  const answered = await write.then(
    (value) => ({ value }),
    (error: unknown) => {
      if (error instanceof Refusal) return { refused: error.kind };
      throw error;
    },
  );
  assert.deepEqual(answered, expected);
}

const name = fc.constantFrom('a', 'b', 'c', 'd');
const which = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: steps('create vault', name, createVault) },
  { weight: 2, arbitrary: steps('delete vault', name, deleteVault) },
  steps('add tag', fc.tuple(which, name), ([no, key]) => addTag(no, key)),
  steps('remove tag', fc.tuple(which, name), ([no, key]) => removeTag(no, key)),
  { weight: 3, arbitrary: steps('add archive', which, addArchive) },
  { weight: 3, arbitrary: steps('delete archive', which, deleteArchive) },
  { weight: 4, arbitrary: steps('start upload', which, startUpload) },
  { weight: 12, arbitrary: steps('put part', partPlan(), putPart) },
  {
    weight: 6,
    arbitrary: steps('complete', fc.tuple(which, claimPlan()), ([no, plan]) => complete(no, plan)),
  },
  { weight: 2, arbitrary: steps('abort', which, abort) },
  steps('expire', fc.nat({ max: 6000 }), expire),
  steps('forget', fc.constant(MEMORY_MS), forget),
  steps('sweep', fc.constant(null), () => sweep),
);

function steps<Plan>(what: string, plan: fc.Arbitrary<Plan>, toAct: (plan: Plan) => Act): fc.Arbitrary<Step> {
  return plan.map((made) => ({ act: toAct(made), toString: () => `${what} ${JSON.stringify(made)}` }));
}

interface PartPlan {
  readonly upload: number;
  readonly index: number;
  readonly size: number;
  /** A part with a lower sequence, which does not replace the current one. */
  readonly late: boolean;
}

/** Mostly whole parts at the front, so that many uploads can be completed. */
function partPlan(): fc.Arbitrary<PartPlan> {
  const size = fc.oneof({ weight: 5, arbitrary: fc.constant(MIB) }, fc.integer({ min: 1, max: MIB }));
  return fc.record({ upload: which, index: fc.nat({ max: 3 }), size, late: fc.boolean() });
}

function claimPlan(): fc.Arbitrary<'right' | 'wrong size' | 'wrong hash'> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant('right' as const) },
    fc.constantFrom('wrong size' as const, 'wrong hash' as const),
  );
}

/** An item of the list; undefined if it is empty, and then the step does nothing. */
function pick<Item>(items: readonly Item[], no: number): Item | undefined {
  return items[no % Math.max(1, items.length)];
}

function createVault(called: string): Act {
  return async ({ c, model }) => {
    const expected = model.mayCreate(called);
    const key = c.key(called);
    await answers(expected, c.catalog.createVault({ key, nowMs: model.nowMs, limit: VAULT_LIMIT }));
    if ('value' in expected) model.created(called, (await c.vault(called)).no);
  };
}

function deleteVault(called: string): Act {
  return ({ c, model }) => answers(model.deleteVault(called), c.deleteVault(called));
}

function addTag(no: number, key: string): Act {
  return async ({ c, model }) => {
    const vault = pick(model.vaults, no);
    if (!vault) return;
    const value = `${no}`;
    const expected = model.changeTags(vault, (tags) => tags.set(key, value));
    await answers(expected, c.catalog.addTags({ vaultNo: vault.no, tags: { [key]: value } }));
  };
}

function removeTag(no: number, key: string): Act {
  return async ({ c, model }) => {
    const vault = pick(model.vaults, no);
    if (!vault) return;
    const expected = model.changeTags(vault, (tags) => tags.delete(key));
    await answers(expected, c.catalog.removeTags({ vaultNo: vault.no, keys: [key] }));
  };
}

function addArchive(no: number): Act {
  return async ({ c, model }) => {
    const vault = pick(model.vaults, no);
    if (!vault) return;
    const archive = c.newArchive(vault.no, { size: no + 1, createdMs: model.nowMs });
    await answers(model.addArchive(vault, archive), c.catalog.addArchive(archive));
  };
}

function deleteArchive(no: number): Act {
  return async ({ c, model }) => {
    const archive = pick(model.archives, no);
    if (!archive) return;
    const { vault, id } = archive;
    await answers(model.deleteArchive(archive), c.deleteArchive({ vaultNo: vault.no, id }, model.nowMs));
  };
}

function startUpload(no: number): Act {
  return async ({ c, model }) => {
    const vault = pick(model.vaults, no);
    if (!vault) return;
    const id = `upload ${model.uploads.length}`;
    const upload = {
      id,
      archiveId: `archive of ${id}`,
      description: null,
      partSize: MIB,
      createdMs: model.nowMs,
    };
    const expected = model.mayStart(vault);
    await answers(expected, c.catalog.startUpload({ vaultNo: vault.no, ...upload }));
    const found = await c.catalog.findUpload(vault.no, id);
    assert.equal(found !== undefined, 'value' in expected);
    if (found) model.started(vault, found);
  };
}

function putPart({ upload: no, index, size, late }: PartPlan): Act {
  return async ({ c, model }) => {
    const one = pick(model.uploads, no);
    if (!one) return;
    const { no: uploadNo, id: uploadId } = one.upload;
    const part = c.newPart(one.upload, index, { size, ...(late ? { sequence: 1 } : {}) });
    const expected = model.putPart(one, part);
    await answers(expected, c.catalog.putPart({ uploadNo, uploadId, part, nowMs: model.nowMs }));
  };
}

function complete(no: number, plan: 'right' | 'wrong size' | 'wrong hash'): Act {
  return async ({ c, model }) => {
    const one = pick(model.uploads, no);
    if (!one) return;
    const right = model.declare(one);
    const wrong = { size: right.size + 1, treeHash: hashOf(no) };
    const claim = {
      size: plan === 'wrong size' ? wrong.size : right.size,
      treeHash: plan === 'wrong hash' ? wrong.treeHash : right.treeHash,
    };
    await answers(model.complete(one, claim), c.complete(one.upload, claim, memoryOf(model)));
  };
}

function abort(no: number): Act {
  return async ({ c, model }) => {
    const one = pick(model.uploads, no);
    if (one) await answers(model.abort(one), c.abort(one.upload, memoryOf(model)));
  };
}

function memoryOf({ nowMs }: Model) {
  return { nowMs, rememberedSinceMs: nowMs - MEMORY_MS };
}

/** Like the worker: lists idle uploads, then ends them one by one. */
function expire(ageMs: number): Act {
  return async ({ c, model }) => {
    const { nowMs } = model;
    const beforeMs = nowMs - ageMs;
    const idle = model.idle(beforeMs);
    const vaults = new Set(model.vaults.map(({ no }) => no));
    const listed = (await c.catalog.idleUploads(beforeMs, 10_000)).filter(({ vaultNo }) =>
      vaults.has(vaultNo),
    );
    assert.deepEqual(sorted(listed.map(({ id }) => id)), sorted(idle.map(({ upload }) => upload.id)));
    for (const one of idle) {
      await c.catalog.expireUpload({ uploadNo: one.upload.no, beforeMs, nowMs });
      model.expire(one);
    }
  };
}

function forget(memoryMs: number): Act {
  return async ({ c, model }) => {
    const endedBeforeMs = model.nowMs - memoryMs;
    await c.catalog.forgetUploads({ endedBeforeMs });
    model.forget(endedBeforeMs);
  };
}

/** Like the worker: removes blobs first, then the list's items. */
async function sweep(world: World): Promise<void> {
  const { c, model } = world;
  await compareGarbage(world);
  const entries = await allGarbage(c.catalog);
  for (const { uploadNo } of entries) {
    const refs = uploadNo === null ? [] : await c.catalog.partRefs(uploadNo, 10_000);
    if (uploadNo !== null && refs.length > 0) await c.catalog.dropParts({ uploadNo, refs });
  }
  if (entries.length > 0) await c.catalog.dropGarbage({ nos: entries.map(({ no }) => no) });
  model.swept();
}

async function compareVaults({ c, model }: World): Promise<void> {
  const living = model.vaults.filter(({ gone }) => !gone);
  const listed = await allPages(
    (page: Paging<string>) => c.catalog.listVaults(c.owner, page),
    (vault) => vault.name,
    2,
  );
  assert.deepEqual(
    listed.map(({ no, name: called, createdMs, archives, bytes, writtenMs }) => ({
      ...{ no, name: called, createdMs, archives, bytes, writtenMs },
    })),
    living
      .map(({ no, name: called, createdMs, archives, writtenMs }) => {
        const bytes = [...archives.values()].reduce((sum, { size }) => sum + size, 0);
        return { no, name: called, createdMs, archives: archives.size, bytes, writtenMs };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
  for (const { no, tags } of living) assert.deepEqual(await c.catalog.tagsOf(no), Object.fromEntries(tags));
  for (const { vault, id } of model.archives) {
    const found = await c.catalog.findArchive(vault.no, id);
    const expected = vault.archives.get(id);
    assert.equal(found !== undefined, expected !== undefined, id);
    if (found && expected) assert.deepEqual({ ...found, ...expected }, found);
  }
}

async function compareUploads({ c, model }: World): Promise<void> {
  for (const vault of model.vaults) {
    const open = model.uploads.filter((one) => one.vault === vault && one.state === 'open');
    const listed = await allPages(
      (page: Paging<number>) => c.catalog.listUploads(vault.no, page),
      ({ no }) => no,
      2,
    );
    assert.deepEqual(
      listed,
      open.map(({ upload }) => upload),
    );
  }
  for (const one of model.uploads) await compareParts(c, one);
}

async function compareParts(c: Customer, { upload, parts, state }: ModelUpload): Promise<void> {
  const listed = await allPages(
    (page: Paging<number>) => c.catalog.listParts(upload.no, page),
    ({ first }) => first,
    2,
  );
  const expected = inOrder(parts).map(({ ref: _, storedMs: __, ...part }) => part);
  assert.deepEqual(listed, expected);
  const refs = await c.catalog.partRefs(upload.no, 100);
  assert.deepEqual(
    refs,
    inOrder(parts).map(({ ref }) => ref),
  );
  const found = await c.catalog.findUpload(upload.vaultNo, upload.id);
  assert.deepEqual(found, state === 'open' ? upload : undefined);
}

async function compareGarbage({ c, model }: World): Promise<void> {
  const entryOf = ({ ref, uploadNo }: { ref: string | null; uploadNo: number | null }) =>
    ref ?? `upload ${uploadNo}`;
  const listed = (await allGarbage(c.catalog)).map(entryOf);
  assert.deepEqual(sorted(listed), sorted(model.garbage.map(entryOf)));
}

function sorted(texts: readonly string[]): string[] {
  return [...texts].sort();
}
