/** Multipart uploads. */
import { type Content, contentOf, foldOf, MIB } from '../contents.ts';
import { ArchiveModel, expect, type Stray, UploadModel, type VaultModel } from '../model.ts';
import type { Change } from '../uncertain.ts';
import { type AskContext, Asked, jsonOf, pathOf, pickVault, type Reply } from './asked.ts';

export function startUpload(context: AskContext): Asked {
  return startUploadIn(context, pickVault(context));
}

export function startUploadIn({ model }: AskContext, vault: VaultModel): Asked {
  const description = model.newDescription();
  const headers = { 'x-amz-archive-description': description, 'x-amz-part-size': String(MIB) };
  const draft = { method: 'POST', target: pathOf(vault, '/multipart-uploads'), headers };
  const asked = new Asked(`start upload ${description} to ${vault.name}`, draft);
  const stray: Stray = { description, contents: undefined };
  vault.strays.add(stray);
  vault.sent.add(stray);
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
        const id = reply.headers['x-amz-multipart-upload-id'] ?? '';
        if (vault.strays.delete(stray)) vault.uploads.add(new UploadModel(id, vault, description));
      },
    });
}

/** One of the uploads, mostly one that is open. */
function pickUpload({ model, random }: AskContext): UploadModel | undefined {
  const open = model.uploads.filter(({ state }) => state.may('open'));
  return random.pick(random.chance(0.85) ? open : model.uploads);
}

function uploadPath({ vault, id }: UploadModel): string {
  return pathOf(vault, `/multipart-uploads/${id}`);
}

/** Allows the answer that the upload is not open, if that may be. */
function onUpload(asked: Asked, upload: UploadModel): ReadonlySet<string> {
  const state = asked.watch(upload.state);
  asked.onVault(upload.vault);
  asked.outcome(404, {
    code: 'ResourceNotFoundException',
    mayCome: () => state.has('completed') || state.has('ended'),
  });
  return state;
}

export function putPart(context: AskContext): Asked | undefined {
  const { random } = context;
  const upload = pickUpload(context);
  if (!upload) return undefined;
  const index = random.pick([0, 0, 0, 1, 1, 2]) ?? 0;
  // Only the last part may be short.
  const kind = random.chance(0.18) ? 'part' : random.weighted({ tiny: 5, small: 1 });
  return partOf(context, upload, index, contentOf(kind, random));
}

export function partOf({ random }: AskContext, upload: UploadModel, index: number, content: Content): Asked {
  const { bytes, treeHash, linearHash } = content;
  const first = index * MIB;
  const goesAfter = random.chance(0.05) ? random.below(2 * bytes.length) : undefined;
  const range = `bytes ${first}-${first + bytes.length - 1}/*`;
  const headers = {
    'content-range': range,
    'x-amz-sha256-tree-hash': treeHash,
    'x-amz-content-sha256': linearHash,
  };
  const draft = { method: 'PUT', target: uploadPath(upload), headers, body: bytes, goesAfter };
  const asked = new Asked(`put part ${index} of ${upload.description}`, draft);
  const state = onUpload(asked, upload);
  if (goesAfter === undefined || goesAfter >= bytes.length) asked.changes(partChange(upload, first, content));
  return asked.outcome(204, { mayCome: () => state.has('open') });
}

function partChange(upload: UploadModel, first: number, content: Content): Change {
  const { succeed, refuse, lose } = upload.place(first).begin(content);
  const { unanswered } = upload;
  const earlier = [...unanswered].filter((one) => one.first === first);
  return {
    succeed() {
      succeed();
      for (const one of earlier) unanswered.delete(one);
    },
    refuse,
    lose() {
      lose();
      unanswered.add({ first, content });
    },
  };
}

/** What a client takes for the whole upload. */
interface Claim {
  readonly contents: readonly Content[];
  readonly size: number;
  readonly treeHash: string;
}

function claimOf(contents: readonly Content[]): Claim {
  const size = contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { contents, size, treeHash: foldOf(contents) };
}

/** The parts that may be there, from the first on. */
function choosePlaces(upload: UploadModel, { random }: AskContext): Content[] {
  const contents: Content[] = [];
  for (let first = 0; upload.places.has(first); first += MIB) {
    const possible = [...upload.place(first).possible];
    const content = random.pick(possible.filter((one) => one !== undefined));
    if (content === undefined) break;
    contents.push(content);
  }
  return contents;
}

export function completeUpload(context: AskContext): Asked | undefined {
  const upload = pickUpload(context);
  if (!upload) return undefined;
  const contents = choosePlaces(upload, context);
  return contents.length === 0 ? undefined : completionOf(upload, contents);
}

export function completionOf(upload: UploadModel, contents: readonly Content[]): Asked {
  const { vault, description } = upload;
  const claim = claimOf(contents);
  upload.claims.set(claim.treeHash, contents);
  const headers = { 'x-amz-archive-size': String(claim.size), 'x-amz-sha256-tree-hash': claim.treeHash };
  const asked = new Asked(`complete ${description}`, { method: 'POST', target: uploadPath(upload), headers });
  const fits = watchPlaces(asked, upload, contents);
  const state = onUpload(asked, upload);
  const stray: Stray = { description, contents };
  vault.sent.add(stray);
  if (upload.archive === undefined) vault.strays.add(stray);
  const forget = (): void => void vault.strays.delete(stray);
  return asked
    .changes(upload.state.begin('completed'), { succeed: forget, refuse: forget, lose: () => {} })
    .outcome(400, {
      code: 'InvalidParameterValueException',
      mayCome: () => !fits.must() || state.has('completed') || state.size > 2,
    })
    .outcome(201, {
      mayCome: () =>
        (state.has('open') && fits.may()) ||
        (state.has('completed') && upload.archive?.treeHash === claim.treeHash),
      note: (reply) => noteCompletion(upload, claim, reply),
    });
}

/** Whether the parts may be what was declared, and whether they must be. */
function watchPlaces(
  asked: Asked,
  upload: UploadModel,
  contents: readonly Content[],
): { may(): boolean; must(): boolean } {
  const isWellFormed = contents.slice(0, -1).every(({ bytes }) => bytes.length === MIB);
  const watched = [...upload.places].map(([first, place]) => ({ first, seen: asked.watch(place) }));
  const every = (holds: (seen: ReadonlySet<Content | undefined>, content: Content | undefined) => boolean) =>
    isWellFormed && watched.every(({ first, seen }) => holds(seen, contents[first / MIB]));
  const places = upload.places.size;
  return {
    may: () => every((seen, content) => seen.has(content)),
    must: () =>
      every((seen, content) => seen.has(content) && seen.size === 1) && places === upload.places.size,
  };
}

function noteCompletion(upload: UploadModel, { contents, treeHash }: Claim, { headers }: Reply): void {
  const id = headers['x-amz-archive-id'] ?? '';
  const { vault, description, archive } = upload;
  expect(headers['x-amz-sha256-tree-hash'] === treeHash, () => `${description} has another tree hash`);
  if (archive) {
    expect(archive.id === id, () => `${description} was completed again with another archive id`);
    return;
  }
  upload.archive = new ArchiveModel(id, { vault, description, contents, treeHash });
  upload.archive.mayLackBytes = upload.isReopened;
  vault.archives.add(upload.archive);
}

export function abortUpload(context: AskContext): Asked | undefined {
  const upload = pickUpload(context);
  return upload && abortOf(upload);
}

export function abortOf(upload: UploadModel): Asked {
  const asked = new Asked(`abort ${upload.description}`, { method: 'DELETE', target: uploadPath(upload) });
  onUpload(asked, upload);
  return asked
    .changes(upload.state.begin('ended'))
    .mayRace(upload.vault)
    .outcome(204, { mayCome: () => !upload.state.must('completed') });
}

export function listParts(context: AskContext): Asked | undefined {
  const upload = pickUpload(context);
  if (!upload) return undefined;
  const asked = new Asked(`list parts of ${upload.description}`, {
    method: 'GET',
    target: uploadPath(upload),
  });
  const state = onUpload(asked, upload);
  const watched = new Map([...upload.places].map(([first, place]) => [first, asked.watch(place)]));
  return asked.outcome(200, {
    mayCome: () => state.has('open'),
    note: (reply) => checkParts(upload, watched, reply),
  });
}

function checkParts(
  upload: UploadModel,
  watched: ReadonlyMap<number, ReadonlySet<Content | undefined>>,
  reply: Reply,
): void {
  const { Parts: list } = jsonOf(reply) as { Parts: { RangeInBytes: string; SHA256TreeHash: string }[] };
  const found = new Map(list.map((part) => [Number(part.RangeInBytes.split('-')[0]), part.SHA256TreeHash]));
  for (const [first, seen] of watched) {
    const isRight = [...seen].some((content) => content?.treeHash === found.get(first));
    expect(isRight, () => `part ${first} of ${upload.description} is lost or another one`);
  }
  for (const first of found.keys())
    expect(upload.places.has(first), () => `part ${first} of ${upload.description} was never sent`);
}

export function listUploads(context: AskContext): Asked {
  const vault = pickVault(context);
  const target = pathOf(vault, '/multipart-uploads');
  const asked = new Asked(`list uploads of ${vault.name}`, { method: 'GET', target });
  const there = asked.onVault(vault);
  const watched = [...vault.uploads].map((upload) => ({ upload, seen: asked.watch(upload.state) }));
  return asked.outcome(200, {
    mayCome: () => there.has(true),
    note(reply) {
      const { UploadsList: list } = jsonOf(reply) as { UploadsList: { MultipartUploadId: string }[] };
      const ids = new Set(list.map(({ MultipartUploadId: id }) => id));
      for (const { upload, seen } of watched) {
        const isRight = ids.has(upload.id) ? seen.has('open') : seen.size > 1 || !seen.has('open');
        expect(isRight, () => `${upload.description} is wrongly listed, or wrongly not`);
      }
    },
  });
}
