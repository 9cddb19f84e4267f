/** A named setting of the whole installation. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** The installation's first account. */
export const ACCOUNT_SETTING = 'account-id';
/** The id of the access key that the first start made. */
export const FIRST_KEY_SETTING = 'first-access-key-id';
/** `true` while a weak key from the environment works. */
export const WEAK_KEY_SETTING = 'weak-root-key';
/** `true` once the journal has entries of all accounts, users, keys and capacity units. */
export const PEOPLE_JOURNALED_SETTING = 'people-journaled';

/** `true` while the catalog is known to be older than the store. */
export const OLDER_CATALOG_SETTING = 'catalog-older-than-store';

/** Settings that leave entries in the journal, because a rebuilt catalog needs them. */
export const JOURNALED_SETTINGS: ReadonlySet<string> = new Set([
  ACCOUNT_SETTING,
  FIRST_KEY_SETTING,
  WEAK_KEY_SETTING,
]);

export interface SettingReads {
  findSetting(name: string): Promise<string | undefined>;
  /** Settings whose names begin with this (ASCII), by name. For prefixes that few settings have. */
  listSettings(prefix: string): Promise<readonly Setting[]>;
}

export interface SettingWrites {
  /** Sets it unless it is set; returns the value afterwards. */
  initSetting(args: Setting): Promise<string>;
  setSetting(args: Setting): Promise<void>;
}
