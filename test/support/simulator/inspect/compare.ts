/** Compares what was found with what the model knows. */
import { foldOf } from '../contents.ts';
import {
  ArchiveModel,
  expect,
  type Model,
  SETTINGS,
  type Stray,
  UploadModel,
  type VaultModel,
} from '../model.ts';
import type { Found, FoundUpload, FoundVault } from './found.ts';

/**
 * Requires that everything acknowledged was found, and nothing else but what got no answer.
 * @param settles whether the catalog's word then counts: what got no answer has happened, or has not.
 * @throws Violation.
 */
export function compare(model: Model, found: Found, settles: boolean): void {
  const names = new Set(model.vaults.map(({ name }) => name));
  for (const name of found.vaults.keys())
    expect(names.has(name), () => `${found.where} has a vault that nobody made: ${name}`);
  for (const vault of model.vaults) new VaultComparison(vault, found, settles).run();
}

class VaultComparison {
  readonly #vault: VaultModel;
  readonly #where: string;
  readonly #isCatalog: boolean;
  readonly #settles: boolean;
  readonly #found: FoundVault | undefined;

  constructor(vault: VaultModel, found: Found, settles: boolean) {
    this.#vault = vault;
    this.#where = found.where;
    this.#isCatalog = found.where === 'the catalog';
    this.#settles = settles && this.#isCatalog;
    this.#found = found.vaults.get(vault.name);
  }

  run(): void {
    const { name, isThere } = this.#vault;
    const found = this.#found;
    this.#expect(isThere.may(found !== undefined), `${name} is ${found ? 'back' : 'lost'}`);
    if (this.#settles) isThere.settle(found !== undefined);
    // What the store has of a vault that may be a later one of this name proves nothing.
    if (found === undefined && !this.#isCatalog) return;
    this.#settings(found);
    this.#archives(found);
    this.#uploads(found);
  }

  #settings(found: FoundVault | undefined): void {
    const { settings, lock, name } = this.#vault;
    for (const setting of SETTINGS) {
      const value = found?.settings[setting] ?? null;
      this.#expect(settings[setting].may(value), `${setting} of ${name} is ${value}`);
      if (this.#settles) settings[setting].settle(value);
    }
    const state = found?.lock ?? 'none';
    const known = new Set([...lock.possible, ...this.#vault.notedLocks]);
    const fitting = [...known].filter((one) => one.startsWith(state));
    // A trial that has ended may still be noted, or not.
    const mayEnd = [...lock.possible].some((one) => one.startsWith('trial')) && state === 'none';
    this.#expect(fitting.length > 0 || mayEnd, `the lock of ${name} is ${state}`);
    if (this.#settles && fitting.length === 1 && fitting[0]) lock.settle(fitting[0]);
  }

  #archives(found: FoundVault | undefined): void {
    const left = new Map(found?.archives);
    for (const archive of this.#vault.archives) {
      const one = left.get(archive.id);
      left.delete(archive.id);
      const { isThere, description, treeHash } = archive;
      this.#expect(isThere.may(one !== undefined), `${description} is ${one ? 'back' : 'lost'}`);
      if (this.#settles) isThere.settle(one !== undefined);
      if (!one) continue;
      const isSame =
        one.treeHash === treeHash && one.size === archive.size && one.description === description;
      this.#expect(isSame, `${description} is another archive`);
      this.#expect(one.refs.length > 0 || archive.mayLackBytes, `the parts of ${description} are lost`);
    }
    for (const [id, one] of left) this.#strayArchive(id, one.description, one.treeHash);
    if (this.#settles) this.#forgetStrays((stray) => stray.contents !== undefined);
  }

  #strayArchive(id: string, description: string, treeHash: string): void {
    const vault = this.#vault;
    const strays = [...vault.strays].filter((stray) => stray.description === description && stray.contents);
    const stray = strays.find(({ contents }) => foldOf(contents ?? []) === treeHash);
    const isKnown = stray !== undefined || (!this.#isCatalog && vault.hasSent(description));
    this.#expect(isKnown, `there is an archive that nobody uploaded: ${description}`);
    if (!stray || !this.#settles) return;
    const archive = new ArchiveModel(id, { vault, description, contents: stray.contents ?? [], treeHash });
    archive.mayLackBytes = vault.straysMayLackBytes;
    vault.archives.add(archive);
    const upload = [...vault.uploads].find((one) => one.description === description);
    if (upload) upload.archive = archive;
  }

  #uploads(found: FoundVault | undefined): void {
    const left = new Map(found?.uploads);
    for (const upload of this.#vault.uploads) {
      const one = left.get(upload.id);
      left.delete(upload.id);
      const { state, description } = upload;
      const isRight = one ? state.may('open') : !state.must('open');
      this.#expect(isRight, `the upload ${description} is ${one ? 'open again' : 'lost'}`);
      if (this.#settles) this.#settleState(upload, one !== undefined);
      if (one) this.#parts(upload, one);
    }
    for (const [id, { description }] of left) this.#strayUpload(id, description);
    if (this.#settles) this.#forgetStrays((stray) => stray.contents === undefined);
  }

  #settleState(upload: UploadModel, isOpen: boolean): void {
    const { state, archive } = upload;
    if (isOpen) state.restore(upload.mayExpire ? ['open', 'ended'] : ['open']);
    else if (archive !== undefined && state.may('completed')) state.settle('completed');
    else if (state.may('ended')) state.settle('ended');
  }

  #strayUpload(id: string, description: string): void {
    const vault = this.#vault;
    const stray = [...vault.strays].find((one) => one.description === description && !one.contents);
    const isKnown = stray !== undefined || (!this.#isCatalog && vault.hasSent(description));
    this.#expect(isKnown, `there is an upload that nobody started: ${description}`);
    if (!stray || !this.#settles) return;
    const upload = new UploadModel(id, vault, description);
    upload.mayExpire = vault.hasAged;
    vault.uploads.add(upload);
  }

  #parts(upload: UploadModel, found: FoundUpload): void {
    for (const [first, place] of upload.places) {
      const parts = found.parts.get(first) ?? [];
      const hashes = new Set(parts.map(({ treeHash }) => treeHash));
      const fitting = [...place.possible].filter((content) =>
        content === undefined ? parts.length === 0 || !this.#isCatalog : hashes.has(content.treeHash),
      );
      this.#expect(fitting.length > 0, `part ${first} of ${upload.description} is lost or another one`);
      if (this.#settles) place.settle(fitting[0]);
    }
  }

  #forgetStrays(isOne: (stray: Stray) => boolean): void {
    for (const stray of this.#vault.strays) {
      if (isOne(stray)) this.#vault.strays.delete(stray);
    }
  }

  #expect(holds: boolean, what: string): void {
    expect(holds, () => `by ${this.#where}, ${what}`);
  }
}
