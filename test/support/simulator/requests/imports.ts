/** Uploads of archives whose ids clients give. Some requests give the same id, at once or one after the other. */
import { type Content, contentOf, MIB } from '../contents.ts';
import { ArchiveModel, expect, type ImportUse, type Stray, UploadModel, type VaultModel } from '../model.ts';
import { type AskContext, Asked, pathOf, pickVault, type Reply } from './asked.ts';

const DATE = '2013-03-20T17:03:43.221Z';
/** How many of the latest ids are given again. */
const LATEST = 4;

function pickId({ model, random }: AskContext): string {
  const latest = [...model.imports.keys()].slice(-LATEST);
  return (random.chance(0.6) ? random.pick(latest) : undefined) ?? `import-${model.imports.size}`;
}

/** What became of an id while a request gave it. */
class Watched {
  readonly #context: AskContext;
  readonly #id: string;
  readonly #own: ImportUse;
  readonly #seen: Set<ImportUse>;
  /** The archive that certainly has the id. */
  readonly #archive: ArchiveModel | undefined;
  readonly #archiveThere: ReadonlySet<boolean> | undefined;
  /** The upload that certainly reserves the id. */
  readonly #upload: UploadModel | undefined;
  readonly #uploadStates: ReadonlySet<string> | undefined;

  constructor(context: AskContext, asked: Asked, id: string, own: ImportUse) {
    const { model } = context;
    this.#context = context;
    this.#id = id;
    this.#own = own;
    const known = model.importOf(id);
    this.#seen = known.begin(own);
    asked.onEnd(() => known.unwatch(this.#seen));
    this.#archive = model.archives.find((archive) => archive.id === id);
    this.#archiveThere = this.#archive && asked.watch(this.#archive.isThere);
    this.#upload = model.uploads.find((one) => one.importId === id && one.state.must('open'));
    this.#uploadStates = this.#upload && asked.watch(this.#upload.state);
  }

  /** Whether another request may have had the id. */
  get hasOthers(): boolean {
    return [...this.#seen].some((use) => use !== this.#own);
  }

  /** The archive that had the id when the request began, of the same bytes or of others. */
  get archive(): ArchiveModel | undefined {
    return this.#archive;
  }

  /** Whether that archive was there all the while. */
  get isArchiveCertain(): boolean {
    return this.#archiveThere !== undefined && !this.#archiveThere.has(false);
  }

  /** Whether that archive was gone all the while. */
  get isArchiveGone(): boolean {
    return this.#archiveThere !== undefined && !this.#archiveThere.has(true);
  }

  /** An upload that had the id all the while. */
  get certainUpload(): UploadModel | undefined {
    const isCertain = this.#uploadStates?.size === 1 && !this.#upload?.mayExpire;
    return isCertain ? this.#upload : undefined;
  }

  /** The request was refused, and has not had the id. */
  forget(): void {
    this.#context.model.importOf(this.#id).forget(this.#own);
  }

  hasSame(): boolean {
    return [...this.#seen].some((use) => use !== this.#own && isSame(use, this.#own));
  }
}

function isSame(a: ImportUse, b: ImportUse): boolean {
  return a.vault === b.vault && a.treeHash === b.treeHash;
}

/** The bytes of an earlier request that gave the id, or others. */
function pickContent({ model, random }: AskContext, id: string): Content {
  const earlier = random.pick(model.importOf(id).contents);
  if (earlier && random.chance(0.6)) return earlier;
  const content = contentOf(random.weighted({ tiny: 20, small: 5, large: 2 }), random);
  model.importOf(id).contents.push(content);
  return content;
}

export function importArchive(context: AskContext): Asked {
  const id = pickId(context);
  return importOf(context, id, pickVault(context), pickContent(context, id));
}

function importOf(context: AskContext, id: string, vault: VaultModel, content: Content): Asked {
  const { random } = context;
  const { bytes, treeHash, linearHash } = content;
  // The same for the same bytes, because it is not known which of several requests made the archive.
  const description = `${id} ${treeHash.slice(0, 16)}`;
  const goesAfter = random.chance(0.06) ? random.below(2 * bytes.length) : undefined;
  const headers = {
    'x-amz-archive-description': description,
    'x-amz-sha256-tree-hash': treeHash,
    'x-amz-content-sha256': linearHash,
    'x-moraine-archive-id': id,
    ...(random.chance(0.5) ? { 'x-moraine-creation-date': DATE } : {}),
  };
  const draft = { method: 'POST', target: pathOf(vault, '/archives'), headers, body: bytes, goesAfter };
  const asked = new Asked(`import ${description} to ${vault.name}`, draft);
  asked.mayFail = () => context.model.isOlder;
  const stray: Stray = { description, contents: [content] };
  if (goesAfter === undefined || goesAfter >= bytes.length) {
    vault.strays.add(stray);
    vault.sent.add(stray);
  }
  const watched = new Watched(context, asked, id, { vault, treeHash });
  const there = asked.watch(vault.isThere);
  const before = watched.archive;
  const isThat = before?.vault === vault && before.treeHash === treeHash;
  return asked
    .outcome(404, {
      code: 'ResourceNotFoundException',
      mayCome: () => there.has(false),
      note() {
        vault.strays.delete(stray);
        watched.forget();
      },
    })
    .outcome(400, {
      code: 'InvalidParameterValueException',
      mayCome: () => watched.hasOthers && !(isThat && watched.isArchiveCertain),
      note() {
        vault.strays.delete(stray);
        // Its bytes never became a blob, unless it shared a claim.
        if (!watched.hasSame()) vault.sent.delete(stray);
        watched.forget();
      },
    })
    .outcome(201, {
      mayCome: () =>
        there.has(true) &&
        (before === undefined || (isThat && !watched.isArchiveGone)) &&
        watched.certainUpload === undefined,
      note: (reply) => noteArchive(vault, { id, stray, content }, reply),
    });
}

interface Imported {
  readonly id: string;
  readonly stray: Stray;
  readonly content: Content;
}

function noteArchive(vault: VaultModel, { id, stray, content }: Imported, { headers }: Reply): void {
  const { description } = stray;
  const { treeHash } = content;
  expect(headers['x-amz-archive-id'] === id, () => `${description} has another id`);
  expect(headers['x-amz-sha256-tree-hash'] === treeHash, () => `${description} has another tree hash`);
  const isOpen = vault.strays.delete(stray);
  const archive = [...vault.archives].find((one) => one.id === id);
  if (archive) expect(archive.treeHash === treeHash, () => `${description} was stored as another archive`);
  // A deletion of the vault may have removed it already.
  else if (isOpen)
    vault.archives.add(new ArchiveModel(id, { vault, description, contents: [content], treeHash }));
}

export function startImport(context: AskContext): Asked {
  const id = pickId(context);
  const vault = pickVault(context);
  const description = `${id} in parts`;
  const headers = {
    'x-amz-archive-description': description,
    'x-amz-part-size': String(MIB),
    'x-moraine-archive-id': id,
    'x-moraine-creation-date': DATE,
  };
  const draft = { method: 'POST', target: pathOf(vault, '/multipart-uploads'), headers };
  const asked = new Asked(`start the import ${description} to ${vault.name}`, draft);
  asked.mayFail = () => context.model.isOlder;
  const stray: Stray = { description, contents: undefined };
  vault.strays.add(stray);
  vault.sent.add(stray);
  const watched = new Watched(context, asked, id, { vault, treeHash: '' });
  const there = asked.watch(vault.isThere);
  const forget = (): void => {
    vault.strays.delete(stray);
    vault.sent.delete(stray);
    watched.forget();
  };
  return asked
    .outcome(404, { code: 'ResourceNotFoundException', mayCome: () => there.has(false), note: forget })
    .outcome(400, {
      code: 'InvalidParameterValueException',
      mayCome: () => watched.hasOthers && watched.certainUpload?.vault !== vault,
      note: forget,
    })
    .outcome(201, {
      mayCome: (reply) =>
        there.has(true) &&
        watched.archive === undefined &&
        (watched.certainUpload?.id ?? uploadIdOf(reply)) === uploadIdOf(reply),
      note(reply) {
        const isOpen = vault.strays.delete(stray);
        const uploadId = uploadIdOf(reply);
        if (!isOpen || [...vault.uploads].some((one) => one.id === uploadId)) return;
        vault.uploads.add(new UploadModel(uploadId, vault, description, id));
      },
    });
}

function uploadIdOf({ headers }: Reply): string {
  return headers['x-amz-multipart-upload-id'] ?? '';
}
