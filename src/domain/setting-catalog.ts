/** A named setting of the whole installation. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

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
