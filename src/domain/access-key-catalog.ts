/** An access key; the secret is sealed under the data folder's key. */
export interface AccessKey {
  readonly id: string;
  readonly account: string;
  readonly sealedSecret: string;
  readonly status: 'active' | 'disabled';
  /** What created it: the first start, a start that read it from the environment, or a command. */
  readonly origin: 'first-start' | 'environment' | 'command';
  /** Null for a key of the account's root. */
  readonly userNo: number | null;
}

export interface AccessKeyReads {
  findAccessKey(id: string): Promise<AccessKey | undefined>;
  /** Keys of a user, or of an account's root with null. */
  listAccessKeys(account: string, userNo: number | null): Promise<readonly AccessKey[]>;
}

export interface PutAccessKeyArgs extends AccessKey {
  readonly nowMs: number;
}

export interface SetKeyStatusArgs {
  readonly id: string;
  readonly status: AccessKey['status'];
}

export interface DeleteAccessKeyArgs {
  readonly id: string;
}

export interface DropAccessKeysArgs {
  readonly account: string;
  readonly origin: AccessKey['origin'];
  readonly keepId: string;
}

export interface AccessKeyWrites {
  /** Creates the key, or replaces the one of its id. */
  putAccessKey(args: PutAccessKeyArgs): Promise<void>;
  /** False if there is no such key. */
  setKeyStatus(args: SetKeyStatusArgs): Promise<boolean>;
  /** False if there is no such key. */
  deleteAccessKey(args: DeleteAccessKeyArgs): Promise<boolean>;
  /** Deletes every key of an account and origin but `keepId`. */
  dropAccessKeys(args: DropAccessKeysArgs): Promise<void>;
}
