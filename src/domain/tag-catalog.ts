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
  /** @throws Refusal not-found when the vault is gone, limit-reached beyond the limit. */
  addTags(args: AddTagsArgs): Promise<void>;
  /** @throws Refusal not-found when the vault is gone. */
  removeTags(args: RemoveTagsArgs): Promise<void>;
}
