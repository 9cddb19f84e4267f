/**
 * A catalog of plain maps, which models the vaults, tags, archives and uploads after any sequence of writes. Each step
 * changes the model and returns what the real write must answer.
 */
import type { NewArchive } from '../../../src/domain/archive-catalog.ts';
import type { RefusalKind } from '../../../src/domain/errors.ts';
import type { Garbage } from '../../../src/domain/garbage-catalog.ts';
import type { DeclaredArchive, Upload } from '../../../src/domain/upload.ts';
import type { NewPart } from '../../../src/domain/upload-catalog.ts';
import { declare, START_MS } from './customer.ts';

export interface ModelVault {
  readonly no: number;
  readonly name: string;
  readonly createdMs: number;
  readonly tags: Map<string, string>;
  readonly archives: Map<string, Omit<NewArchive, 'ref' | 'sequence'>>;
  writtenMs: number | null;
  gone: boolean;
}

export interface ModelUpload {
  readonly upload: Upload;
  readonly vault: ModelVault;
  readonly parts: Map<number, NewPart & { readonly storedMs: number }>;
  /** `gone`: no longer remembered. */
  state: 'open' | 'completed' | 'aborted' | 'gone';
  endedMs: number;
  declared: DeclaredArchive;
}

/** What a write must answer: a value, or a refusal. */
export type Expected = { readonly value: unknown } | { readonly refused: RefusalKind };

const NOT_FOUND = { refused: 'not-found' } as const;
const INVALID = { refused: 'invalid' } as const;
const DONE = { value: undefined } as const;
/** How long an ended upload is remembered. */
export const MEMORY_MS = 5000;
export const VAULT_LIMIT = 3;

export class Model {
  nowMs = START_MS;
  /** All vaults, deleted ones included; a name refers to the newest. */
  readonly vaults: ModelVault[] = [];
  readonly uploads: ModelUpload[] = [];
  /** All archives, deleted ones included. */
  readonly archives: {
    readonly vault: ModelVault;
    readonly id: string;
    readonly garbage: Omit<Garbage, 'no'>;
  }[] = [];
  garbage: Omit<Garbage, 'no'>[] = [];
  /** Types of the expected journal entries, in order. */
  readonly entryTypes: string[] = [];

  living(name: string): ModelVault | undefined {
    return this.vaults.find((vault) => vault.name === name && !vault.gone);
  }

  mayCreate(name: string): Expected {
    if (this.living(name)) return DONE;
    const living = this.vaults.filter(({ gone }) => !gone).length;
    return living < VAULT_LIMIT ? DONE : { refused: 'limit-reached' };
  }

  created(name: string, no: number): void {
    if (this.living(name)) return;
    const contents = { tags: new Map(), archives: new Map(), writtenMs: null, gone: false };
    this.vaults.push({ no, name, createdMs: this.nowMs, ...contents });
    this.entryTypes.push('vault-created');
  }

  deleteVault(name: string): Expected {
    const vault = this.living(name);
    if (!vault) return { value: false };
    if (vault.archives.size > 0) return INVALID;
    vault.gone = true;
    for (const one of this.uploads.filter((upload) => upload.vault === vault)) {
      if (one.state === 'open') this.garbage.push({ ref: null, uploadNo: one.upload.no });
      one.state = 'gone';
    }
    this.entryTypes.push('vault-deleted');
    return { value: true };
  }

  changeTags(vault: ModelVault, change: (tags: Map<string, string>) => void): Expected {
    if (vault.gone) return NOT_FOUND;
    change(vault.tags);
    this.entryTypes.push('vault-tags');
    return DONE;
  }

  addArchive(vault: ModelVault, { ref, sequence: _, ...archive }: NewArchive): Expected {
    if (vault.gone) return NOT_FOUND;
    this.#keep(vault, archive, { ref, uploadNo: null });
    return DONE;
  }

  #keep(
    vault: ModelVault,
    archive: Omit<NewArchive, 'ref' | 'sequence'>,
    garbage: Omit<Garbage, 'no'>,
  ): void {
    vault.archives.set(archive.id, archive);
    vault.writtenMs = this.nowMs;
    this.archives.push({ vault, id: archive.id, garbage });
  }

  deleteArchive({ vault, id, garbage }: Model['archives'][number]): Expected {
    if (vault.gone) return NOT_FOUND;
    if (!vault.archives.delete(id)) return { value: false };
    vault.writtenMs = this.nowMs;
    this.garbage.push(garbage);
    this.entryTypes.push('archive-deleted');
    return { value: true };
  }

  mayStart(vault: ModelVault): Expected {
    return vault.gone ? NOT_FOUND : DONE;
  }

  started(vault: ModelVault, upload: Upload): void {
    const declared = { size: 0, treeHash: '' };
    this.uploads.push({ upload, vault, parts: new Map(), state: 'open', endedMs: 0, declared });
    this.entryTypes.push('upload-started');
  }

  putPart(one: ModelUpload, part: NewPart): Expected {
    if (one.state !== 'open') return NOT_FOUND;
    const old = one.parts.get(part.first);
    const loser = old && old.sequence > part.sequence ? part : old;
    if (loser !== part) one.parts.set(part.first, { ...part, storedMs: this.nowMs });
    if (loser) this.garbage.push({ ref: loser.ref, uploadNo: null });
    return DONE;
  }

  /** What a client declares after sending these parts. */
  declare({ state, declared, parts }: ModelUpload): DeclaredArchive {
    return state === 'completed' || parts.size === 0 ? declared : declare(inOrder(parts));
  }

  complete(one: ModelUpload, declared: DeclaredArchive): Expected {
    const { upload, vault, parts } = one;
    const done = { value: { kind: 'completed', archiveId: upload.archiveId, treeHash: declared.treeHash } };
    if (one.state === 'completed' && one.endedMs >= this.nowMs - MEMORY_MS) {
      if (declared.size !== one.declared.size || declared.treeHash !== one.declared.treeHash)
        return { value: { kind: 'repeat-differs', done: one.declared } };
      this.entryTypes.push('upload-completed');
      return done;
    }
    if (one.state !== 'open') return NOT_FOUND;
    if (!isContiguous(parts)) return INVALID;
    const right = declare(inOrder(parts));
    if (declared.size !== right.size) return { value: { kind: 'wrong-size', size: right.size } };
    if (declared.treeHash !== right.treeHash) return { value: { kind: 'wrong-hash', uploadNo: upload.no } };
    const { archiveId: id, description } = upload;
    const archive = { vaultNo: vault.no, id, description, createdMs: this.nowMs, ...declared };
    this.#keep(vault, archive, { ref: null, uploadNo: upload.no });
    this.#end(one, 'completed', declared);
    this.entryTypes.push('upload-completed');
    return done;
  }

  abort(one: ModelUpload): Expected {
    if (one.state === 'aborted' && one.endedMs >= this.nowMs - MEMORY_MS) return DONE;
    if (one.state !== 'open') return NOT_FOUND;
    this.#discard(one, 'aborted');
    return DONE;
  }

  /** Open uploads without activity since this time. */
  idle(beforeMs: number): ModelUpload[] {
    return this.uploads.filter(({ state, upload, parts }) => {
      const times = [upload.createdMs, ...[...parts.values()].map(({ storedMs }) => storedMs)];
      return state === 'open' && Math.max(...times) < beforeMs;
    });
  }

  expire(one: ModelUpload): void {
    this.#discard(one, 'gone');
  }

  #discard(one: ModelUpload, state: 'aborted' | 'gone'): void {
    this.#end(one, state, one.declared);
    this.garbage.push({ ref: null, uploadNo: one.upload.no });
    this.entryTypes.push('upload-ended');
  }

  #end(one: ModelUpload, state: ModelUpload['state'], declared: DeclaredArchive): void {
    Object.assign(one, { state, declared, endedMs: this.nowMs });
  }

  forget(endedBeforeMs: number): void {
    for (const one of this.uploads) {
      if (one.state !== 'open' && one.endedMs < endedBeforeMs) one.state = 'gone';
    }
  }

  /** Removes garbage: blobs, and the parts of uploads. */
  swept(): void {
    for (const { uploadNo } of this.garbage) {
      this.uploads.find(({ upload }) => upload.no === uploadNo)?.parts.clear();
    }
    this.garbage = [];
  }
}

/** By offset. */
export function inOrder<Part extends { readonly first: number }>(parts: ReadonlyMap<number, Part>): Part[] {
  return [...parts.values()].sort((a, b) => a.first - b.first);
}

function isContiguous(parts: ModelUpload['parts']): boolean {
  let end = 0;
  for (const part of inOrder(parts)) {
    if (part.first !== end) return false;
    end += part.size;
  }
  return parts.size > 0;
}
