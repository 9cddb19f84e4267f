import { Refusal } from './errors.ts';

/** Tags of a vault: key → value. Both are case-sensitive. */
export type Tags = Readonly<Record<string, string>>;

const TAGS_PER_VAULT = 50;

/** The vault's tags after an addition. @throws Refusal limit-reached beyond 50, changing nothing. */
export function mergeTags(present: Tags, added: Tags): Tags {
  const merged = { ...present, ...added };
  if (Object.keys(merged).length <= TAGS_PER_VAULT) return merged;
  throw new Refusal(
    'limit-reached',
    'The quota for the number of tags that can be assigned to this resource has been reached.',
  );
}
