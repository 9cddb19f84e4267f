import type { Tags } from './tags.ts';

export interface TagReads {
  tagsOf(vaultNo: number): Promise<Tags>;
}

export interface AddTagsArgs {
  readonly vaultNo: number;
  readonly tags: Tags;
}

export interface RemoveTagsArgs {
  readonly vaultNo: number;
  readonly keys: readonly string[];
}

export interface TagWrites {
  /** @throws 404 when the vault is gone, 400 LimitExceeded. */
  addTags(args: AddTagsArgs): Promise<void>;
  /** @throws 404 when the vault is gone. */
  removeTags(args: RemoveTagsArgs): Promise<void>;
}
