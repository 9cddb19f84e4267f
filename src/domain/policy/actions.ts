/**
 * The 33 actions of the service prefix `glacier`, one for each operation, and which condition keys of the service
 * a request for each carries (service authorization reference of Amazon S3 Glacier).
 */

/** Actions on a vault, on which identity policies and vault policies decide. */
export const VAULT_ACTIONS = [
  'AbortMultipartUpload',
  'AbortVaultLock',
  'AddTagsToVault',
  'CompleteMultipartUpload',
  'CompleteVaultLock',
  'DeleteArchive',
  'DeleteVault',
  'DeleteVaultAccessPolicy',
  'DeleteVaultNotifications',
  'DescribeJob',
  'DescribeVault',
  'GetJobOutput',
  'GetVaultAccessPolicy',
  'GetVaultLock',
  'GetVaultNotifications',
  'InitiateJob',
  'InitiateMultipartUpload',
  'InitiateVaultLock',
  'ListJobs',
  'ListMultipartUploads',
  'ListParts',
  'ListTagsForVault',
  'RemoveTagsFromVault',
  'SetVaultAccessPolicy',
  'SetVaultNotifications',
  'UploadArchive',
  'UploadMultipartPart',
] as const;

/** Actions on the account, on which only identity policies decide: their vault does not exist yet, or they have none. */
const ACCOUNT_ACTIONS = [
  'CreateVault',
  'GetDataRetrievalPolicy',
  'ListProvisionedCapacity',
  'ListVaults',
  'PurchaseProvisionedCapacity',
  'SetDataRetrievalPolicy',
] as const;

export const GLACIER_ACTIONS = [...VAULT_ACTIONS, ...ACCOUNT_ACTIONS] as const;

/** Name of an action without `glacier:`, which is also the name of its operation. */
export type GlacierAction = (typeof GLACIER_ACTIONS)[number];

/** Key of the archive's age in days, lower case. */
export const AGE_KEY = 'glacier:archiveageindays';
/** Prefix of the keys of the vault's tags, lower case. */
export const TAG_KEY_PREFIX = 'glacier:resourcetag/';

const WITH_AGE: readonly string[] = [
  'DeleteArchive',
  'InitiateJob',
  'moraine:DeleteVault',
  'moraine:DescribeArchive',
  'moraine:EmptyVault',
  'moraine:GetArchive',
];
const WITHOUT_TAGS: readonly string[] = [
  ...ACCOUNT_ACTIONS,
  'AbortMultipartUpload',
  'AbortVaultLock',
  'DescribeJob',
  'DescribeVault',
  'GetJobOutput',
  'GetVaultAccessPolicy',
  'GetVaultLock',
  'GetVaultNotifications',
  'ListJobs',
  'ListMultipartUploads',
  'ListParts',
  'ListTagsForVault',
];

/** Whether only identity policies decide on this action (Glacier developer guide, "Vault access policies"). */
export function isAccountAction(action: string): boolean {
  return (ACCOUNT_ACTIONS as readonly string[]).includes(action);
}

/**
 * Whether requests for the action carry the condition key. If not, the key is missing even if the vault has the tag.
 * Extensions carry the tags.
 * @param key lower case.
 */
export function carriesKey(action: string, key: string): boolean {
  if (key === AGE_KEY) return WITH_AGE.includes(action);
  return !key.startsWith(TAG_KEY_PREFIX) || !WITHOUT_TAGS.includes(action);
}
