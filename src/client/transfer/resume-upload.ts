import type { GlacierClient } from '../client.ts';
import { GlacierError } from '../errors.ts';
import { eachUpload } from '../lists.ts';
import type { ArchiveCreation, UploadDescription } from '../shapes.ts';
import { bothHashes, foldHashes } from './both-hashes.ts';
import { callOf } from './call-options.ts';
import { inParallel } from './in-parallel.ts';
import { cut, MOST_PARTS, type Run } from './parts.ts';
import { type FileIdentity, isSame, type Source, SourceChangedError } from './source.ts';
import { readState, removeState, type StateFile } from './state-file.ts';
import type { UploadOptions } from './upload-options.ts';

/** The first line of a state file. */
export interface UploadHead {
  readonly moraine: 'upload';
  readonly endpoint: string;
  readonly accountId: string | null;
  readonly vaultName: string;
  readonly description: string | null;
  readonly uploadId: string;
  readonly partSize: number;
  readonly file: FileIdentity | null;
}

/** An upload to go on with, and the tree hashes of the parts that the server has. */
export type OpenUpload = StateFile<UploadHead>;

/** An upload to go on with, or the archive that it has become. */
type Resumable =
  | { readonly open: OpenUpload; readonly archive?: undefined }
  | { readonly open?: undefined; readonly archive: ArchiveCreation };

/** Finds the upload that the options name; undefined to begin a new one. */
export async function findResumable(
  client: GlacierClient,
  options: UploadOptions,
  wanted: UploadHead,
  source: Source,
): Promise<Resumable | undefined> {
  const { statePath, resume } = options;
  const resuming = new Resuming(client, options, source);
  const state = statePath === undefined ? undefined : await readState<UploadHead>(statePath, 'upload');
  if (statePath !== undefined && state) {
    requireSameUpload(statePath, state.head, wanted);
    const found = await resuming.fromState(state, wanted);
    if (found) return found;
    // The server has forgotten the upload: its parts are gone.
    await removeState(statePath);
  }
  if (resume === 'search') return resuming.search(wanted);
  return resume && { open: await resuming.fromParts({ ...wanted, uploadId: resume.uploadId }, new Map()) };
}

/** @throws Error where the file belongs to an upload to another place or of another source. */
function requireSameUpload(path: string, head: UploadHead, wanted: UploadHead): void {
  for (const member of ['endpoint', 'accountId', 'vaultName', 'description'] as const)
    if (head[member] !== wanted[member])
      throw new Error(
        `${path} is the state of an upload whose ${member} is ${head[member]}, not ${wanted[member]}`,
      );
  if (head.file?.path !== wanted.file?.path)
    throw new Error(`${path} is the state of an upload of ${head.file?.path ?? 'bytes in memory'}`);
}

/** What the server has of one upload. */
interface Known {
  readonly partSize: number;
  /** Tree hashes by the parts' ranges: `0-1048575`. */
  readonly parts: ReadonlyMap<string, string>;
}

class Resuming {
  readonly #client: GlacierClient;
  readonly #options: UploadOptions;
  readonly #source: Source;

  constructor(client: GlacierClient, options: UploadOptions, source: Source) {
    this.#client = client;
    this.#options = options;
    this.#source = source;
  }

  /** Trusts the hashes in the state file unless the source may have changed. Undefined if the upload is gone. */
  async fromState({ head, done }: OpenUpload, wanted: UploadHead): Promise<Resumable | undefined> {
    const unchanged = head.file !== null && wanted.file !== null && isSame(head.file, wanted.file);
    const trusted = unchanged ? done : new Map<number, string>();
    try {
      return { open: await this.fromParts({ ...head, file: wanted.file }, trusted) };
    } catch (error) {
      if (!(error instanceof GlacierError) || error.status !== 404) throw error;
      return this.#finished(head, trusted);
    }
  }

  /** The archive of an upload whose end was not heard, where the server remembers it. */
  async #finished(
    { uploadId, partSize }: UploadHead,
    done: ReadonlyMap<number, string>,
  ): Promise<Resumable | undefined> {
    const { size } = this.#source;
    const hashes = cut(size, partSize).map(({ index }) => done.get(index));
    if (hashes.includes(undefined)) return undefined;
    const { vaultName, statePath } = this.#options;
    const whole = { vaultName, uploadId, archiveSize: size, treeHash: foldHashes(hashes as string[]) };
    try {
      const archive = await this.#client.completeMultipartUpload(whole, callOf(this.#options));
      if (statePath !== undefined) await removeState(statePath);
      return { archive };
    } catch (error) {
      if (error instanceof GlacierError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Tries the open uploads with the wanted description, the newest first. */
  async search(wanted: UploadHead): Promise<Resumable | undefined> {
    for (const { multipartUploadId: uploadId, partSizeInBytes } of await this.#candidates(wanted)) {
      try {
        const head = { ...wanted, uploadId, partSize: partSizeInBytes };
        return { open: await this.fromParts(head, new Map()) };
      } catch (error) {
        // Another source's upload, or one that ended meanwhile.
        const isOther = error instanceof SourceChangedError;
        if (!isOther && !(error instanceof GlacierError && error.status === 404)) throw error;
      }
    }
    return undefined;
  }

  async #candidates({ description }: UploadHead): Promise<UploadDescription[]> {
    const { vaultName, partSize: wantedSize } = this.#options;
    const fits = ({ archiveDescription, partSizeInBytes }: UploadDescription): boolean =>
      archiveDescription === description &&
      (wantedSize ?? partSizeInBytes) === partSizeInBytes &&
      partSizeInBytes * MOST_PARTS >= this.#source.size;
    const found: UploadDescription[] = [];
    for await (const one of eachUpload(this.#client, { vaultName }, callOf(this.#options)))
      if (fits(one)) found.push(one);
    return found.sort((a, b) => b.creationDate.localeCompare(a.creationDate));
  }

  /**
   * Compares the parts that the server has with the source. Hashes of `trusted` parts are not computed again.
   * @throws SourceChangedError for a part that is not the source's.
   */
  async fromParts(head: UploadHead, trusted: ReadonlyMap<number, string>): Promise<OpenUpload> {
    const { partSize, parts } = await this.#listParts(head.uploadId);
    const done = new Map<number, string>();
    const { signal, parallel = 4 } = this.#options;
    const runs = cut(this.#source.size, partSize);
    const present = runs.filter((run) => parts.has(rangeOf(run)));
    if (present.length < parts.size)
      throw this.#changed(head.uploadId, 'it has parts that the source has not');
    await inParallel(
      present,
      parallel,
      async (run, both) => {
        const { index, first, end } = run;
        const own =
          trusted.get(index) ?? (await bothHashes(this.#source.readForHash(first, end), both)).treeHash;
        if (own !== parts.get(rangeOf(run)))
          throw this.#changed(head.uploadId, `its part ${rangeOf(run)} has other bytes`);
        done.set(index, own);
      },
      signal,
    );
    return { head: { ...head, partSize }, done };
  }

  async #listParts(uploadId: string): Promise<Known> {
    const { vaultName } = this.#options;
    const parts = new Map<string, string>();
    let marker: string | null | undefined;
    let partSize = 0;
    do {
      const page = await this.#client.listParts(
        { vaultName, uploadId, marker: marker ?? undefined },
        callOf(this.#options),
      );
      for (const { rangeInBytes, treeHash } of page.parts) parts.set(rangeInBytes, treeHash);
      partSize = page.partSizeInBytes;
      marker = page.marker;
    } while (marker !== null);
    return { partSize, parts };
  }

  #changed(uploadId: string, why: string): SourceChangedError {
    const what = this.#source.identity?.path ?? 'the bytes';
    return new SourceChangedError(
      `${what} is not what the upload ${uploadId} began with: ${why}. Abort that upload to begin anew.`,
    );
  }
}

const rangeOf = ({ first, end }: Run): string => `${first}-${end - 1}`;
