/** What must be on a server, by what it acknowledged: plain objects, one for each thing that clients made. */
import type { Content } from './contents.ts';
import { Uncertain } from './uncertain.ts';

/** Something that must not happen and did. */
export class Violation extends Error {}

/** @throws Violation unless it holds. */
export function expect(holds: boolean, what: () => string): void {
  if (!holds) throw new Violation(what());
}

export class ArchiveModel {
  readonly id: string;
  readonly vault: VaultModel;
  readonly description: string;
  /** One after the other. */
  readonly contents: readonly Content[];
  readonly treeHash: string;
  readonly isThere = new Uncertain(true);
  /** Whether its bytes may be gone, because an older catalog lists it again. */
  mayLackBytes = false;

  constructor(
    id: string,
    {
      vault,
      description,
      contents,
      treeHash,
    }: Pick<ArchiveModel, 'vault' | 'description' | 'contents' | 'treeHash'>,
  ) {
    this.id = id;
    this.vault = vault;
    this.description = description;
    this.contents = contents;
    this.treeHash = treeHash;
  }

  get size(): number {
    return this.contents.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }
}

export type UploadState = 'open' | 'completed' | 'ended';

/** The content at one place of an upload; undefined for none. */
type Place = Uncertain<Content | undefined>;

export class UploadModel {
  readonly id: string;
  readonly vault: VaultModel;
  readonly description: string;
  readonly state = new Uncertain<UploadState>('open');
  readonly places = new Map<number, Place>();
  /** Parts that got no answer, and no later one at their place was acknowledged: a rebuild may find them. */
  readonly unanswered = new Set<{ readonly first: number; readonly content: Content }>();
  /** What was declared to complete it, by tree hash. */
  readonly claims = new Map<string, readonly Content[]>();
  archive: ArchiveModel | undefined;
  /** Whether it has been idle for so long that the server may end it. */
  mayExpire = false;
  /** Whether an older catalog opened it again: parts that were replaced since may have lost their bytes. */
  isReopened = false;
  /** The id that its archive will have, if a client gave it. */
  readonly importId: string | undefined;

  constructor(id: string, vault: VaultModel, description: string, importId?: string) {
    this.importId = importId;
    this.id = id;
    this.vault = vault;
    this.description = description;
  }

  place(first: number): Place {
    let place = this.places.get(first);
    if (place === undefined) {
      place = new Uncertain<Content | undefined>(undefined);
      this.places.set(first, place);
    }
    return place;
  }
}

export interface JobModel {
  readonly id: string;
  readonly isThere: Uncertain<boolean>;
  /** The archive that it retrieves; undefined for an inventory. */
  readonly archive: ArchiveModel | undefined;
  /** Whether an older catalog names its output, which may be gone. */
  mayLackBytes: boolean;
  /** Whether its output must come: the archive was there all the while that the job was begun. */
  readonly isCertain: boolean;
  /** For an inventory: archives that it must list if they stay, and those that it must not list. */
  readonly present: readonly ArchiveModel[];
  readonly absent: readonly ArchiveModel[];
}

/** What an upload, or the start of one, that got no answer may have left. */
export interface Stray {
  readonly description: string;
  /** Undefined for a multipart upload. */
  readonly contents: readonly Content[] | undefined;
}

/** Names of the settings of a vault, each a text or null. */
export const SETTINGS = ['tag a', 'tag b', 'notifications', 'access policy'] as const;
export type Setting = (typeof SETTINGS)[number];

export class VaultModel {
  readonly name: string;
  readonly isThere = new Uncertain(false);
  readonly settings: Readonly<Record<Setting, Uncertain<string | null>>> = {
    'tag a': new Uncertain<string | null>(null),
    'tag b': new Uncertain<string | null>(null),
    notifications: new Uncertain<string | null>(null),
    'access policy': new Uncertain<string | null>(null),
  };
  /** `none`, `trial` and its id, or `locked` and its id. */
  readonly lock = new Uncertain('none');
  /** Completed locks of which the store has a note, while the catalog is older: a later vault of the name is locked. */
  notedLocks: readonly string[] = [];
  readonly archives = new Set<ArchiveModel>();
  readonly uploads = new Set<UploadModel>();
  readonly jobs = new Set<JobModel>();
  readonly strays = new Set<Stray>();
  /**
   * Whether what an unanswered upload left may lack its bytes: it may have been deleted before an older catalog was put
   * back, or a rebuild found what a power cut tore.
   */
  straysMayLackBytes = false;
  /** Everything that was sent whole: the store may have it although it was refused. */
  readonly sent = new Set<Stray>();
  /** Whether so much time has passed that an upload that comes to light now may end at once. */
  hasAged = false;
  /** How often its deletion was begun. */
  deletions = 0;
  /** How often its policies, tags, lock or existence began or ceased to change. */
  policyTurns = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether a completed lock is in force for certain. */
  get isLocked(): boolean {
    return [...this.lock.possible].every((lock) => lock.startsWith('locked'));
  }

  /** Whether something of this description was sent whole. */
  hasSent(description: string): boolean {
    return [...this.sent].some((stray) => stray.description === description);
  }

  /** Archives that are there for certain, and how many there may be. */
  get counts(): { readonly least: number; readonly most: number } {
    const all = [...this.archives];
    const least = all.filter(({ isThere }) => isThere.must(true)).length;
    return { least, most: all.filter(({ isThere }) => isThere.may(true)).length + this.strays.size };
  }
}

/** What a request gave an id to: the bytes of a single upload, or a multipart upload (an empty tree hash). */
export interface ImportUse {
  readonly vault: VaultModel;
  readonly treeHash: string;
}

/** An id that clients gave to archives. */
export class ImportModel {
  /** Bytes that were sent under it. */
  readonly contents: Content[] = [];
  /** What may have it, or may have had it. */
  readonly #uses = new Set<ImportUse>();
  readonly #watches = new Set<Set<ImportUse>>();

  /** Notes a request. @returns every use that comes to be until `unwatch`. */
  begin(use: ImportUse): Set<ImportUse> {
    this.#uses.add(use);
    for (const watch of this.#watches) watch.add(use);
    const seen = new Set(this.#uses);
    this.#watches.add(seen);
    return seen;
  }

  unwatch(seen: Set<ImportUse>): void {
    this.#watches.delete(seen);
  }

  forget(use: ImportUse): void {
    this.#uses.delete(use);
  }
}

export class Model {
  /** By id, in the order of their first use. */
  readonly imports = new Map<string, ImportModel>();
  readonly vaults: readonly VaultModel[];
  /** Whether an older catalog was put back and is not accepted: then nothing can be imported. */
  isOlder = false;
  readonly retrievalPolicy = new Uncertain<string>('None');
  /** Numbers the descriptions, by which archives without a known id are recognized. */
  #descriptions = 0;

  constructor(names: readonly string[]) {
    this.vaults = names.map((name) => new VaultModel(name));
  }

  importOf(id: string): ImportModel {
    const known = this.imports.get(id) ?? new ImportModel();
    this.imports.set(id, known);
    return known;
  }

  newDescription(): string {
    return `number ${this.#descriptions++}`;
  }

  get archives(): ArchiveModel[] {
    return this.vaults.flatMap((vault) => [...vault.archives]);
  }

  get uploads(): UploadModel[] {
    return this.vaults.flatMap((vault) => [...vault.uploads]);
  }
}
